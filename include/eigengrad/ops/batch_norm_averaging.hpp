// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/shape.hpp>

namespace eigengrad {

namespace detail {

/// The number of the batch that is averaged in this thread; 0 when none is.
inline Index& averaged_batch() {
  thread_local Index number = 0;
  return number;
}

/// Weight of a batch's statistics in the running ones.
inline double batch_norm_momentum(double usual) {
  return averaged_batch() > 0 ? 1.0 / static_cast<double>(averaged_batch()) : usual;
}

}  // namespace detail

/// While one lives, the running statistics that a batch norm makes in this thread are the plain
/// mean of the batches' statistics instead of a running one: what they were before is forgotten
/// with the first batch, and `next_batch()` stands between the batches.
class BatchNormAveraging {
 public:
  [[nodiscard]] BatchNormAveraging() : previous_(detail::averaged_batch()) {
    detail::averaged_batch() = 1;
  }
  ~BatchNormAveraging() { detail::averaged_batch() = previous_; }
  BatchNormAveraging(const BatchNormAveraging&) = delete;
  BatchNormAveraging& operator=(const BatchNormAveraging&) = delete;

  void next_batch() { ++detail::averaged_batch(); }

 private:
  Index previous_;
};

}  // namespace eigengrad
