// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <eigengrad/optim/optimizer.hpp>

/// Learning rates as pure functions of the step.
///
///     const optim::Schedule schedule = optim::cosine({.warmup_steps = 500, .total_steps = 9000});
///     adam.set_lr(2e-3 * schedule(adam.step_count()));
///     muon.set_lr(0.02 * schedule(muon.step_count()));
///
/// A schedule holds no state, so a resumed run needs nothing but its step count. With `lr` left at
/// 1 it gives a factor. During the first W = warmup_steps steps the rate is lr (step + 1) / (W +
/// 1): it rises in equal parts, and neither the first step nor the peak is wasted. Steps count from
/// 0; after total_steps a schedule stays at its last value.
namespace eigengrad::optim {

/// The learning rate, or its factor, for a step. Any function will do:
/// `optim::Schedule s = [](Index step) { return 1 / std::sqrt(1.0 + double(step)); };`
using Schedule = std::function<double(Index step)>;

struct ConstantScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
};

struct StepScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  Index step_size = 0;  ///< steps from one fall to the next; must be set
  double gamma = 0.1;   ///< factor of each fall
};

struct MultiStepScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  std::vector<Index> milestones = {};  ///< steps at which the rate falls, in rising order
  double gamma = 0.1;                  ///< factor of each fall
};

struct ExponentialScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  double gamma = 0;  ///< factor of each step after the warm-up; must be set
};

struct CosineRestartsScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  Index period = 0;       ///< steps of the first fall; must be set
  Index period_mult = 1;  ///< each period is this many times as long as the one before it
  double min_factor = 0;  ///< the least rate as a fraction of lr, in [0, 1]
};

struct CosineScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  Index total_steps = 0;  ///< warm-up included; must be set
  double min_factor = 0;  ///< the last rate as a fraction of lr, in [0, 1]
};

struct LinearScheduleOptions {
  double lr = 1;
  Index warmup_steps = 0;
  Index total_steps = 0;  ///< warm-up included; must be set
  double min_factor = 0;  ///< the last rate as a fraction of lr, in [0, 1]
};

/// The rise is a part of the cycle, so there is no other warm-up.
struct OneCycleScheduleOptions {
  double lr = 1;                  ///< at the top
  Index total_steps = 0;          ///< must be set
  double pct_start = 0.3;         ///< fraction of the steps in which the rate rises, in [0, 1]
  double div_factor = 25;         ///< top / start
  double final_div_factor = 1e4;  ///< start / end
  bool linear = false;            ///< straight lines instead of half cosines
};

namespace detail {

/// Goes from `a` to `b` along half a cosine as t goes from 0 to 1.
inline double cosine_between(double a, double b, double t) {
  constexpr double kPi = 3.141592653589793;
  return b + (a - b) / 2 * (1 + std::cos(kPi * t));
}

inline void require_step(const char* owner, Index step) {
  require(step >= 0, owner, "step", "at least 0", step);
}

/// lr times the warm-up, and after it lr times `decay(steps since, t)`, where t goes from 0 to 1
/// over the `span` steps left.
template <class Decay>
Schedule warm_up_then(const char* owner, double lr, Index warmup_steps, Index span, Decay decay) {
  return [=](Index step) {
    require_step(owner, step);
    if (step < warmup_steps) return lr * double(step + 1) / double(warmup_steps + 1);
    const Index since = step - warmup_steps;
    return lr * decay(since, span > 0 ? std::min(1.0, double(since) / double(span)) : 1.0);
  };
}

inline void check_warm_up(const char* owner, double lr, Index warmup_steps) {
  require_non_negative(owner, "lr", lr);
  require(warmup_steps >= 0, owner, "warmup_steps", "at least 0", warmup_steps);
}

inline void check_total(const char* owner, Index warmup_steps, Index total_steps,
                        double min_factor) {
  require(total_steps >= 1, owner, "total_steps", "at least 1", total_steps);
  require(warmup_steps <= total_steps, owner, "warmup_steps", "at most total_steps", warmup_steps);
  require(min_factor >= 0 && min_factor <= 1, owner, "min_factor", "in [0, 1]", min_factor);
}

}  // namespace detail

/// The rate is the same throughout.
inline Schedule constant(const ConstantScheduleOptions& options = {}) {
  detail::check_warm_up("constant", options.lr, options.warmup_steps);
  return detail::warm_up_then("constant", options.lr, options.warmup_steps, 0,
                              [](Index, double) { return 1.0; });
}

/// The rate is multiplied by gamma after every step_size steps.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
inline Schedule step_decay(const StepScheduleOptions& options) {
  detail::check_warm_up("step_decay", options.lr, options.warmup_steps);
  detail::require(options.step_size >= 1, "step_decay", "step_size", "at least 1",
                  options.step_size);
  detail::require_non_negative("step_decay", "gamma", options.gamma);
  return detail::warm_up_then("step_decay", options.lr, options.warmup_steps, 0,
                              [gamma = options.gamma, size = options.step_size](
                                  Index since, double) { return std::pow(gamma, since / size); });
}

/// The rate is multiplied by gamma at each milestone.
///
/// **Source**
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html
inline Schedule multi_step(const MultiStepScheduleOptions& options) {
  const char* owner = "multi_step";
  detail::check_warm_up(owner, options.lr, options.warmup_steps);
  detail::require_non_negative(owner, "gamma", options.gamma);
  Index previous = options.warmup_steps;
  for (const Index milestone : options.milestones) {
    detail::require(milestone >= previous, owner, "milestones",
                    "in rising order and after the warm-up", milestone);
    previous = milestone;
  }
  return detail::warm_up_then(
      owner, options.lr, options.warmup_steps, 0, [o = options](Index since, double) {
        const auto falls =
            std::upper_bound(o.milestones.begin(), o.milestones.end(), since + o.warmup_steps) -
            o.milestones.begin();
        return std::pow(o.gamma, double(falls));
      });
}

/// The rate is multiplied by gamma in every step.
///
/// **Source**
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
inline Schedule exponential(const ExponentialScheduleOptions& options) {
  const char* owner = "exponential";
  detail::check_warm_up(owner, options.lr, options.warmup_steps);
  detail::require(options.gamma > 0 && std::isfinite(options.gamma), owner, "gamma",
                  "finite and above 0", options.gamma);
  return detail::warm_up_then(
      owner, options.lr, options.warmup_steps, 0,
      [gamma = options.gamma](Index since, double) { return std::pow(gamma, double(since)); });
}

/// The rate falls to min_factor along half a cosine, and begins at lr again after each period.
///
/// **Source** I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
/// 2017;
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html
inline Schedule cosine_restarts(const CosineRestartsScheduleOptions& options) {
  const char* owner = "cosine_restarts";
  detail::check_warm_up(owner, options.lr, options.warmup_steps);
  detail::require(options.period >= 1, owner, "period", "at least 1", options.period);
  detail::require(options.period_mult >= 1, owner, "period_mult", "at least 1",
                  options.period_mult);
  detail::require(options.min_factor >= 0 && options.min_factor <= 1, owner, "min_factor",
                  "in [0, 1]", options.min_factor);
  return detail::warm_up_then(
      owner, options.lr, options.warmup_steps, 0, [o = options](Index since, double) {
        Index period = o.period;
        if (o.period_mult == 1) since %= period;
        for (; since >= period; period *= o.period_mult) since -= period;
        return detail::cosine_between(1, o.min_factor, double(since) / double(period));
      });
}

/// The rate falls to min_factor along half a cosine.
///
/// **Source** I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
/// 2017.
inline Schedule cosine(const CosineScheduleOptions& options) {
  detail::check_warm_up("cosine", options.lr, options.warmup_steps);
  detail::check_total("cosine", options.warmup_steps, options.total_steps, options.min_factor);
  return detail::warm_up_then(
      "cosine", options.lr, options.warmup_steps, options.total_steps - options.warmup_steps,
      [end = options.min_factor](Index, double t) { return detail::cosine_between(1, end, t); });
}

/// The rate falls to min_factor along a straight line.
inline Schedule linear(const LinearScheduleOptions& options) {
  detail::check_warm_up("linear", options.lr, options.warmup_steps);
  detail::check_total("linear", options.warmup_steps, options.total_steps, options.min_factor);
  return detail::warm_up_then(
      "linear", options.lr, options.warmup_steps, options.total_steps - options.warmup_steps,
      [end = options.min_factor](Index, double t) { return 1 + (end - 1) * t; });
}

/// The rate rises from lr / div_factor to lr, then falls to lr / div_factor / final_div_factor at
/// the last step.
///
/// **Source** L. Smith and N. Topin, "Super-convergence", 2018;
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
inline Schedule one_cycle(const OneCycleScheduleOptions& options) {
  const char* owner = "one_cycle";
  detail::require_non_negative(owner, "lr", options.lr);
  detail::require(options.total_steps >= 1, owner, "total_steps", "at least 1",
                  options.total_steps);
  detail::require(options.pct_start >= 0 && options.pct_start <= 1, owner, "pct_start", "in [0, 1]",
                  options.pct_start);
  detail::require(options.div_factor > 0, owner, "div_factor", "above 0", options.div_factor);
  detail::require(options.final_div_factor > 0, owner, "final_div_factor", "above 0",
                  options.final_div_factor);
  return [o = options, owner](Index step) {
    detail::require_step(owner, step);
    const auto between = [&](double a, double b, double t) {
      return o.linear ? a + (b - a) * t : detail::cosine_between(a, b, t);
    };
    const double low = o.lr / o.div_factor;
    const double last = double(o.total_steps - 1);
    const double top = std::max(0.0, o.pct_start * double(o.total_steps) - 1);
    const double at = std::min(double(step), last);
    if (at < top) return between(low, o.lr, at / top);
    return between(o.lr, low / o.final_div_factor, last > top ? (at - top) / (last - top) : 0.0);
  };
}

}  // namespace eigengrad::optim
