// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>

namespace cli {

/// A duration as in tables and on a moving line: 75 seconds are "1:15", 3700 are "1:01:40".
inline std::string clock_time(double seconds) {
  const long s = seconds < 0 ? 0 : static_cast<long>(seconds + 0.5);
  char text[32];
  if (s >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  }
  return text;
}

}  // namespace cli
