// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Copies of a tensor one after the other (repeat, NumPy's tile), or of each entry
/// (repeat_interleave, NumPy's repeat). The gradients of the copies add up.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.Tensor.repeat.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.repeat_interleave.html
namespace eigengrad {

namespace detail {

/// y (outer, times, block): each block of x (outer, block) `times` times.
template <class T>
NdArray<T> repeat_blocks(const NdArray<T>& x, Index outer, Index times, Index block) {
  if (times == 1) return x;
  NdArray<T> y(Shape{outer, times, block});
  kernels::copy_strided(y.data(), {times * block, block, 1}, x.data(), {block, 0, 1}, y.shape());
  return y;
}
/// dx (outer, block): the sum over the copies.
template <class T>
NdArray<T> sum_blocks(const NdArray<T>& dout, Index outer, Index times, Index block) {
  return kernels::reduce_to(dout.reshape({outer, times, block}), {outer, 1, block});
}

/// `shape` is x's, with as many axes as `repeats`.
template <class T>
NdArray<T> repeat_forward(const NdArray<T>& x, Shape shape, const Shape& repeats) {
  NdArray<T> y = x;
  for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
    y = repeat_blocks(y, numel_between(shape, 0, axis), repeats[axis],
                      numel_between(shape, axis, shape.rank()));
    shape[axis] *= repeats[axis];
  }
  return y.reshape(shape);
}
template <class T>
NdArray<T> repeat_backward(const NdArray<T>& dout, const Shape& shape, const Shape& repeats) {
  NdArray<T> dx = dout;
  Shape now = dout.shape();
  for (Index axis = 0; axis < shape.rank(); ++axis) {
    now[axis] = shape[axis];
    dx = sum_blocks(dx, numel_between(now, 0, axis), repeats[axis],
                    numel_between(now, axis, now.rank()));
  }
  return dx;
}

}  // namespace detail

/// x `repeats[i]` times along axis i, the copies one after the other; more repeats than axes add
/// axes in front. `expand` is for axes of size 1.
///
/// **Shapes** x (n_0, n_1, ...), result (repeats[0] n_0, repeats[1] n_1, ...). **Throws**
/// ShapeError if there are fewer repeats than axes, ValueError if one is negative.
template <class T>
Tensor<T> repeat(const Tensor<T>& x, const Shape& repeats) {
  if (repeats.rank() < x.rank()) {
    throw ShapeError(detail::concat("[repeat] needs a number for each axis: repeats ", repeats,
                                    ", x ", x.shape()));
  }
  if (std::any_of(repeats.begin(), repeats.end(), [](Index times) { return times < 0; })) {
    throw ValueError(detail::concat("[repeat] repeats must not be negative: ", repeats));
  }
  const Shape shape = kernels::detail::pad_rank(x.shape(), repeats.rank());
  return make_result(
      "repeat", detail::repeat_forward(x.value(), shape, repeats),
      [from = x.shape(), shape, repeats](BackwardContext<T>& context) {
        context.accumulate(0,
                           detail::repeat_backward(context.dout(), shape, repeats).reshape(from));
      },
      x);
}

/// Each entry of `axis` `times` times: 1, 1, 2, 2 of 1, 2.
///
/// **Shapes** x (..., n, ...), result (..., times n, ...). **Throws** ShapeError if `axis` is out
/// of range, ValueError if `times` is negative.
template <class T>
Tensor<T> repeat_interleave(const Tensor<T>& x, Index times, Index axis) {
  axis = detail::normalize_axis("repeat_interleave", axis, x.rank());
  if (times < 0) {
    throw ValueError(detail::concat("[repeat_interleave] times must not be negative: ", times));
  }
  Shape shape = x.shape();
  shape[axis] *= times;
  const Index outer = detail::numel_between(x.shape(), 0, axis + 1);
  const Index inner = detail::numel_between(x.shape(), axis + 1, x.rank());
  return make_result(
      "repeat_interleave", detail::repeat_blocks(x.value(), outer, times, inner).reshape(shape),
      [from = x.shape(), outer, times, inner](BackwardContext<T>& context) {
        context.accumulate(0,
                           detail::sum_blocks(context.dout(), outer, times, inner).reshape(from));
      },
      x);
}

}  // namespace eigengrad
