// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/rounding.hpp>
#include <examples/vit_cifar10/settings.hpp>

namespace vit {

/// How long a run is.
struct Plan {
  Plan(const TrainSettings& t, Index images)
      : batches(images / t.batch),
        steps_per_epoch(eg::divide_up(batches, t.accumulate)),
        steps(t.steps > 0 ? t.steps : t.epochs * steps_per_epoch),
        epochs(static_cast<int>(eg::divide_up(steps, steps_per_epoch))) {}

  Index batches;          ///< per epoch
  Index steps_per_epoch;  ///< the last step may have fewer batches
  Index steps;            ///< of the whole run
  int epochs;             ///< the last may be cut short by --steps
};

}  // namespace vit
