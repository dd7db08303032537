// SPDX-License-Identifier: MIT
#pragma once

namespace eigengrad {

namespace detail {

inline bool& grad_flag() {
  thread_local bool enabled = true;
  return enabled;
}

}  // namespace detail

/// Whether ops of this thread record the graph.
inline bool grad_enabled() { return detail::grad_flag(); }

/// Switches recording on or off in this thread while it lives.
class GradMode {
 public:
  [[nodiscard]] explicit GradMode(bool enabled) : previous_(detail::grad_flag()) {
    detail::grad_flag() = enabled;
  }
  ~GradMode() { detail::grad_flag() = previous_; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};

/// `NoGrad guard;`: ops record nothing in this scope, as under `torch.no_grad()`.
class NoGrad : public GradMode {
 public:
  [[nodiscard]] NoGrad() : GradMode(false) {}
};

}  // namespace eigengrad
