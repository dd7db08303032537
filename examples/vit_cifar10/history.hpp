// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>

/// What was measured in a run, epoch by epoch.
namespace vit {

using eigengrad::Index;
using eigengrad::io::Json;

/// Accuracies in percent. What is behind `learning_rate` depends on the machine, not on the seed.
struct EpochRecord {
  int epoch = 0;   ///< from 1
  Index step = 0;  ///< steps of the run at its end
  double train_loss = 0;
  double train_accuracy = 0;
  double train_top5 = 0;
  bool has_validation = false;
  double validation_loss = 0;
  double validation_accuracy = 0;
  double validation_top5 = 0;
  double learning_rate = 0;  ///< of the last step
  double images_per_s = 0;   ///< of training alone
  double wait_seconds = 0;   ///< that the model waited for images
  double epoch_seconds = 0;  ///< validation included
  double seconds = 0;        ///< of the run so far
};

/// Calls f(name, field) for each field of a record that is a number, in the order of the table.
template <class Record, class F>
void for_each_field(Record& e, F&& f) {
  f("epoch", e.epoch);
  f("step", e.step);
  f("train_loss", e.train_loss);
  f("train_accuracy", e.train_accuracy);
  f("train_top5", e.train_top5);
  f("validation_loss", e.validation_loss);
  f("validation_accuracy", e.validation_accuracy);
  f("validation_top5", e.validation_top5);
  f("learning_rate", e.learning_rate);
  f("images_per_s", e.images_per_s);
  f("wait_seconds", e.wait_seconds);
  f("epoch_seconds", e.epoch_seconds);
  f("seconds", e.seconds);
}

inline bool is_validation(const std::string& name) { return name.starts_with("validation_"); }

inline Json to_json(const EpochRecord& e) {
  Json out = Json::object();
  for_each_field(e, [&](const char* name, const auto& field) {
    if (e.has_validation || !is_validation(name)) out[name] = field;
  });
  return out;
}

inline EpochRecord epoch_from_json(const Json& j) {
  EpochRecord e;
  e.has_validation = j.contains("validation_loss");
  for_each_field(e, [&]<class Field>(const char* name, Field& field) {
    if (!e.has_validation && is_validation(name)) return;
    if constexpr (std::is_integral_v<Field>) {
      field = static_cast<Field>(j.at(name).as_integer());
    } else {
      field = j.at(name).as_number();
    }
  });
  return e;
}

inline Json to_json(const std::vector<EpochRecord>& epochs) {
  Json out = Json::array();
  for (const EpochRecord& e : epochs) out.push_back(to_json(e));
  return out;
}

inline std::vector<EpochRecord> epochs_from_json(const Json& j) {
  std::vector<EpochRecord> out;
  for (const Json& e : j.items()) out.push_back(epoch_from_json(e));
  return out;
}

/// A line for each epoch behind a line of names; the numbers are those of run.json, digit by digit.
inline std::string to_csv(const std::vector<EpochRecord>& epochs) {
  std::string out;
  const EpochRecord names;
  for_each_field(names, [&](const char* name, const auto&) {
    if (!out.empty()) out += ',';
    out += name;
  });
  out += '\n';
  for (const EpochRecord& e : epochs) {
    std::string line;
    for_each_field(e, [&](const std::string& name, const auto& field) {
      if (name != "epoch") line += ',';
      if (e.has_validation || !is_validation(name)) line += Json(field).dump();
    });
    out += line + '\n';
  }
  return out;
}

/// The epoch with the best validation accuracy, the first of equals; null without validation.
inline const EpochRecord* best_epoch(const std::vector<EpochRecord>& epochs) {
  const EpochRecord* best = nullptr;
  for (const EpochRecord& e : epochs) {
    if (!e.has_validation) continue;
    if (best == nullptr || e.validation_accuracy > best->validation_accuracy) best = &e;
  }
  return best;
}

}  // namespace vit
