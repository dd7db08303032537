// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/layer_norm.hpp>

namespace eigengrad::kernels {

namespace detail {

template <class T>
struct NormRebuild {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, RowStatistics<T> s, const T* x, const T* weight,
                                   const T* bias, Index row, Index end, Index n) {
    using V = simd::Vec<T, Arch>;
    for (; row < end; ++row) {
      const T* const in = x + row * n;
      T* const out = y + row * n;
      simd::for_each_vector<V>(
          n,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const V h = normalize<T, V, true>(simd::load<V>(in + i), s, row);
            simd::store<V>(out + i, h * simd::load<V>(weight + i) + simd::load<V>(bias + i));
          },
          [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
            const V h = normalize<T, V, true>(simd::load_partial<V>(in + i, left), s, row);
            const V w = simd::load_partial<V>(weight + i, left);
            const V b = simd::load_partial<V>(bias + i, left);
            simd::store_partial<V>(out + i, h * w + b, left);
          });
    }
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
