// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

/// What a person watches during an epoch: a bar that is redrawn in place on a terminal, and nothing
/// where the output goes to a file (there the epoch's summary line says it all).
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted = true) : shown_(wanted && isatty(fileno(stdout))) {}

  struct State {
    int epoch, epochs;
    double fraction;  ///< of this epoch, 0 to 1
    double loss, accuracy_percent, images_per_s, seconds_left;
  };

  void draw(const State& s) {
    const auto now = Clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    constexpr int kWidth = 24;
    const int full = static_cast<int>(s.fraction * kWidth);
    std::printf(
        "\repoch %d/%d [%s%s] %3.0f %%  loss %.3f  train %.1f %%  %.0f images/s  %s left\033[K",
        s.epoch, s.epochs, std::string(full, '=').c_str(), std::string(kWidth - full, ' ').c_str(),
        s.fraction * 100, s.loss, s.accuracy_percent, s.images_per_s,
        duration(s.seconds_left).c_str());
    std::fflush(stdout);
  }

  /// Removes the bar, so that a line can be printed in its place.
  void clear() {
    if (shown_) std::printf("\r\033[K");
  }

  /// 75 -> "1:15", 3700 -> "1:01:40".
  static std::string duration(double seconds) {
    const long s = seconds < 0 ? 0 : static_cast<long>(seconds + 0.5);
    char text[32];
    if (s >= 3600) {
      std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    } else {
      std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
    }
    return text;
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool shown_;
  Clock::time_point last_{};
};
