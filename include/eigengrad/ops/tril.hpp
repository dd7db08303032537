// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/tensor.hpp>

/// The lower and the upper triangle of matrices, zeros elsewhere.
///
/// `tril(NdArray<bool>::ones({T, T}))` is the mask of a causal attention.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.tril.html
namespace eigengrad {

namespace detail {

/// The entries (i, j) with j <= i + diagonal, or with `Upper` j >= i + diagonal. Its own backward.
template <bool Upper, class T>
NdArray<T> triangle(const char* op, const NdArray<T>& x, Index diagonal) {
  if (x.rank() < 2) throw ShapeError(concat("[", op, "] x must be (..., M, N): x ", x.shape()));
  NdArray<T> y(x.shape());
  const Index rows = x.dim(-2), cols = x.dim(-1);
  diagonal = std::clamp(diagonal, -rows, cols);  // all or nothing, and i + diagonal is no overflow
  parallel_for(x.rows(), row_grain(cols), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      const Index cut = std::clamp<Index>(row % rows + diagonal + (Upper ? 0 : 1), 0, cols);
      const T* in = x.data() + row * cols;
      T* out = y.data() + row * cols;
      if constexpr (Upper) {
        std::fill_n(out, cut, T{});
        std::copy(in + cut, in + cols, out + cut);
      } else {
        std::copy_n(in, cut, out);
        std::fill(out + cut, out + cols, T{});
      }
    }
  });
  return y;
}

template <bool Upper, class T>
Tensor<T> triangle_op(const char* op, const Tensor<T>& x, Index diagonal) {
  return make_result(
      op, triangle<Upper>(op, x.value(), diagonal),
      [op, diagonal](BackwardContext<T>& context) {
        context.accumulate(0, triangle<Upper>(op, context.dout(), diagonal));
      },
      x);
}

}  // namespace detail

/// The entries on and below a diagonal: 0 is the main one, positive ones are above it.
///
/// **Shapes** x (..., M, N), result the same. **Throws** ShapeError on fewer than 2 axes.
template <class T>
NdArray<T> tril(const NdArray<T>& x, Index diagonal = 0) {
  return detail::triangle<false>("tril", x, diagonal);
}
template <class T>
Tensor<T> tril(const Tensor<T>& x, Index diagonal = 0) {
  return detail::triangle_op<false>("tril", x, diagonal);
}

/// The entries on and above a diagonal; otherwise as `tril`.
template <class T>
NdArray<T> triu(const NdArray<T>& x, Index diagonal = 0) {
  return detail::triangle<true>("triu", x, diagonal);
}
template <class T>
Tensor<T> triu(const Tensor<T>& x, Index diagonal = 0) {
  return detail::triangle_op<true>("triu", x, diagonal);
}

}  // namespace eigengrad
