// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Parts of a tensor along one axis: y_j = x_(start + j step).
///
/// **Source** https://docs.python.org/3/reference/expressions.html#slicings and
/// https://docs.pytorch.org/docs/stable/generated/torch.narrow.html
namespace eigengrad {

namespace detail {

/// Entries start, start + step, ... (`count` of them) of an axis. `start` may be anything when
/// there are none.
struct SliceRange {
  Index start, count, step;
};

template <class T>
NdArray<T> slice_forward(const NdArray<T>& x, Index axis, const SliceRange& range) {
  Shape shape = x.shape();
  if (range.count == shape[axis]) return x;
  const Index n = shape[axis];
  shape[axis] = range.count;
  const Index outer = numel_between(shape, 0, axis);
  const Index inner = numel_between(shape, axis + 1, shape.rank());
  NdArray<T> y(shape);
  kernels::copy_strided(y.data(), {range.count * inner, inner, 1}, x.data() + range.start * inner,
                        {n * inner, range.step * inner, 1}, {outer, range.count, inner});
  return y;
}

/// Puts, or with `Add` adds, dout into the entries of dx that the slice took; leaves the others.
template <bool Add, class T>
void slice_backward(NdArray<T>& dx, const NdArray<T>& dout, Index axis, const SliceRange& range) {
  const Index n = dx.shape()[axis];
  const Index outer = numel_between(dx.shape(), 0, axis);
  const Index inner = numel_between(dx.shape(), axis + 1, dx.rank());
  kernels::copy_strided<Add>(dx.data() + range.start * inner, {n * inner, range.step * inner, 1},
                             dout.data(), {range.count * inner, inner, 1},
                             {outer, range.count, inner});
}

/// `shape` is the result's, which for select lacks the axis.
template <class T>
Tensor<T> slice_op(const char* op, const Tensor<T>& x, Index axis, const SliceRange& range,
                   const Shape& shape) {
  return make_result(
      {op, 0, Op::Reads::kPart}, slice_forward(x.value(), axis, range).reshape(shape),
      [axis, range](BackwardContext<T>& context) {
        auto [dx, accumulate] = context.sink(0);
        if (accumulate) {
          slice_backward<true>(dx, context.dout(), axis, range);
        } else {
          kernels::fill(dx.data(), dx.numel(), T(0));
          slice_backward<false>(dx, context.dout(), axis, range);
        }
      },
      x);
}

}  // namespace detail

/// Entries `start`, `start + step`, ... before `end` along `axis`, as Python's
/// `x[start:end:step]`: negative bounds count from the end, bounds outside the axis are moved to
/// it.
///
/// **Shapes** x (..., n, ...), result (..., count, ...). **Throws** ShapeError if `axis` is out of
/// range; ValueError unless step > 0.
template <class T>
Tensor<T> slice(const Tensor<T>& x, Index axis, Index start, Index end, Index step = 1) {
  const Index normal = detail::normalize_axis("slice", axis, x.rank());
  if (step < 1) throw ValueError(detail::concat("[slice] step must be positive: ", step));
  const Index n = x.shape()[normal];
  const Index first = std::clamp<Index>(start < 0 ? start + n : start, 0, n);
  const Index last = std::clamp<Index>(end < 0 ? end + n : end, first, n);
  Shape shape = x.shape();
  shape[normal] = last > first ? (last - first - 1) / step + 1 : 0;
  return detail::slice_op("slice", x, normal, {first, shape[normal], step}, shape);
}

/// `length` entries along `axis` from `start` on; a negative `start` counts from the end.
///
/// **Shapes** x (..., n, ...), result (..., length, ...). **Throws** ShapeError if `axis` is out of
/// range; ValueError if the entries are not all there.
template <class T>
Tensor<T> narrow(const Tensor<T>& x, Index axis, Index start, Index length) {
  const Index normal = detail::normalize_axis("narrow", axis, x.rank());
  const Index n = x.shape()[normal];
  const Index first = start < 0 ? start + n : start;
  if (first < 0 || first > n || length < 0 || length > n - first) {
    throw ValueError(detail::concat("[narrow] start ", start, " and length ", length,
                                    " do not fit axis ", normal, " of size ", n, ": x ",
                                    x.shape()));
  }
  Shape shape = x.shape();
  shape[normal] = length;
  return detail::slice_op("narrow", x, normal, {first, length, 1}, shape);
}

/// Entry `index` of `axis`, without that axis; a negative index counts from the end.
///
/// **Shapes** x (..., n, ...), result (..., ...). **Throws** ShapeError if `axis` is out of range;
/// ValueError if `index` is.
template <class T>
Tensor<T> select(const Tensor<T>& x, Index axis, Index index) {
  const Index normal = detail::normalize_axis("select", axis, x.rank());
  const Index n = x.shape()[normal];
  if (index < -n || index >= n) {
    throw ValueError(detail::concat("[select] index ", index, " is out of range for axis ", normal,
                                    " of size ", n, ": x ", x.shape()));
  }
  Shape shape;
  for (Index i = 0; i < x.rank(); ++i) {
    if (i != normal) shape.push_back(x.shape()[i]);
  }
  return detail::slice_op("select", x, normal, {index < 0 ? index + n : index, 1, 1}, shape);
}

}  // namespace eigengrad
