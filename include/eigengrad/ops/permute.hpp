// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Reordering of axes: y[i_0, ..., i_n] = x with axis k of y being axis axes[k] of x.
///
/// Arrays are contiguous, so the numbers move, unless only axes of size 1 change places.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.permute.html
namespace eigengrad {

namespace detail {

/// `axes` as a permutation of [0, rank). **Throws** ShapeError if it is none.
inline Shape normalize_permutation(const char* op, const Shape& axes, Index rank) {
  if (axes.rank() != rank) {
    throw ShapeError(
        concat("[", op, "] needs each axis once: axes ", axes, ", x has ", rank, " axes"));
  }
  Shape out;
  for (Index axis : axes) {
    const Index normal = normalize_axis(op, axis, rank);
    if (out.contains(normal)) {
      throw ShapeError(concat("[", op, "] axis ", axis, " is given twice in ", axes));
    }
    out.push_back(normal);
  }
  return out;
}

inline Shape inverse_permutation(const Shape& axes) {
  Shape out = axes;
  for (Index i = 0; i < axes.rank(); ++i) out[axes[i]] = i;
  return out;
}

template <class T>
NdArray<T> permute_forward(const NdArray<T>& x, const Shape& axes) {
  const Shape strides = row_major_strides(x.shape());
  Shape shape, in_strides;
  bool in_order = true;
  Index previous = -1;
  for (Index axis : axes) {
    shape.push_back(x.shape()[axis]);
    in_strides.push_back(strides[axis]);
    if (shape.back() == 1) continue;
    in_order = in_order && axis > previous;
    previous = axis;
  }
  if (in_order) return x.reshape(shape);  // nothing moves
  NdArray<T> y(shape);
  kernels::copy_strided(y.data(), row_major_strides(shape), x.data(), in_strides, shape);
  return y;
}

template <class T>
NdArray<T> permute_backward(const NdArray<T>& dout, const Shape& axes) {
  return permute_forward(dout, inverse_permutation(axes));
}

template <class T>
Tensor<T> permute_op(const char* op, const Tensor<T>& x, const Shape& axes) {
  return make_result(
      op, permute_forward(x.value(), axes),
      [axes](BackwardContext<T>& context) {
        context.accumulate(0, permute_backward(context.dout(), axes));
      },
      x);
}

}  // namespace detail

/// The axes of x in another order: axis k of the result is axis `axes[k]` of x.
///
/// **Shapes** x (n_0, n_1, ...), result (n_axes[0], n_axes[1], ...).
/// **Throws** ShapeError unless `axes` holds each axis of x once; negative ones count from the end.
template <class T>
Tensor<T> permute(const Tensor<T>& x, const Shape& axes) {
  return detail::permute_op("permute", x, detail::normalize_permutation("permute", axes, x.rank()));
}

/// Two axes change places.
///
/// **Throws** ShapeError if one of them is out of range.
template <class T>
Tensor<T> transpose(const Tensor<T>& x, Index a, Index b) {
  Shape axes;
  for (Index i = 0; i < x.rank(); ++i) axes.push_back(i);
  std::swap(axes[detail::normalize_axis("transpose", a, x.rank())],
            axes[detail::normalize_axis("transpose", b, x.rank())]);
  return detail::permute_op("transpose", x, axes);
}

/// The axes `from` at the places `to` of the result; the others keep their order.
///
/// **Shapes** for one axis from 1 to -1: x (B, C, H, W), result (B, H, W, C). **Throws** ShapeError
/// unless there is one place per axis, all in range and none given twice.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.movedim.html
template <class T>
Tensor<T> movedim(const Tensor<T>& x, const Shape& from, const Shape& to) {
  if (from.rank() != to.rank()) {
    throw ShapeError(
        detail::concat("[movedim] needs one place per axis: from ", from, ", to ", to));
  }
  Shape axes = Shape::filled(x.rank(), -1);
  Shape moved;
  for (Index i = 0; i < from.rank(); ++i) {
    const Index axis = detail::normalize_axis("movedim", from[i], x.rank());
    const Index place = detail::normalize_axis("movedim", to[i], x.rank());
    if (moved.contains(axis) || axes[place] != -1) {
      throw ShapeError(
          detail::concat("[movedim] an axis is given twice: from ", from, ", to ", to));
    }
    moved.push_back(axis);
    axes[place] = axis;
  }
  Index next = 0;
  for (Index i = 0; i < x.rank(); ++i) {
    if (axes[i] != -1) continue;
    while (moved.contains(next)) ++next;
    axes[i] = next++;
  }
  return detail::permute_op("movedim", x, axes);
}
template <class T>
Tensor<T> movedim(const Tensor<T>& x, Index from, Index to) {
  return movedim(x, Shape{from}, Shape{to});
}

}  // namespace eigengrad
