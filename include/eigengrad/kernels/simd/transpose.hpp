// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

/// Turning a matrix on its side, in registers: for permutations and for packing.
namespace eigengrad::kernels::detail {

/// The first, or second, halves of two vectors, lane by lane in turn: a0 b0 a1 b1 ...
template <int Half, class V, std::size_t... I>
EIGENGRAD_INLINE V interleave(V a, V b, std::index_sequence<I...>) {
  constexpr int n = static_cast<int>(sizeof...(I));
  return __builtin_shufflevector(
      a, b, (static_cast<int>(I) / 2 + Half * (n / 2) + (static_cast<int>(I) % 2) * n)...);
}

/// Turns a square of L x L elements, L lanes, in registers: log2(L) rounds of interleaving row i
/// with row i + L/2.
template <class T, class Arch>
EIGENGRAD_INLINE void turn_square(T* out, Index out_step, const T* in, Index in_step) {
  using V = simd::Vec<T, Arch>;
  constexpr int kLanes = static_cast<int>(simd::kLanes<T, Arch>);
  constexpr auto lanes = std::make_index_sequence<static_cast<std::size_t>(kLanes)>();
  V row[kLanes];
  EIGENGRAD_UNROLL
  for (int i = 0; i < kLanes; ++i) row[i] = simd::load<V>(in + i * in_step);
  EIGENGRAD_UNROLL
  for (int round = 1; round < kLanes; round *= 2) {
    V next[kLanes];
    EIGENGRAD_UNROLL
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = interleave<0>(row[i], row[i + kLanes / 2], lanes);
      next[2 * i + 1] = interleave<1>(row[i], row[i + kLanes / 2], lanes);
    }
    EIGENGRAD_UNROLL
    for (int i = 0; i < kLanes; ++i) row[i] = next[i];
  }
  EIGENGRAD_UNROLL
  for (int i = 0; i < kLanes; ++i) simd::store<V>(out + i * out_step, row[i]);
}

/// out[c * out_step + r] = in[r * in_step + c] for r in [0, rows), c in [0, cols).
template <class T>
struct Turn {
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
          turn_square<T, Arch>(out + c * out_step + i, out_step, in + i * in_step + c, in_step);
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
