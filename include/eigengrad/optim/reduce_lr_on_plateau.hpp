// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>

#include <eigengrad/optim/optimizer.hpp>

/// A learning rate that falls when a metric no longer improves.
///
///     optim::ReduceLROnPlateau plateau({.lr = 1e-3, .patience = 5});
///     for (Index epoch = 0; epoch < 100; ++epoch) {
///       adam.set_lr(plateau.lr());
///       train(epoch);
///       plateau.step(validation_loss());
///     }
///
/// With `lr` left at 1 it gives a factor, for `set_lr_factor` or a schedule's rate. Unlike a
/// schedule it has a state, which a resumed run takes from a checkpoint.
/// **Source**
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
namespace eigengrad::optim {

enum class PlateauMode { kMin, kMax };

struct ReduceLROnPlateauOptions {
  double lr = 1;
  PlateauMode mode = PlateauMode::kMin;  ///< whether a better metric is smaller or larger
  double factor = 0.1;                   ///< of each fall, in [0, 1)
  Index patience = 10;                   ///< steps without an improvement that change nothing
  double threshold = 1e-4;  ///< what counts as an improvement, as a share of the best metric
  bool absolute = false;    ///< the threshold is a difference instead
  Index cooldown = 0;       ///< steps after a fall in which none is counted
  double min_lr = 0;
  double eps = 1e-8;  ///< a smaller fall than this is left out
};

/// **Throws** ValueError on an option outside its range.
class ReduceLROnPlateau {
 public:
  /// What a checkpoint needs.
  struct State {
    double lr;
    double best;
    Index bad_steps = 0;  ///< since the last improvement or fall
    Index cooldown_left = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  explicit ReduceLROnPlateau(const ReduceLROnPlateauOptions& options = {}) : options_(options) {
    const char* owner = "reduce_lr_on_plateau";
    detail::require_non_negative(owner, "lr", options.lr);
    detail::require(options.factor >= 0 && options.factor < 1, owner, "factor", "in [0, 1)",
                    options.factor);
    detail::require(options.patience >= 0, owner, "patience", "at least 0", options.patience);
    detail::require_non_negative(owner, "threshold", options.threshold);
    detail::require(options.cooldown >= 0, owner, "cooldown", "at least 0", options.cooldown);
    detail::require_non_negative(owner, "min_lr", options.min_lr);
    detail::require_non_negative(owner, "eps", options.eps);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    state_ = {options.lr, options.mode == PlateauMode::kMin ? kInfinity : -kInfinity};
  }

  double lr() const { return state_.lr; }
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

  /// Takes the metric of one more epoch; NaN is no improvement. **Returns** the rate from now on.
  double step(double metric) {
    if (improves(metric)) {
      state_.best = metric;
      state_.bad_steps = 0;
    } else {
      ++state_.bad_steps;
    }
    if (state_.cooldown_left > 0) {
      --state_.cooldown_left;
      state_.bad_steps = 0;
    }
    if (state_.bad_steps > options_.patience) {
      const double lr = std::max(state_.lr * options_.factor, options_.min_lr);
      if (state_.lr - lr > options_.eps) state_.lr = lr;
      state_.cooldown_left = options_.cooldown;
      state_.bad_steps = 0;
    }
    return state_.lr;
  }

 private:
  bool improves(double metric) const {
    const double sign = options_.mode == PlateauMode::kMin ? -1 : 1;
    const double least = options_.absolute ? state_.best + sign * options_.threshold
                                           : state_.best * (1 + sign * options_.threshold);
    return options_.mode == PlateauMode::kMin ? metric < least : metric > least;
  }

  ReduceLROnPlateauOptions options_;
  State state_;
};

}  // namespace eigengrad::optim
