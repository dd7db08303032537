// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/patch_schedule.hpp>
#include <examples/vit_cifar10/progress.hpp>
#include <examples/vit_cifar10/report/predictions.hpp>
#include <examples/vit_cifar10/run_log.hpp>
#include <examples/vit_cifar10/run_state.hpp>
#include <examples/vit_cifar10/signals.hpp>

namespace vit {

/// The images of a run and what is known of them.
struct TrainingData {
  eg::data::ImageDataset train;
  eg::data::ImageDataset validation;
  eg::data::ImageDataset test;
  eg::data::Normalization normalization;
  DataSettings source;  ///< where they were found
};

/// The length of a run.
struct Plan {
  Plan(const TrainSettings& t, Index images);

  Index batches;          ///< in an epoch
  Index steps_per_epoch;  ///< the last step may have fewer batches
  Index steps;            ///< of the run
  int epochs;             ///< of which --steps may end the last before its time
};

/// The batches of a run; `plain` ones are those of the last epochs (--plain-epochs).
eg::data::DataLoader make_loader(const TrainSettings& t, const TrainingData& data, bool plain);

/// One run from its beginning, or from where a state file left it, to its end.
///
/// A step's result depends on the settings and the number of the step alone; so a run that was
/// interrupted, at whatever place, ends with the same bits.
class Trainer {
 public:
  /// **Throws** what a wrong model or option gives.
  Trainer(TrainSettings settings, TrainingData data);

  /// Takes up the run that the file holds.
  void restore(const StateFile& file);

  /// Trains, measures and saves; `description` goes into the state file and run.json. **Returns**
  /// the program's exit status: 0, or 128 and the number of the signal that ended the run before
  /// its time.
  int run(Json description);

  const Model& model() const { return learner_.model; }
  const std::vector<EpochRecord>& epochs() const { return state_.epochs; }

 private:
  using Clock = std::chrono::steady_clock;

  bool stopped_early() const;
  bool done() const { return state_.epoch > plan_.epochs || stopped_early(); }

  void adopt(Learner learner);
  /// Gives the model the patches of the epoch that is to begin.
  void change_patches();
  /// **Returns** false when a signal has come before the epoch's end.
  bool train_epoch();
  void train_step(eg::data::Epoch& epoch, eg::data::Epoch::Iterator& batch, Index batches);
  eg::Tensor<float> batch_loss(const eg::Tensor<float>& logits, const eg::data::Batch& batch,
                               Index group) const;
  /// Says where the numbers went wrong. **Throws** StateError.
  [[noreturn]] void give_up(const std::string& what, const std::vector<eg::data::Batch>& batches);
  /// Weights that are not finite never reach a file.
  void require_finite();
  void finish_epoch();
  void finish_run();
  /// Loss and accuracies with the weights that are saved.
  Metrics measure_on(const eg::data::ImageDataset& images);
  /// The same weights, with what the report shows of each image.
  report::Predictions predict(const eg::data::ImageDataset& images, const std::string& part);
  void save_model(const std::string& name);
  void save();
  void draw();

  /// Seconds since the last call; they count to the run.
  double lap();

  TrainSettings t_;
  TrainingData data_;
  Json description_;
  Plan plan_;
  eg::data::DataLoader loader_;
  eg::data::DataLoader plain_loader_;  ///< for the last epochs
  PatchSchedule patches_;
  RunState state_;
  Learner learner_;
  std::vector<eg::Tensor<float>> parameters_;
  eg::GeneratorSnapshot random_;  ///< as the step began
  RunLog log_;
  ProgressBar bar_;
  Signals signals_;
  Clock::time_point last_lap_ = Clock::now();
  Clock::time_point last_save_ = Clock::now();
};

}  // namespace vit
