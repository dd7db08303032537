// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Transposes of matrices, in registers: for permutations, for packing and for images.
namespace eigengrad::kernels::detail {

/// The first, or second, halves of two vectors, their lanes alternating: a0 b0 a1 b1 ...
template <int Half, class V, std::size_t... I>
EIGENGRAD_INLINE void interleave(V& out, const V& a, const V& b, std::index_sequence<I...>) {
  constexpr int n = static_cast<int>(sizeof...(I));
  out = __builtin_shufflevector(
      a, b, (static_cast<int>(I) / 2 + Half * (n / 2) + (static_cast<int>(I) % 2) * n)...);
}

/// Transposes a square of L x L elements, the L lanes of V: log2(L) rounds of interleaving row i
/// with row i + L/2, like two halves of a pack of cards.
template <class V>
EIGENGRAD_INLINE void transpose_square(simd::Element<V>* out, Index out_step,
                                       const simd::Element<V>* in, Index in_step) {
  constexpr int kLanes = static_cast<int>(simd::kSize<V>);
  constexpr auto lanes = std::make_index_sequence<static_cast<std::size_t>(kLanes)>();
  V row[kLanes];
  EIGENGRAD_UNROLL
  for (int i = 0; i < kLanes; ++i) row[i] = simd::load<V>(in + i * in_step);
  EIGENGRAD_UNROLL
  for (int round = 1; round < kLanes; round *= 2) {
    V next[kLanes];
    EIGENGRAD_UNROLL
    for (int i = 0; i < kLanes / 2; ++i) {
      interleave<0>(next[2 * i], row[i], row[i + kLanes / 2], lanes);
      interleave<1>(next[2 * i + 1], row[i], row[i + kLanes / 2], lanes);
    }
    EIGENGRAD_UNROLL
    for (int i = 0; i < kLanes; ++i) row[i] = next[i];
  }
  EIGENGRAD_UNROLL
  for (int i = 0; i < kLanes; ++i) simd::store<V>(out + i * out_step, row[i]);
}

/// out[c * out_step + r] = in[r * in_step + c] for r in [0, rows), c in [0, cols).
template <class T>
struct Transpose {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, Index out_step, const T* in, Index in_step, Index rows,
                                   Index cols) {
    constexpr Index kLanes = simd::kLanes<T, Arch>;
    constexpr Index kStrip = 64 / static_cast<Index>(sizeof(T));  // a cache line of the output
    for (Index r = 0; r < rows; r += kStrip) {
      const Index count = std::min(kStrip, rows - r);
      const Index whole = count / kLanes * kLanes;
      Index c = 0;
      for (; whole > 0 && c + kLanes <= cols; c += kLanes) {
        for (Index i = r; i < r + whole; i += kLanes) {
          transpose_square<simd::Vec<T, Arch>>(out + c * out_step + i, out_step,
                                               in + i * in_step + c, in_step);
        }
        edge(out, out_step, in, in_step, r + whole, r + count, c, c + kLanes);
      }
      edge(out, out_step, in, in_step, r, r + count, c, cols);
    }
  }

 private:
  static EIGENGRAD_INLINE void edge(T* out, Index out_step, const T* in, Index in_step, Index r0,
                                    Index r1, Index c0, Index c1) {
    for (Index c = c0; c < c1; ++c) {
      for (Index r = r0; r < r1; ++r) out[c * out_step + r] = in[r * in_step + c];
    }
  }
};

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
