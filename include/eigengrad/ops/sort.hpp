// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/axis_lines.hpp>
#include <eigengrad/ops/gather.hpp>

/// Entries in order along an axis, all of them or the largest few. Equal entries keep their order;
/// a NaN counts as larger than all numbers.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.sort.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.topk.html
namespace eigengrad {

namespace detail {

/// Numbers of the first `count` entries along `axis` in ascending or descending order.
template <class T>
NdArray<Index> first_in_order(const NdArray<T>& x, Index axis, Index count, bool descending) {
  Shape shape = x.shape();
  shape[axis] = count;
  NdArray<Index> out(shape);
  const kernels::AxisLines lines(x.shape(), axis), places(shape, axis);
  lines.for_each(30, [&](Index line, Index start) {
    const T* entry = x.data() + start;
    const auto less = [&](Index a, Index b) {
      const T p = entry[a * lines.stride], q = entry[b * lines.stride];
      return p < q || (q != q && p == p);
    };
    const auto before = [&](Index a, Index b) {
      const bool a_first = descending ? less(b, a) : less(a, b);
      const bool b_first = descending ? less(a, b) : less(b, a);
      return a_first || (!b_first && a < b);
    };
    std::vector<Index> order(static_cast<std::size_t>(lines.length));
    std::iota(order.begin(), order.end(), Index{0});
    if (count == lines.length) {
      std::sort(order.begin(), order.end(), before);  // of a whole line the faster one
    } else {
      std::partial_sort(order.begin(), order.begin() + count, order.end(), before);
    }
    Index* to = out.data() + places.start(line);
    for (Index i = 0; i < count; ++i) {
      to[i * places.stride] = order[static_cast<std::size_t>(i)];
    }
  });
  return out;
}

}  // namespace detail

/// Entries of a tensor, and their places along the axis.
template <class T>
struct Sorted {
  Tensor<T> values;
  NdArray<Index> indices;
};

/// The numbers of the entries along `axis` in ascending order, or descending.
///
/// **Shapes** as x. **Throws** ShapeError if the axis is out of range.
template <class T>
NdArray<Index> argsort(const NdArray<T>& x, Index axis = -1, bool descending = false) {
  axis = detail::normalize_axis("argsort", axis, x.rank());
  return detail::first_in_order(x, axis, x.shape()[axis], descending);
}
template <class T>
NdArray<Index> argsort(const Tensor<T>& x, Index axis = -1, bool descending = false) {
  return argsort(x.value(), axis, descending);
}

/// The entries along `axis` in ascending order, or descending, and where they were. The values have
/// gradients.
///
/// **Shapes** as x. **Throws** ShapeError if the axis is out of range.
template <class T>
Sorted<T> sort(const Tensor<T>& x, Index axis = -1, bool descending = false) {
  axis = detail::normalize_axis("sort", axis, x.rank());
  const NdArray<Index> indices = detail::first_in_order(x.value(), axis, x.dim(axis), descending);
  return {gather(x, axis, indices), indices};
}

/// The `k` largest entries along `axis`, the largest first, and where they are: of equal ones the
/// first, which PyTorch does not promise. The values have gradients.
///
///     const auto [values, tokens] = topk(logits, 5);
///
/// **Shapes** x (..., n, ...), values and indices (..., k, ...).
/// **Throws** ShapeError if the axis is out of range, ValueError unless k is in [0, n].
template <class T>
Sorted<T> topk(const Tensor<T>& x, Index k, Index axis = -1) {
  axis = detail::normalize_axis("topk", axis, x.rank());
  if (k < 0 || k > x.dim(axis)) {
    throw ValueError(
        detail::concat("[topk] k must be in [0, ", x.dim(axis), "]: k ", k, ", x ", x.shape()));
  }
  const NdArray<Index> indices = detail::first_in_order(x.value(), axis, k, true);
  return {gather(x, axis, indices), indices};
}

}  // namespace eigengrad
