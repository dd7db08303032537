// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>

/// The run.json of a run, read so that a field that is not there is not an error: a run that was
/// stopped early has a report too.
namespace vit::report {

using Json = eigengrad::io::Json;

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// The member at a path of names, or nullptr.
template <class... Names>
const Json* find(const Json& json, std::string_view name, Names... more) {
  const Json* found = json.is_object() ? json.find(name) : nullptr;
  if constexpr (sizeof...(more) == 0) {
    return found;
  } else {
    return found ? find(*found, more...) : nullptr;
  }
}

/// A number, or NaN.
template <class... Names>
double number(const Json& json, Names... names) {
  const Json* found = find(json, names...);
  return found && found->is_number() ? found->as_number() : kMissing;
}

/// A value as a person would write it; nothing if it is not there.
template <class... Names>
std::string text(const Json& json, Names... names) {
  const Json* found = find(json, names...);
  if (!found || found->is_null()) return "";
  return found->is_string() ? found->as_string() : found->dump();
}

/// What a training step takes for an image, in GFLOP, as counted when the run began: with patch
/// dropout less than for all its tokens. NaN if it is not there, or a patch schedule changed it.
inline double training_gflop(const Json& run) {
  if (!text(run, "configuration", "patch_schedule").empty()) return kMissing;
  return number(run, "training_gflop_per_image");
}

/// **Throws** IoError when the folder holds no run.json, or one of something else.
inline Json read_run(const std::string& folder) {
  const std::string path = folder + "/run.json";
  if (!eigengrad::io::is_file(path)) {
    throw eigengrad::IoError("[run] there is no " + path +
                             "; name the folder of a run, which `vit_cifar10 train` made");
  }
  Json run = Json::parse(eigengrad::io::read_file(path), path);
  if (!find(run, "epochs") || !find(run, "epochs")->is_array() || !find(run, "configuration")) {
    throw eigengrad::IoError("[run] " + path + " is not the record of a training run");
  }
  return run;
}

}  // namespace vit::report
