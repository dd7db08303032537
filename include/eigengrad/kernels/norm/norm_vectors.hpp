// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The vectors of a row of any length, and the sums of a few rows at once: parts of the norms.
namespace eigengrad::kernels::detail {

/// The sums of this many rows are taken together, see `norm_sums`.
inline constexpr Index kNormRows = 4;

/// A whole vector of a row, at element `i`. Vectors alternate between two accumulators, by
/// `parity`: a sum does not wait for the one before.
template <class V, int Parity>
struct NormVector {
  static constexpr int parity = Parity;
  Index i;
  EIGENGRAD_INLINE V load(const simd::Element<V>* p) const { return simd::load<V>(p + i); }
  EIGENGRAD_INLINE void store(simd::Element<V>* p, const V& v) const { simd::store<V>(p + i, v); }
  EIGENGRAD_INLINE V once(const V& v) const { return v; }
  EIGENGRAD_INLINE V once(const V& v, const V&) const { return v; }
};

/// The last vector of a row whose end is ragged. It begins before the end of the vector before:
/// single lanes go through memory, at many times the cost. `once` says what the lanes that were
/// there before are to count in a sum, or hold.
template <class V>
struct NormLast {
  using T = simd::Element<V>;
  using I = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Lanes = typename simd::detail::VecOf<I, sizeof(V)>::type;
  static constexpr int parity = 1;
  Index i;
  Lanes seen;
  EIGENGRAD_INLINE explicit NormLast(Index n) : i(n - simd::kSize<V>) {
    const Index count = simd::kSize<V> - n % simd::kSize<V>;
    Lanes lane;
    EIGENGRAD_UNROLL
    for (Index j = 0; j < simd::kSize<V>; ++j) lane[j] = static_cast<I>(j);
    seen = lane < static_cast<I>(count);
  }
  EIGENGRAD_INLINE V load(const T* p) const { return simd::load<V>(p + i); }
  EIGENGRAD_INLINE void store(T* p, const V& v) const { simd::store<V>(p + i, v); }
  EIGENGRAD_INLINE V once(const V& v, const V& other = V{}) const { return seen ? other : v; }
};

/// A row that is shorter than a vector, with zeros after its end.
template <class V>
struct NormShort {
  static constexpr int parity = 0;
  Index n;
  EIGENGRAD_INLINE V load(const simd::Element<V>* p) const { return simd::load_partial<V>(p, n); }
  EIGENGRAD_INLINE void store(simd::Element<V>* p, const V& v) const {
    simd::store_partial<V>(p, v, n);
  }
  EIGENGRAD_INLINE V once(const V& v, const V& other = V{}) const {
    V out = v;
    for (Index j = n; j < simd::kSize<V>; ++j) out[j] = other[j];
    return out;
  }
};

/// Calls `body` with one of the above for each vector of a row of `n`.
template <class V, class Body>
EIGENGRAD_INLINE void norm_vectors(Index n, Body body) {
  constexpr Index kLanes = simd::kSize<V>;
  if (n < kLanes) return body(NormShort<V>{n});
  Index i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    body(NormVector<V, 0>{i});
    body(NormVector<V, 1>{i + kLanes});
  }
  if (i + kLanes <= n) {
    body(NormVector<V, 0>{i});
    i += kLanes;
  }
  if (i < n) body(NormLast<V>(n));
}

/// A number for each row of a group.
template <class T>
using NormGroup = typename simd::detail::VecOf<T, kNormRows * sizeof(T)>::type;

/// The sums of the lanes of each of four vectors, in the order of `simd::reduce_add`. They are
/// added across each other, in as many steps as one of them takes alone.
template <class V>
EIGENGRAD_INLINE void norm_sums(NormGroup<simd::Element<V>>& out, const V* v) {
  if constexpr (simd::kSize<V> == 4) {
    const V ab = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5) +
                 __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const V cd = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5) +
                 __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    out = __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  } else if constexpr (simd::kSize<V> > 4) {
    using Half = simd::detail::HalfVector<V>;
    Half half[kNormRows];
    EIGENGRAD_UNROLL
    for (Index r = 0; r < kNormRows; ++r) {
      Half low, high;
      simd::detail::split(low, high, v[r], simd::detail::HalfLanes<V>{});
      half[r] = low + high;
    }
    norm_sums<Half>(out, half);
  } else {
    EIGENGRAD_UNROLL
    for (Index r = 0; r < kNormRows; ++r) out[r] = simd::reduce_add(v[r]);
  }
}

/// The numbers of the first `rows` rows of a group.
template <class T>
EIGENGRAD_INLINE void norm_store(T* p, const NormGroup<T>& v, Index rows) {
  if (rows == kNormRows) return simd::store<NormGroup<T>>(p, v);
  for (Index r = 0; r < rows; ++r) p[r] = v[r];
}

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
