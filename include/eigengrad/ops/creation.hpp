// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/scalar.hpp>

/// New arrays and tensors: in the shape of another, or from class indices. `zeros`, `ones`, `full`,
/// `arange`, `linspace` and `eye` are functions of NdArray. A new tensor is outside the graph.
///
/// **Source** https://docs.pytorch.org/docs/stable/torch.html#creation-ops
namespace eigengrad {

/// `value` in the shape of x.
template <class T>
NdArray<T> full_like(const NdArray<T>& x, Scalar<T> value) {
  return NdArray<T>::full(x.shape(), value);
}
template <class T>
Tensor<T> full_like(const Tensor<T>& x, Scalar<T> value) {
  return Tensor<T>::full(x.shape(), value);
}

/// 0 in the shape of x.
template <class T>
NdArray<T> zeros_like(const NdArray<T>& x) {
  return full_like(x, T(0));
}
template <class T>
Tensor<T> zeros_like(const Tensor<T>& x) {
  return full_like(x, T(0));
}

/// 1 in the shape of x.
template <class T>
NdArray<T> ones_like(const NdArray<T>& x) {
  return full_like(x, T(1));
}
template <class T>
Tensor<T> ones_like(const Tensor<T>& x) {
  return full_like(x, T(1));
}

/// 1 at the place of each class, 0 elsewhere: targets for `cross_entropy` of probabilities.
///
///     const NdArray<float> targets = one_hot(labels, 10);
///
/// **Shapes** indices (...), result (..., K) with K = `classes`. **Throws** ValueError for an index
/// outside [0, K).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
template <class T = float>
NdArray<T> one_hot(const NdArray<Index>& indices, Index classes) {
  if (classes < 0) {
    throw ValueError(detail::concat("[one_hot] classes must not be negative: ", classes));
  }
  detail::check_indices("one_hot", indices, classes, "indices", indices.shape());
  Shape shape = indices.shape();
  shape.push_back(classes);
  NdArray<T> out = NdArray<T>::zeros(shape);
  for (Index i = 0; i < indices.numel(); ++i) out.data()[i * classes + indices.data()[i]] = T(1);
  return out;
}

}  // namespace eigengrad
