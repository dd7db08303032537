// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace vit {

/// Ctrl-C and SIGTERM while it lives: the first one is noted, so that the step in hand can be
/// finished and saved; the second one ends the program at once, as usual.
class Signals {
 public:
  Signals() {
    struct sigaction action {};
    action.sa_handler = [](int signal) {
      received_ = signal;
      std::signal(SIGINT, SIG_DFL);
      std::signal(SIGTERM, SIG_DFL);
    };
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, SIGINT);  // a second one waits until it means the end
    sigaddset(&action.sa_mask, SIGTERM);
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
  int received() const { return received_; }

 private:
  static inline volatile std::sig_atomic_t received_ = 0;
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace vit
