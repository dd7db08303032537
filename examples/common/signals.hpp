// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <csignal>

namespace cli {

/// Ctrl-C and SIGTERM while it lives: the first one is noted, so that the step in hand can be
/// finished and saved; the second one ends the program at once, as usual.
class Signals {
 public:
  Signals() {
    struct sigaction action {};
    action.sa_handler = [](int signal) {
      // Two signals may come at once, each to another thread: one of them is the second.
      if (received_.exchange(signal) == 0) return;
      std::signal(signal, SIG_DFL);
      std::raise(signal);
    };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &action, &interrupt_);
    ::sigaction(SIGTERM, &action, &terminate_);
  }
  ~Signals() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The signal that has come, or 0.
  int received() const { return received_.load(); }

 private:
  static_assert(std::atomic<int>::is_always_lock_free);  // else no handler could use it
  static inline std::atomic<int> received_ = 0;
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace cli
