// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/tensor.hpp>

/// Other shapes for the same numbers: reshape, flatten, squeeze, unsqueeze.
///
/// Nothing is copied: the result shares the storage of x, and the gradient that of dout.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.reshape.html
namespace eigengrad {

namespace detail {

template <class T>
Tensor<T> reshape_op(const char* op, const Tensor<T>& x, const Shape& shape) {
  return make_result(
      {op, 0, Op::Reads::kNothing}, x.value().reshape(shape),
      [from = x.shape()](BackwardContext<T>& context) {
        context.accumulate(0, context.dout().reshape(from));
      },
      x);
}

}  // namespace detail

/// The same numbers, in the same order, under another shape. One size may be -1: it is worked out.
///
/// **Shapes** x (...), result `shape`. **Throws** ShapeError when the counts differ.
template <class T>
Tensor<T> reshape(const Tensor<T>& x, const Shape& shape) {
  return detail::reshape_op("reshape", x, shape);
}

/// Axes `start` to `end`, both included, become one. A scalar becomes (1).
///
/// **Throws** ShapeError if an axis is out of range or `end` is before `start`.
template <class T>
Tensor<T> flatten(const Tensor<T>& x, Index start = 0, Index end = -1) {
  if (x.rank() == 0) return detail::reshape_op("flatten", x, {1});
  const Index first = detail::normalize_axis("flatten", start, x.rank());
  const Index last = detail::normalize_axis("flatten", end, x.rank());
  if (first > last) {
    throw ShapeError(detail::concat("[flatten] start must not be after end: start ", start,
                                    ", end ", end, ", x ", x.shape()));
  }
  Shape shape(x.shape().begin(), x.shape().begin() + first);
  shape.push_back(detail::numel_between(x.shape(), first, last + 1));
  for (Index i = last + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return detail::reshape_op("flatten", x, shape);
}

/// A new axis of size 1 at `axis` of the result.
///
/// **Throws** ShapeError unless `axis` is in [-rank - 1, rank].
template <class T>
Tensor<T> unsqueeze(const Tensor<T>& x, Index axis) {
  const Index at = detail::normalize_axis("unsqueeze", axis, x.rank() + 1);
  Shape shape(x.shape().begin(), x.shape().begin() + at);
  shape.push_back(1);
  for (Index i = at; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return detail::reshape_op("unsqueeze", x, shape);
}

/// Drops `axis` if its size is 1; otherwise, as in PyTorch, nothing changes.
///
/// **Throws** ShapeError if `axis` is out of range.
template <class T>
Tensor<T> squeeze(const Tensor<T>& x, Index axis) {
  const Index at = detail::normalize_axis("squeeze", axis, x.rank());
  Shape shape;
  for (Index i = 0; i < x.rank(); ++i) {
    if (i != at || x.shape()[i] != 1) shape.push_back(x.shape()[i]);
  }
  return detail::reshape_op("squeeze", x, shape);
}

/// Drops every axis of size 1.
template <class T>
Tensor<T> squeeze(const Tensor<T>& x) {
  Shape shape;
  for (Index size : x.shape()) {
    if (size != 1) shape.push_back(size);
  }
  return detail::reshape_op("squeeze", x, shape);
}

}  // namespace eigengrad
