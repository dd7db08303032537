// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/gather.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/gather.hpp>

/// Rows of a table by their numbers: y[...] = weight[indices[...]].
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
namespace eigengrad {

namespace detail {

template <class T>
NdArray<T> embedding_forward(const NdArray<Index>& indices, const NdArray<T>& weight) {
  Shape shape = indices.shape();
  shape.push_back(weight.cols());
  NdArray<T> y(shape);
  kernels::gather_rows(y.data(), weight.data(), indices.data(), Index{1}, weight.rows(),
                       indices.numel(), weight.cols());
  return y;
}

/// Adds dout (..., C) to dweight (V, C); repeated rows in the order of the indices.
template <class T>
void embedding_backward(NdArray<T>& dweight, const NdArray<T>& dout,
                        const NdArray<Index>& indices) {
  kernels::scatter_add_rows(dweight.data(), dout.data(), indices.data(), Index{1}, dweight.rows(),
                            indices.numel(), dweight.cols());
}

}  // namespace detail

/// Row `indices[...]` of the table, for each index.
///
/// **Shapes** indices (...), weight (V, C), result (..., C). **Throws** ShapeError unless weight
/// has two axes; ValueError for an index outside [0, V). **Saves** a copy of the indices.
template <class T>
Tensor<T> embedding(const NdArray<Index>& indices, const Tensor<T>& weight) {
  if (weight.rank() != 2) {
    throw ShapeError(detail::concat("[embedding] weight must be (V, C): ", weight.shape()));
  }
  detail::check_indices("embedding", indices, weight.shape()[0], "weight", weight.shape());
  return make_result(
      {"embedding", 0, Op::Reads::kIndexed}, detail::embedding_forward(indices, weight.value()),
      [own = detail::keep_copy(indices, weight)](BackwardContext<T>& context) {
        detail::embedding_backward(detail::zeroed_sink(context, 0), context.dout(), own);
      },
      weight);
}

}  // namespace eigengrad
