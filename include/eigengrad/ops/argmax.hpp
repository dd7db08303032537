// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/axis_lines.hpp>

/// Where the largest and the smallest entries along an axis are. Numbers have no gradient.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.argmax.html
namespace eigengrad {

namespace detail {

/// The first entry that `better` prefers to all others; NaN comes before everything.
template <class T, class Better>
NdArray<Index> argbest(const char* op, const NdArray<T>& x, Index axis, bool keepdim,
                       const Better& better) {
  axis = normalize_axis(op, axis, x.rank());
  if (x.shape()[axis] == 0) {
    throw ShapeError(concat("[", op, "] axis ", axis, " has no entry: x ", x.shape()));
  }
  Shape shape;
  for (Index i = 0; i < x.rank(); ++i) {
    if (i != axis || keepdim) shape.push_back(i == axis ? 1 : x.shape()[i]);
  }
  NdArray<Index> out(shape);
  const kernels::AxisLines lines(x.shape(), axis);
  lines.for_each(1, [&](Index line, Index start) {
    const T* entry = x.data() + start;
    Index best = 0;
    T most = entry[0];
    for (Index i = 1; i < lines.length && most == most; ++i) {
      const T next = entry[i * lines.stride];
      if (better(next, most) || next != next) {
        best = i;
        most = next;
      }
    }
    out.data()[line] = best;
  });
  return out;
}

}  // namespace detail

/// The number of the largest entry along `axis`, of equal ones the first; a NaN counts as larger
/// than all.
///
/// **Shapes** x (..., n, ...), result (..., ...): without the axis, or with `keepdim` 1 there.
/// **Throws** ShapeError if the axis is out of range or has no entry.
template <class T>
NdArray<Index> argmax(const NdArray<T>& x, Index axis = -1, bool keepdim = false) {
  return detail::argbest("argmax", x, axis, keepdim, [](T a, T b) { return a > b; });
}
template <class T>
NdArray<Index> argmax(const Tensor<T>& x, Index axis = -1, bool keepdim = false) {
  return argmax(x.value(), axis, keepdim);
}

/// The same for the smallest entry; a NaN counts as smaller than all.
template <class T>
NdArray<Index> argmin(const NdArray<T>& x, Index axis = -1, bool keepdim = false) {
  return detail::argbest("argmin", x, axis, keepdim, [](T a, T b) { return a < b; });
}
template <class T>
NdArray<Index> argmin(const Tensor<T>& x, Index axis = -1, bool keepdim = false) {
  return argmin(x.value(), axis, keepdim);
}

}  // namespace eigengrad
