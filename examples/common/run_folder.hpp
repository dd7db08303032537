// SPDX-License-Identifier: MIT
#pragma once

#include <ctime>
#include <string>

namespace cli {

/// The local time in a format of `strftime`.
inline std::string now(const char* format) {
  const std::time_t time = std::time(nullptr);
  char text[64];
  std::strftime(text, sizeof text, format, std::localtime(&time));
  return text;
}

/// Where a run goes that is given no folder.
inline std::string default_folder() { return now("runs/%Y%m%d-%H%M%S"); }

inline std::string state_path(const std::string& folder) { return folder + "/state.safetensors"; }

}  // namespace cli
