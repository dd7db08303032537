// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/ops/elementwise.hpp>
#include <eigengrad/ops/scalar.hpp>

#include <utility>

/// Sum, mean, variance, maximum and minimum over any axes.
///
/// `axes` may be negative; an empty list means all of them. `keepdim` leaves reduced axes in place
/// with size 1.
/// **Source** https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
namespace eigengrad {

namespace detail {

/// The shapes of a reduction of `from`: with the reduced axes as 1, and as the caller sees it.
struct ReducedShape {
  Shape from, kept, result;
  Index count = 1;  ///< elements that each result is made of

  ReducedShape(const char* op, const Shape& shape, const Shape& axes, bool keepdim)
      : from(shape), kept(shape) {
    const Shape reduced = normalize_axes(op, axes, shape.rank());
    for (Index axis : reduced) {
      count *= shape[axis];
      kept[axis] = 1;
    }
    if (keepdim) {
      result = kept;
      return;
    }
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      if (!reduced.contains(axis)) result.push_back(shape[axis]);
    }
  }
};

template <class Op, class T>
NdArray<T> reduce_forward(const NdArray<T>& x, const ReducedShape& r) {
  return kernels::reduce<Op, T>(kernels::ArraySource<T>{x.data()}, r.from, r.kept)
      .reshape(r.result);
}

struct CopyFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return x;
  }
};

/// y = scale sum(x), dx = scale dout in every element that was added.
template <class T>
NdArray<T> scaled_sum_forward(const NdArray<T>& x, const ReducedShape& r, T divisor) {
  NdArray<T> y = reduce_forward<kernels::SumOp>(x, r);
  if (divisor != T(1)) {
    kernels::map(DivScalar<T>{divisor}, y.data(), y.numel(), std::as_const(y).data());
  }
  return y;
}
template <class T>
NdArray<T> scaled_sum_backward(const NdArray<T>& dout, const ReducedShape& r, T divisor) {
  const NdArray<T> d = dout.reshape(r.kept);
  if (divisor == T(1)) return kernels::broadcast_map<T>(CopyFunction(), r.from, d);
  return kernels::broadcast_map<T>(DivScalar<T>{divisor}, r.from, d);
}

template <class T>
Tensor<T> scaled_sum_op(const char* op, const Tensor<T>& x, const ReducedShape& r, T divisor) {
  return make_result(
      op, scaled_sum_forward(x.value(), r, divisor),
      [r, divisor](BackwardContext<T>& context) {
        context.accumulate(0, scaled_sum_backward(context.dout(), r, divisor));
      },
      x);
}

}  // namespace detail

/// The sum over `axes`; 0 over no elements.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** nothing.
template <class T>
Tensor<T> sum(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  const detail::ReducedShape r("sum", x.shape(), axes, keepdim);
  return detail::scaled_sum_op("sum", x, r, T(1));
}

/// The mean over `axes`; NaN over no elements.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** nothing.
template <class T>
Tensor<T> mean(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  const detail::ReducedShape r("mean", x.shape(), axes, keepdim);
  return detail::scaled_sum_op("mean", x, r, static_cast<T>(r.count));
}

}  // namespace eigengrad
