// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/permute.hpp>

namespace eigengrad {

namespace detail {

/// y[(i + shift) mod n] = x[i] along `axis`.
template <class T>
NdArray<T> roll_forward(const NdArray<T>& x, Index shift, Index axis) {
  const Index n = x.shape()[axis];
  if (n == 0) return x;
  const Index moved = (shift % n + n) % n;
  if (moved == 0) return x;
  NdArray<T> y(x.shape());
  const Index outer = numel_between(x.shape(), 0, axis);
  const Index inner = numel_between(x.shape(), axis + 1, x.rank());
  const Shape strides{n * inner, 1};
  kernels::copy_strided(y.data() + moved * inner, strides, x.data(), strides,
                        {outer, (n - moved) * inner});
  kernels::copy_strided(y.data(), strides, x.data() + (n - moved) * inner, strides,
                        {outer, moved * inner});
  return y;
}

template <class T>
NdArray<T> roll_backward(const NdArray<T>& dout, Index shift, Index axis) {
  return roll_forward(dout, -shift, axis);
}

}  // namespace detail

/// The entries moved by `shifts` along `axes`; those that leave at the end come in at the start,
/// and the other way round for negative shifts.
///
/// **Shapes** as x. **Throws** ShapeError if an axis is out of range; ValueError unless there is
/// one shift per axis.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.roll.html
template <class T>
Tensor<T> roll(const Tensor<T>& x, const Shape& shifts, const Shape& axes) {
  if (shifts.rank() != axes.rank()) {
    throw ValueError(
        detail::concat("[roll] needs one shift per axis: shifts ", shifts, ", axes ", axes));
  }
  Shape normal;
  for (Index axis : axes) normal.push_back(detail::normalize_axis("roll", axis, x.rank()));
  NdArray<T> y = x.value();
  for (Index i = 0; i < normal.rank(); ++i) y = detail::roll_forward(y, shifts[i], normal[i]);
  return make_result(
      "roll", y,
      [shifts, normal](BackwardContext<T>& context) {
        NdArray<T> dx = context.dout();
        for (Index i = 0; i < normal.rank(); ++i) {
          dx = detail::roll_backward(dx, shifts[i], normal[i]);
        }
        context.accumulate(0, dx);
      },
      x);
}
template <class T>
Tensor<T> roll(const Tensor<T>& x, Index shift, Index axis) {
  return roll(x, Shape{shift}, Shape{axis});
}

}  // namespace eigengrad
