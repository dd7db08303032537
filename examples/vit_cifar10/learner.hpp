// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <eigengrad/models/whitening_filters.hpp>
#include <examples/vit_cifar10/model.hpp>
#include <examples/vit_cifar10/optimizers.hpp>
#include <examples/vit_cifar10/plan.hpp>
#include <examples/vit_cifar10/training_data.hpp>

/// What changes while a model trains.
namespace vit {

struct Learner {
  Model model;
  Optimizers optimizers;
  std::unique_ptr<eg::optim::Ema<float>> ema;  ///< or none
};

inline std::unique_ptr<eg::optim::Ema<float>> make_ema(const Model& model, const TrainSettings& t) {
  if (t.ema == 0) return nullptr;
  return std::make_unique<eg::optim::Ema<float>>(
      model.parameters(), eg::optim::EmaOptions{.decay = t.ema}, model.named_buffers());
}

/// The learner before the first step. `settings` are the model's, which a patch schedule changes
/// during a run.
inline Learner make_learner(const TrainSettings& t, const ModelSettings& settings,
                            const TrainingData& data, const Plan& plan) {
  eg::Generator rng(t.seed);
  const bool pretrained = !t.pretrained.empty();
  Model model =
      pretrained ? pretrained_model(t.pretrained, settings, rng) : build_model(settings, rng);
  if (!pretrained) {
    eg::models::initialize_whitening(model, data.train, {.normalization = data.normalization});
  }
  Optimizers optimizers(model, t, plan.steps_per_epoch, plan.steps);
  return {model, std::move(optimizers), make_ema(model, t)};
}

/// While it lives, the model has the weights that are measured and saved: the running means where
/// there are any.
class UseSavedWeights {
 public:
  explicit UseSavedWeights(Learner& learner) {
    if (learner.ema) means_.emplace(*learner.ema);
  }

 private:
  std::optional<eg::optim::UseEma<float>> means_;
};

}  // namespace vit
