// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/fields.hpp>

/// What was measured in a run, epoch by epoch.
namespace vit {

using eigengrad::Index;
using eigengrad::io::Json;

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// Accuracies in percent. What follows `learning_rate` depends on the machine, not on the seed.
struct EpochRecord {
  int epoch = 0;   ///< counts from 1
  Index step = 0;  ///< steps of the run at its end
  double train_loss = kMissing;
  double train_accuracy = kMissing;
  double train_top5 = kMissing;
  std::optional<double> validation_loss;  ///< without validation images there are none of these
  std::optional<double> validation_accuracy;
  std::optional<double> validation_top5;
  double learning_rate = kMissing;  ///< the last step's
  double images_per_s = kMissing;   ///< in training alone
  double wait_seconds = kMissing;   ///< how long the model waited for images
  double epoch_seconds = kMissing;  ///< validation included
  double seconds = kMissing;        ///< since the run began
};

/// The columns of metrics.csv, and the fields of an epoch in run.json and in state files.
template <class Visit>
void visit_fields(EpochRecord& e, Visit&& visit) {
  visit("epoch", e.epoch);
  visit("step", e.step);
  visit("train_loss", e.train_loss);
  visit("train_accuracy", e.train_accuracy);
  visit("train_top5", e.train_top5);
  visit("validation_loss", e.validation_loss);
  visit("validation_accuracy", e.validation_accuracy);
  visit("validation_top5", e.validation_top5);
  visit("learning_rate", e.learning_rate);
  visit("images_per_s", e.images_per_s);
  visit("wait_seconds", e.wait_seconds);
  visit("epoch_seconds", e.epoch_seconds);
  visit("seconds", e.seconds);
}

/// A line of names, then a line for each epoch; the numbers are those of run.json, digit by digit.
inline std::string to_csv(std::vector<EpochRecord> epochs) {
  std::string out;
  EpochRecord names;
  visit_fields(names, [&](const char* name, const auto&) {
    if (!out.empty()) out += ',';
    out += name;
  });
  out += '\n';
  for (EpochRecord& e : epochs) {
    std::string line;
    visit_fields(e, [&]<class Field>(const char*, const Field& field) {
      if (!line.empty()) line += ',';
      if constexpr (std::is_arithmetic_v<Field>) {
        line += Json(field).dump();
      } else if (field) {
        line += Json(*field).dump();
      }
    });
    out += line + '\n';
  }
  return out;
}

/// The epoch with the best validation accuracy, the first of equals; null without validation.
inline const EpochRecord* best_epoch(const std::vector<EpochRecord>& epochs) {
  const EpochRecord* best = nullptr;
  for (const EpochRecord& e : epochs) {
    if (!e.validation_accuracy) continue;
    if (best == nullptr || *e.validation_accuracy > *best->validation_accuracy) best = &e;
  }
  return best;
}

}  // namespace vit
