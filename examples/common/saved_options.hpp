// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/json.hpp>
#include <examples/common/options.hpp>

/// The options of a run in its files, and back when it goes on.
namespace cli {

inline std::string json_key(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// Every option's value but that of `--resume`, as {"label_smoothing": 0.1, ...}.
inline eigengrad::io::Json to_json(const Options& options) {
  using eigengrad::io::Json;
  Json out = Json::object();
  for (const Options::Value& value : options.values()) {
    if (value.name == "resume") continue;
    const bool plain = value.is_number || value.is_flag;
    out[json_key(value.name)] = plain ? Json::parse(value.text) : Json(value.text);
  }
  return out;
}

/// Gives the options the values of a run that goes on. Those in `free` change nothing that it
/// computes: they may be given anew. **Throws** UsageError, naming it, for another option on the
/// command line that says otherwise; IoError for one that the run does not know.
inline void resume_options(Options& options, const eigengrad::io::Json& settings,
                           std::span<const std::string_view> free) {
  for (const Options::Value& value : options.values()) {
    const eigengrad::io::Json* saved = settings.find(json_key(value.name));
    const bool is_free = std::find(free.begin(), free.end(), value.name) != free.end();
    if (is_free && (value.given || saved == nullptr)) continue;
    if (saved == nullptr) {
      throw eigengrad::IoError(
          "the run that --resume continues was begun by another version, without --" + value.name +
          "; continue it with that one");
    }
    const std::string text = saved->is_string() ? saved->as_string() : saved->dump();
    options.set(value.name, text);
    const auto now = options.values();
    const auto same =
        std::find_if(now.begin(), now.end(), [&](const auto& v) { return v.name == value.name; });
    if (value.given && same->text != value.text) {
      std::string message = "--";
      message.append(value.name).append(" ").append(value.text);
      message.append(" contradicts the run that --resume continues, which has ").append(text);
      throw UsageError(message + "; leave it out, or start another run");
    }
  }
}

}  // namespace cli
