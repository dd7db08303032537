// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/permute.hpp>

namespace eigengrad {

namespace detail {

template <class T>
NdArray<T> flip_forward(const NdArray<T>& x, Index axis) {
  NdArray<T> y(x.shape());
  const Index n = x.shape()[axis];
  const Index inner = numel_between(x.shape(), axis + 1, x.rank());
  const Index grain = std::max<Index>(1, 16384 / std::max<Index>(1, n * inner));
  parallel_for(numel_between(x.shape(), 0, axis), grain, [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      const T* from = x.data() + o * n * inner;
      T* to = y.data() + o * n * inner;
      if (inner == 1) {
        std::reverse_copy(from, from + n, to);
        continue;
      }
      for (Index i = 0; i < n; ++i) {
        std::copy_n(from + (n - 1 - i) * inner, inner, to + i * inner);
      }
    }
  });
  return y;
}

}  // namespace detail

/// The entries in reverse order along `axes`; an empty list means all of them.
///
/// **Shapes** as x. **Throws** ShapeError if an axis is out of range or given twice.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.flip.html
template <class T>
Tensor<T> flip(const Tensor<T>& x, const Shape& axes) {
  const Shape normal = detail::normalize_axes("flip", axes, x.rank());
  const auto flip_all = [normal](NdArray<T> y) {
    for (Index axis : normal) y = detail::flip_forward(y, axis);
    return y;
  };
  return make_result(
      "flip", flip_all(x.value()),
      [flip_all](BackwardContext<T>& context) { context.accumulate(0, flip_all(context.dout())); },
      x);
}
/// The same along one axis. (A template, so that {} is an empty list and not axis 0.)
template <class T, std::integral I>
Tensor<T> flip(const Tensor<T>& x, I axis) {
  return flip(x, Shape{static_cast<Index>(axis)});
}

/// Images rotated counter-clockwise by `times` quarters of a circle; negative ones rotate
/// clockwise.
///
/// **Shapes** x (..., H, W), result the same for even `times`, (..., W, H) for odd.
/// **Throws** ShapeError on fewer than 2 axes.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.rot90.html (dims -2 and -1)
template <class T>
Tensor<T> rot90(const Tensor<T>& x, Index times = 1) {
  if (x.rank() < 2) {
    throw ShapeError(detail::concat("[rot90] x must be (..., H, W): x ", x.shape()));
  }
  switch ((times % 4 + 4) % 4) {
    case 1:
      return flip(transpose(x, -2, -1), -2);
    case 2:
      return flip(flip(x, -2), -1);
    case 3:
      return flip(transpose(x, -2, -1), -1);
    default:
      return x;
  }
}

}  // namespace eigengrad
