// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/norm/layer_norm.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

namespace eigengrad::kernels {

namespace detail {

template <class T>
struct NormRebuild {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, RowStatistics<T> s, const T* x, const T* weight,
                                   const T* bias, Index row, Index end, Index n) {
    using V = simd::Vec<T, Arch>;
    norm_rows<T, V, true>(y, s, x, weight, bias, row, end, n);
  }
};

}  // namespace detail

/// y (rows, n) of a layer norm once more, from x (rows, n) and the statistics that `norm` found:
/// the same bits.
template <class T>
void norm_rebuild(T* y, RowStatistics<T> s, const T* x, const T* weight, const T* bias, Index rows,
                  Index n) {
  parallel_for(rows, row_grain(n), [&](Index begin, Index end) {
    simd::dispatch<detail::NormRebuild<T>>(y, s, x, weight, bias, begin, end, n);
  });
}

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
