// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

/// How everything in this folder is timed.
namespace bench {

/// Seconds of one call.
struct Timing {
  double median = 0;
  double minimum = 0;
};

inline Timing summary(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const std::size_t n = seconds.size();
  return {(seconds[(n - 1) / 2] + seconds[n / 2]) / 2, seconds.front()};
}

/// Seconds per call of `f`, called `repeat` times.
template <class F>
double seconds_of(F&& f, long repeat = 1) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  for (long i = 0; i < repeat; ++i) f();
  return std::chrono::duration<double>(Clock::now() - start).count() / double(repeat);
}

/// `runs` timed calls after `warmup` untimed ones.
template <class F>
Timing time_runs(F&& f, int runs, int warmup) {
  for (int i = 0; i < warmup; ++i) f();
  std::vector<double> seconds;
  for (int i = 0; i < runs; ++i) seconds.push_back(seconds_of(f));
  return summary(std::move(seconds));
}

}  // namespace bench
