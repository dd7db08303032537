// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include <examples/pretrain/task.hpp>

/// Trains a learner, and measures it on images that it does not learn from.
namespace pretrain {

/// Losses are means per epoch: squared errors in normalised pixels, or cross-entropies.
struct Measurement {
  Index epoch = 0;                        ///< 0: before the first step
  std::optional<double> train_loss = {};  ///< none before the first step
  double validation_loss = 0;
  std::optional<double> validation_accuracy = {};  ///< of rotation, in percent
  double seconds = 0;                              ///< since the run began
};

template <class Visit>
void visit_fields(Measurement& m, Visit&& visit) {
  visit("epoch", m.epoch);
  visit("train_loss", m.train_loss);
  visit("validation_loss", m.validation_loss);
  visit("validation_accuracy", m.validation_accuracy);
  visit("seconds", m.seconds);
}

/// Prints a line for each epoch. **Throws** std::runtime_error when the loss is no number any more.
std::vector<Measurement> train(const RunSettings& settings, const Learner& learner,
                               const eg::data::TrainValidation& images);

}  // namespace pretrain
