// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad::kernels {

/// The lines of an array along one axis: entry i of a line is at start + i * stride.
struct AxisLines {
  Index count, length, stride;

  AxisLines(const Shape& shape, Index axis)
      : count(numel_without(shape, axis)),
        length(shape[axis]),
        stride(eigengrad::detail::numel_between(shape, axis + 1, shape.rank())) {}

  /// Where line `i` starts.
  Index start(Index i) const { return i / stride * length * stride + i % stride; }

  /// Calls f(line, start) for each line, in parallel where `work`, what an entry costs in
  /// nanoseconds, makes it worthwhile.
  template <class F>
  void for_each(Index work, const F& f) const {
    const Index grain = std::max<Index>(1, 20000 / std::max<Index>(1, length * work));
    parallel_for(count, grain, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) f(i, start(i));
    });
  }

 private:
  static Index numel_without(const Shape& shape, Index axis) {
    return eigengrad::detail::numel_between(shape, 0, axis) *
           eigengrad::detail::numel_between(shape, axis + 1, shape.rank());
  }
};

}  // namespace eigengrad::kernels
