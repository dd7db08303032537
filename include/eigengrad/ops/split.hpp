// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/slice.hpp>

/// A tensor as several, cut along one axis: what `cat` and `stack` join.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.split.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.chunk.html
namespace eigengrad {

namespace detail {

/// Parts of these sizes; they add up to the size of the axis.
template <class T>
std::vector<Tensor<T>> split_op(const char* op, const Tensor<T>& x, Index axis,
                                std::span<const Index> sizes) {
  std::vector<Tensor<T>> parts;
  parts.reserve(sizes.size());
  Shape shape = x.shape();
  Index start = 0;
  for (const Index size : sizes) {
    shape[axis] = size;
    parts.push_back(slice_op(op, x, axis, {start, size, 1}, shape));
    start += size;
  }
  return parts;
}

/// How `n` entries divide into parts of `size`, the last of which may be smaller.
inline std::vector<Index> even_sizes(Index n, Index size) {
  std::vector<Index> sizes(static_cast<std::size_t>(std::max<Index>(1, divide_up(n, size))), size);
  sizes.back() = n - size * (static_cast<Index>(sizes.size()) - 1);
  return sizes;
}

}  // namespace detail

/// Parts of `size` entries along `axis`; the last may be smaller.
///
/// **Shapes** x (..., n, ...), parts (..., size, ...). **Throws** ShapeError if `axis` is out of
/// range; ValueError unless size > 0.
template <class T>
std::vector<Tensor<T>> split(const Tensor<T>& x, Index size, Index axis = 0) {
  const Index normal = detail::normalize_axis("split", axis, x.rank());
  if (size < 1) throw ValueError(detail::concat("[split] size must be positive: ", size));
  return detail::split_op("split", x, normal, detail::even_sizes(x.shape()[normal], size));
}

/// Parts of these sizes along `axis`.
///
///     const auto parts = split(x, {3, 1, 4}, -1);
///
/// **Shapes** x (..., n, ...), part i (..., sizes[i], ...). **Throws** ShapeError if `axis` is out
/// of range; ValueError on a negative size, or if the sizes do not add up to n.
template <class T>
std::vector<Tensor<T>> split(const Tensor<T>& x, std::span<const Index> sizes, Index axis = 0) {
  const Index normal = detail::normalize_axis("split", axis, x.rank());
  const Index n = x.shape()[normal];
  Index left = n;
  for (const Index size : sizes) {
    if (size < 0 || size > left) {
      left = -1;
      break;
    }
    left -= size;
  }
  if (left != 0) {
    throw ValueError(detail::concat("[split] sizes must not be negative and must add up to ", n,
                                    ", the size of axis ", normal, ": x ", x.shape()));
  }
  return detail::split_op("split", x, normal, sizes);
}
template <class T>
std::vector<Tensor<T>> split(const Tensor<T>& x, const std::vector<Index>& sizes, Index axis = 0) {
  return split(x, std::span<const Index>(sizes), axis);
}
template <class T>
std::vector<Tensor<T>> split(const Tensor<T>& x, std::initializer_list<Index> sizes,
                             Index axis = 0) {
  return split(x, std::span<const Index>(sizes.begin(), sizes.size()), axis);
}

/// At most `n` parts of one size along `axis`, the last of which may be smaller: fewer than n where
/// so few suffice, as in PyTorch (6 entries in 4 parts are 2, 2, 2).
///
/// **Shapes** x (..., m, ...), parts (..., ceil(m / n), ...). **Throws** ShapeError if `axis` is
/// out of range; ValueError unless n > 0.
template <class T>
std::vector<Tensor<T>> chunk(const Tensor<T>& x, Index n, Index axis = 0) {
  const Index normal = detail::normalize_axis("chunk", axis, x.rank());
  if (n < 1) throw ValueError(detail::concat("[chunk] n must be positive: ", n));
  const Index size = std::max<Index>(1, divide_up(x.shape()[normal], n));
  return detail::split_op("chunk", x, normal, detail::even_sizes(x.shape()[normal], size));
}

/// Every entry of `axis`, without that axis: the inverse of `stack`.
///
/// **Shapes** x (..., n, ...), n results (..., ...). **Throws** ShapeError if `axis` is out of
/// range.
template <class T>
std::vector<Tensor<T>> unbind(const Tensor<T>& x, Index axis = 0) {
  const Index normal = detail::normalize_axis("unbind", axis, x.rank());
  Shape shape;
  for (Index i = 0; i < x.rank(); ++i) {
    if (i != normal) shape.push_back(x.shape()[i]);
  }
  std::vector<Tensor<T>> entries;
  entries.reserve(static_cast<std::size_t>(x.shape()[normal]));
  for (Index i = 0; i < x.shape()[normal]; ++i) {
    entries.push_back(detail::slice_op("unbind", x, normal, {i, 1, 1}, shape));
  }
  return entries;
}

}  // namespace eigengrad
