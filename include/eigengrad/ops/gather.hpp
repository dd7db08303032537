// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/gather.hpp>
#include <eigengrad/kernels/permute.hpp>
#include <eigengrad/ops/checks.hpp>

/// Entries of a tensor by their numbers: whole slices (index_select), or one by one (gather).
///
/// An entry that is taken several times receives the sum of its gradients, added in the order of
/// the indices.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.index_select.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.gather.html
namespace eigengrad {

namespace detail {

template <class T>
NdArray<T> index_select_forward(const NdArray<T>& x, Index axis, const NdArray<Index>& indices) {
  Shape shape = x.shape();
  shape[axis] = indices.numel();
  NdArray<T> y(shape);
  kernels::gather_rows(y.data(), x.data(), indices.data(), numel_between(shape, 0, axis),
                       x.shape()[axis], indices.numel(),
                       numel_between(shape, axis + 1, shape.rank()));
  return y;
}

/// Adds dout to dx, whose shape is x's.
template <class T>
void index_select_backward(NdArray<T>& dx, const NdArray<T>& dout, Index axis,
                           const NdArray<Index>& indices) {
  const Shape& shape = dx.shape();
  kernels::scatter_add_rows(dx.data(), dout.data(), indices.data(), numel_between(shape, 0, axis),
                            shape[axis], indices.numel(),
                            numel_between(shape, axis + 1, shape.rank()));
}

template <class T>
NdArray<T> gather_forward(const NdArray<T>& x, Index axis, const NdArray<Index>& indices) {
  NdArray<T> y(indices.shape());
  T* out = y.data();
  const T* in = x.data();
  kernels::for_each_gathered(kernels::GatherLayout(indices.shape(), x.shape(), axis),
                             indices.data(), [=](Index to, Index from) { out[to] = in[from]; });
  return y;
}

/// Adds dout to dx, whose shape is x's.
template <class T>
void gather_backward(NdArray<T>& dx, const NdArray<T>& dout, Index axis,
                     const NdArray<Index>& indices) {
  T* sum = dx.data();
  const T* add = dout.data();
  kernels::for_each_gathered(kernels::GatherLayout(indices.shape(), dx.shape(), axis),
                             indices.data(), [=](Index from, Index to) { sum[to] += add[from]; });
}

/// The normalised axis. **Throws** ShapeError unless the indices fit into x on all other axes;
/// ValueError for one that is no number of an entry.
template <class T>
Index check_places(const char* op, const Tensor<T>& x, Index axis, const NdArray<Index>& indices) {
  const Index normal = normalize_axis(op, axis, x.rank());
  bool fits = indices.rank() == x.rank();
  for (Index i = 0; fits && i < x.rank(); ++i) {
    fits = i == normal || indices.shape()[i] <= x.shape()[i];
  }
  if (!fits) {
    throw ShapeError(concat("[", op, "] indices must fit into x on all axes but ", normal,
                            ": indices ", indices.shape(), ", x ", x.shape()));
  }
  check_indices(op, indices, x.shape()[normal], "x", x.shape());
  return normal;
}

/// The gradient array of input `i`, ready to be added to.
template <class T>
NdArray<T>& zeroed_sink(BackwardContext<T>& context, std::size_t i) {
  auto [grad, accumulate] = context.sink(i);
  if (!accumulate) kernels::fill(grad.data(), grad.numel(), T(0));
  return grad;
}

}  // namespace detail

/// The slices of x whose numbers along `axis` are `indices`, in that order, repeats allowed.
///
/// **Shapes** x (..., n, ...), indices (m), result (..., m, ...). **Throws** ShapeError if `axis`
/// is out of range or indices has not one axis; ValueError for an index outside [0, n).
/// **Saves** a copy of the indices.
template <class T>
Tensor<T> index_select(const Tensor<T>& x, Index axis, const NdArray<Index>& indices) {
  const Index normal = detail::normalize_axis("index_select", axis, x.rank());
  if (indices.rank() != 1) {
    throw ShapeError(
        detail::concat("[index_select] indices must have one axis: ", indices.shape()));
  }
  detail::check_indices("index_select", indices, x.shape()[normal], "x", x.shape());
  return make_result(
      {"index_select", 0, Op::Reads::kIndexed},
      detail::index_select_forward(x.value(), normal, indices),
      [normal, own = detail::keep_copy(indices, x)](BackwardContext<T>& context) {
        detail::index_select_backward(detail::zeroed_sink(context, 0), context.dout(), normal, own);
      },
      x);
}

/// One element of x for each index: for axis 1 of three, y[i][j][k] = x[i][indices[i][j][k]][k].
///
/// **Shapes** x (n_0, n_1, ...), indices (m_0, m_1, ...) of the same rank with m_i <= n_i on all
/// axes but `axis`, result as indices. **Throws** ShapeError if the shapes do not fit; ValueError
/// for an index outside [0, n_axis). **Saves** a copy of the indices.
template <class T>
Tensor<T> gather(const Tensor<T>& x, Index axis, const NdArray<Index>& indices) {
  const Index normal = detail::check_places("gather", x, axis, indices);
  return make_result(
      {"gather", 0, Op::Reads::kIndexed}, detail::gather_forward(x.value(), normal, indices),
      [normal, own = detail::keep_copy(indices, x)](BackwardContext<T>& context) {
        detail::gather_backward(detail::zeroed_sink(context, 0), context.dout(), normal, own);
      },
      x);
}

}  // namespace eigengrad
