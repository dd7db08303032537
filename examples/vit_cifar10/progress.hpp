// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <examples/common/clock_time.hpp>

namespace vit {

/// What a person watches during an epoch.
struct ProgressState {
  int epoch = 1, epochs = 1;
  double epoch_fraction = 0;  ///< 0 to 1
  double run_fraction = 0;
  double loss = 0, accuracy_percent = 0, images_per_s = 0;
  double seconds_left = 0;  ///< until the run ends
};

/// One line of at most `width` characters; what does not fit is left out, the least useful first.
inline std::string progress_line(const ProgressState& s, int width) {
  const auto words = [](const char* format, auto... values) {
    char text[96];
    std::snprintf(text, sizeof text, format, values...);
    return std::string(text);
  };
  const std::string head = words("epoch %d/%d ", s.epoch, s.epochs);
  // In the order of the line. The part with the largest number goes first when there is no room.
  std::vector<std::pair<int, std::string>> parts = {
      {0, words(" %3.0f %%", s.epoch_fraction * 100)},
      {2, words("  loss %.3f", s.loss)},
      {1, words("  train %.1f %%", s.accuracy_percent)},
      {4, words("  %.0f images/s", s.images_per_s)},
      {5, words("  run %.0f %%", s.run_fraction * 100)},
      {3, "  " + cli::clock_time(s.seconds_left) + " left"}};
  constexpr std::size_t kLeastBar = 10;
  constexpr std::size_t kMostBar = 30;
  const std::size_t room = static_cast<std::size_t>(std::max(width, 1));
  const auto used = [&] {
    std::size_t n = head.size() + 2;
    for (const auto& part : parts) n += part.second.size();
    return n;
  };
  while (!parts.empty() && used() + kLeastBar > room) {
    parts.erase(std::max_element(parts.begin(), parts.end()));
  }
  std::string out = head;
  if (used() + 3 <= room) {
    const std::size_t bar = std::clamp(room - used(), std::size_t{3}, kMostBar);
    const double fraction = std::clamp(s.epoch_fraction, 0.0, 1.0);
    const auto full = static_cast<std::size_t>(fraction * double(bar));
    out.append("[").append(full, '=');
    if (full < bar) out.append(">").append(bar - full - 1, ' ');
    out.append("]");
  }
  for (const auto& part : parts) out += part.second;
  return out.substr(0, room);
}

/// A line that is redrawn in place on a terminal, ten times per second. Where the output goes to a
/// file there is none: the line of each epoch is enough.
class ProgressBar {
 public:
  /// `mode` is auto, bar or plain.
  explicit ProgressBar(const std::string& mode)
      : shown_(mode == "bar" || (mode == "auto" && isatty(STDOUT_FILENO))) {}

  void draw(const ProgressState& s) {
    const auto now = Clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    // One write, which erases the rest of a longer line last, so that nothing flickers. The last
    // column stays empty: some terminals would begin a new line there.
    const std::string text = "\r" + progress_line(s, columns() - 1) + "\033[K";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    drawn_ = true;
  }

  /// Removes the bar, so that a line can be printed in its place.
  void clear() {
    if (drawn_) std::fputs("\r\033[K", stdout);
    drawn_ = false;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static int columns() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
  }

  bool shown_;
  bool drawn_ = false;
  Clock::time_point last_{};
};

}  // namespace vit
