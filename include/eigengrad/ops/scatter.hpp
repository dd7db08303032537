// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/gather.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/scalar.hpp>

/// Numbers written, or added, to the places that indices say: the counterpart of `gather`.
///
/// For axis 1 of three, y[i][indices[i][j][k]][k] is source[i][j][k]. Of several numbers for one
/// place the last along the axis is written, and `scatter_add` adds them in rising order, on any
/// number of threads; PyTorch promises neither.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html
namespace eigengrad {

namespace detail {

/// Calls f(offset in the indices, offset in x) for each index, those of one place in rising order.
template <class F>
void for_each_scattered(const NdArray<Index>& indices, const Shape& x, Index axis, const F& f) {
  kernels::for_each_gathered(kernels::GatherLayout(indices.shape(), x, axis), indices.data(), f);
}

template <class T>
NdArray<T> scatter_value(const NdArray<T>& x, Index axis, const NdArray<Index>& indices, T value) {
  NdArray<T> y = x.clone();
  T* out = y.data();
  for_each_scattered(indices, x.shape(), axis, [=](Index, Index to) { out[to] = value; });
  return y;
}

template <class T>
NdArray<T> scatter_forward(const NdArray<T>& x, Index axis, const NdArray<Index>& indices,
                           const NdArray<T>& source) {
  NdArray<T> y = x.clone();
  T* out = y.data();
  const T* in = source.data();
  for_each_scattered(indices, x.shape(), axis, [=](Index from, Index to) { out[to] = in[from]; });
  return y;
}
/// The gradient of the source: that of its place, and 0 for a number that another one replaced.
template <class T>
NdArray<T> scatter_backward_source(const NdArray<T>& dout, Index axis,
                                   const NdArray<Index>& indices) {
  NdArray<Index> writer(dout.shape());  // of the places that are written; the others are not read
  Index* last = writer.data();
  for_each_scattered(indices, dout.shape(), axis, [=](Index from, Index to) { last[to] = from; });
  NdArray<T> dsource(indices.shape());
  T* out = dsource.data();
  const T* in = dout.data();
  for_each_scattered(indices, dout.shape(), axis,
                     [=](Index from, Index to) { out[from] = last[to] == from ? in[to] : T(0); });
  return dsource;
}

template <class T>
NdArray<T> scatter_add_forward(const NdArray<T>& x, Index axis, const NdArray<Index>& indices,
                               const NdArray<T>& source) {
  NdArray<T> y = x.clone();
  gather_backward(y, source, axis, indices);  // the same sum
  return y;
}

/// **Throws** ShapeError unless there is one index for each number.
template <class T>
void check_source(const char* op, const NdArray<Index>& indices, const Tensor<T>& source) {
  if (source.shape() == indices.shape()) return;
  throw ShapeError(concat("[", op, "] source must have the shape of indices: source ",
                          source.shape(), ", indices ", indices.shape()));
}

}  // namespace detail

/// x with the numbers of `source` at the indices.
///
/// **Shapes** x (n_0, n_1, ...), indices (m_0, m_1, ...) of the same rank with m_i <= n_i on all
/// axes but `axis`, source as indices, result as x. **Throws** ShapeError if the shapes do not fit;
/// ValueError for an index outside [0, n_axis). **Saves** a copy of the indices.
template <class T>
Tensor<T> scatter(const Tensor<T>& x, Index axis, const NdArray<Index>& indices,
                  const Tensor<T>& source) {
  const Index normal = detail::check_places("scatter", x, axis, indices);
  detail::check_source("scatter", indices, source);
  return make_result(
      "scatter", detail::scatter_forward(x.value(), normal, indices, source.value()),
      [normal, own = detail::keep_copy(indices, x, source)](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        if (context.needs(0)) {
          context.accumulate(0, detail::scatter_value(dout, normal, own, T(0)));
        }
        if (context.needs(1)) {
          context.accumulate(1, detail::scatter_backward_source(dout, normal, own));
        }
      },
      x, source);
}

/// x with `value` at the indices; otherwise as above.
template <class T>
Tensor<T> scatter(const Tensor<T>& x, Index axis, const NdArray<Index>& indices, Scalar<T> value) {
  const Index normal = detail::check_places("scatter", x, axis, indices);
  return make_result(
      "scatter", detail::scatter_value(x.value(), normal, indices, value),
      [normal, own = detail::keep_copy(indices, x)](BackwardContext<T>& context) {
        context.accumulate(0, detail::scatter_value(context.dout(), normal, own, T(0)));
      },
      x);
}

/// x with the numbers of `source` added at the indices.
///
/// **Shapes** and **Throws** as `scatter`. **Saves** a copy of the indices.
template <class T>
Tensor<T> scatter_add(const Tensor<T>& x, Index axis, const NdArray<Index>& indices,
                      const Tensor<T>& source) {
  const Index normal = detail::check_places("scatter_add", x, axis, indices);
  detail::check_source("scatter_add", indices, source);
  return make_result(
      "scatter_add", detail::scatter_add_forward(x.value(), normal, indices, source.value()),
      [normal, own = detail::keep_copy(indices, x, source)](BackwardContext<T>& context) {
        context.accumulate(0, context.dout());
        if (context.needs(1)) {
          context.accumulate(1, detail::gather_forward(context.dout(), normal, own));
        }
      },
      x, source);
}

}  // namespace eigengrad
