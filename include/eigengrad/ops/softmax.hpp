// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/softmax.hpp>

/// Softmax over one axis: y_i = exp(x_i - max x) / sum_j exp(x_j - max x), and its logarithm.
///
/// Subtracting the maximum changes nothing and keeps exp from overflowing.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
namespace eigengrad {

namespace detail {

/// The three extents of a shape around `axis`: before it, of it, and after it.
struct AxisSplit {
  Index outer, n, inner;
  AxisSplit(const Shape& shape, Index axis)
      : outer(numel_between(shape, 0, axis)),
        n(shape[axis]),
        inner(numel_between(shape, axis + 1, shape.rank())) {}
};

template <bool Log, class T>
NdArray<T> softmax_forward(const NdArray<T>& x, Index axis) {
  const AxisSplit s(x.shape(), axis);
  NdArray<T> y(x.shape());
  kernels::softmax<T, Log>(y.data(), x.data(), s.outer, s.n, s.inner);
  return y;
}

template <bool Log, class T>
NdArray<T> softmax_backward(const NdArray<T>& dout, const NdArray<T>& y, Index axis) {
  const AxisSplit s(y.shape(), axis);
  NdArray<T> dx(y.shape());
  kernels::softmax_backward<T, Log>(dx.data(), dout.data(), y.data(), s.outer, s.n, s.inner);
  return dx;
}

template <bool Log, class T>
Tensor<T> softmax_op(const char* op, const Tensor<T>& x, Index axis) {
  const Index normal = normalize_axis(op, axis, x.rank());
  NdArray<T> y = softmax_forward<Log>(x.value(), normal);
  return make_result(
      op, y,
      [y, normal](BackwardContext<T>& context) {
        context.accumulate(0, softmax_backward<Log>(context.dout(), y, normal));
      },
      x);
}

}  // namespace detail

/// exp(x) normalised to sum 1 over `axis`. A slice of -inf alone gives zeros.
///
/// **Shapes** x (...), result (...). **Throws** ShapeError if `axis` is out of range.
/// **Saves** the result.
template <class T>
Tensor<T> softmax(const Tensor<T>& x, Index axis = -1) {
  return detail::softmax_op<false>("softmax", x, axis);
}

/// log(softmax(x)), without the loss of digits of writing it so.
///
/// **Shapes** x (...), result (...). **Throws** ShapeError if `axis` is out of range.
/// **Saves** the result.
template <class T>
Tensor<T> log_softmax(const Tensor<T>& x, Index axis = -1) {
  return detail::softmax_op<true>("log_softmax", x, axis);
}

EIGENGRAD_INSTANTIATE(Tensor<float> softmax(const Tensor<float>&, Index))
EIGENGRAD_INSTANTIATE(Tensor<double> softmax(const Tensor<double>&, Index))

}  // namespace eigengrad
