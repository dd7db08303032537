// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <examples/vit_cifar10/history.hpp>

/// What is known of a run: run.json, which a person and other programs read too.
namespace vit {

/// What is the same for the images of a run whenever it goes on.
struct DataRecord {
  Index training_images = 0;
  Index validation_images = 0;
  Index test_images = 0;
  std::vector<std::string> class_names;
  std::vector<float> mean;  ///< of the training images' channels
  std::vector<float> deviation;

  bool operator==(const DataRecord&) const = default;
};

/// All but the epochs. Accuracies in percent; what is empty is not known yet.
struct RunDescription {
  std::string status = "running";  ///< or finished
  std::string command;
  std::string date;
  Json configuration = Json::object();  ///< every option's value by its name
  std::uint64_t seed = 0;
  int threads = 0;
  Json versions = Json::object();  ///< what the program was built with
  DataRecord data;
  std::optional<double> peak_gflops;
  std::optional<Index> parameters;
  std::optional<double> training_gflop_per_image;
  std::optional<double> images_per_s;  ///< this and the following: of a finished run
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;
  std::optional<double> test_top5;
  std::optional<double> seconds;
};

struct RunRecord : RunDescription {
  std::vector<EpochRecord> epochs;
};

template <class Visit>
void visit_fields(DataRecord& d, Visit&& visit) {
  visit("training_images", d.training_images);
  visit("validation_images", d.validation_images);
  visit("test_images", d.test_images);
  visit("class_names", d.class_names);
  visit("mean", d.mean);
  visit("std", d.deviation);
}

template <class Visit>
void visit_fields(RunDescription& r, Visit&& visit) {
  visit("status", r.status);
  visit("command", r.command);
  visit("date", r.date);
  visit("configuration", r.configuration);
  visit("seed", r.seed);
  visit("threads", r.threads);
  visit("versions", r.versions);
  visit("data", r.data);
  visit("peak_gflops", r.peak_gflops);
  visit("parameters", r.parameters);
  visit("training_gflop_per_image", r.training_gflop_per_image);
  visit("images_per_s", r.images_per_s);
  visit("test_loss", r.test_loss);
  visit("test_accuracy", r.test_accuracy);
  visit("test_top5", r.test_top5);
  visit("seconds", r.seconds);
}

template <class Visit>
void visit_fields(RunRecord& r, Visit&& visit) {
  visit_fields(static_cast<RunDescription&>(r), visit);
  visit("epochs", r.epochs);
}

/// A value as a person would write it; nothing for null.
inline std::string as_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.as_string() : value.dump();
}

/// The same of an object's member; nothing if there is none.
inline std::string member_text(const Json& object, std::string_view name) {
  const Json* found = object.find(name);
  return found != nullptr ? as_text(*found) : "";
}

/// An option of the run.
inline std::string option_text(const RunDescription& run, std::string_view name) {
  return member_text(run.configuration, name);
}

/// An option of the run that is a number, or NaN.
inline double option_number(const RunDescription& run, std::string_view name) {
  const Json* found = run.configuration.find(name);
  return found != nullptr && found->is_number() ? found->as_number() : kMissing;
}

/// GFLOP of a training step per image, as counted when the run began: with patch dropout fewer than
/// for all its tokens. NaN if it is not known, or a patch schedule changed it.
inline double training_gflop(const RunDescription& run) {
  if (!option_text(run, "patch_schedule").empty()) return kMissing;
  return run.training_gflop_per_image.value_or(kMissing);
}

/// Reads a run.json, of another version too: a field that it lacks is empty, and a run that was
/// stopped early has a record.
/// **Throws** IoError when the folder holds no run.json, or one of something else.
inline RunRecord read_run(const std::string& folder) {
  const std::string path = folder + "/run.json";
  if (!eigengrad::io::is_file(path)) {
    throw eigengrad::IoError("[run] there is no " + path +
                             "; name the folder of a run, which `vit_cifar10 train` made");
  }
  const Json json = Json::parse(eigengrad::io::read_file(path), path);
  const std::string no_record = "[run] " + path + " is not the record of a training run";
  if (!json.is_object() || !json.contains("epochs") || !json.contains("configuration")) {
    throw eigengrad::IoError(no_record);
  }
  try {
    return eigengrad::io::from_json<RunRecord>(json, {.lenient = true});
  } catch (const eigengrad::IoError& error) {
    throw eigengrad::IoError(no_record + ": " + error.what());
  }
}

}  // namespace vit
