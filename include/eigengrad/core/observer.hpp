// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/op.hpp>
#include <eigengrad/core/shape.hpp>

/// Reports what the engine does: each op, each op's backward and each step of an optimiser.
namespace eigengrad {

/// The numbers of an array of float or double, which it does not own.
class NumbersView {
 public:
  NumbersView() = default;
  NumbersView(const float* data, Index size) : floats_(data), size_(size) {}
  NumbersView(const double* data, Index size) : doubles_(data), size_(size) {}

  /// Numbers that are infinite or NaN; 0 where there are no numbers.
  Index count_not_finite() const {
    Index count = 0;
    for (Index i = 0; i < size_; ++i) {
      count += !std::isfinite(floats_ ? static_cast<double>(floats_[i]) : doubles_[i]);
    }
    return count;
  }

 private:
  const float* floats_ = nullptr;
  const double* doubles_ = nullptr;
  Index size_ = 0;
};

/// While one lives, what this thread computes is reported to it. A thread has one at a time: a
/// second one takes over until it dies. Without one an op only reads a pointer.
class Observer {
 public:
  enum class Phase { kForward, kBackward, kOptimizer };

  /// A tensor of the event; without numbers if nothing holds them any more.
  struct Seen {
    std::uint64_t id = 0;  ///< unique; the same for all handles of one tensor
    Shape shape = {};
    NumbersView value = {};
    NumbersView grad = {};
    bool requires_grad = false;
    detail::Buffer buffer = {};  ///< the value's; a copy of it keeps the numbers
  };
  struct Event {
    Phase phase;
    const char* op;
    Seen result;                   ///< empty for an optimiser
    std::span<const Seen> inputs;  ///< absent ones left out
    double macs = 0;               ///< multiply-adds of the phase's products
    Op::Reads reads = Op::Reads::kAll;
  };

  [[nodiscard]] Observer() : previous_(std::exchange(active(), this)) {}
  virtual ~Observer() { active() = previous_; }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// Called when an op has its result, when a backward has added to the gradients of its inputs,
  /// when an optimiser has made its step.
  virtual void observe(const Event& event) = 0;

  /// Called when a module's call begins and when it ends; what is observed in between is its work.
  /// `module` is the same for all handles of one.
  virtual void enter(const void* module) { (void)module; }
  virtual void leave() {}

  /// The observer of this thread; null when there is none.
  static Observer*& active() {
    thread_local Observer* observer = nullptr;
    return observer;
  }

 private:
  Observer* previous_;
};

}  // namespace eigengrad
