// SPDX-License-Identifier: MIT
#pragma once

#include <examples/char_lm/checkpoint.hpp>

/// How well a model predicts: the mean loss per character, in nats.
namespace char_lm {

/// The loss of a batch. **Shapes** result ().
inline eg::Tensor<float> batch_loss(const Model& model, const eg::data::TokenBatch& batch) {
  return eg::cross_entropy(eg::flatten(model(batch.inputs), 0, 1), batch.targets.reshape({-1}));
}

/// The mean over `batches` batches, which `get(i)` makes.
template <class Get>
double mean_loss(const Model& model, Index batches, Get&& get) {
  const eg::NoGrad no_grad;
  const eg::EvaluationMode evaluation(model);
  double sum = 0;
  double characters = 0;
  for (Index i = 0; i < batches; ++i) {
    const eg::data::TokenBatch batch = get(i);
    const auto n = static_cast<double>(batch.targets.numel());
    sum += n * static_cast<double>(batch_loss(model, batch).item());
    characters += n;
  }
  return sum / characters;
}

/// Over random batches, the same each time: what differs between two measurements is the model.
inline double sampled_loss(const Model& model, const eg::data::TokenWindows& windows,
                           Index batches) {
  return mean_loss(model, batches, [&](Index i) { return windows.random(i); });
}

/// Over all windows.
inline double whole_loss(const Model& model, const eg::data::TokenWindows& windows) {
  return mean_loss(model, windows.batch_count(), [&](Index i) { return windows.consecutive(i); });
}

}  // namespace char_lm
