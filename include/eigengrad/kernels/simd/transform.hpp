// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// One loop over arrays of any length, whose formula is written once: for whole vectors and for
/// what is left after them.
///
///     simd::transform<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
///       at.store(y, at.load(x) * scale);
///     });
///
/// `at` names the elements of one step. Its `load` and `store` take the arrays' beginnings.
namespace eigengrad::simd {

/// A sum (or maximum, ...) over an array: of the whole vectors, lane by lane, and of the elements
/// after them, one by one. `at.part(acc)` is the one that a step's elements belong to.
template <class V>
struct Accumulator {
  V lanes{};
  Element<V> rest = 0;

  EIGENGRAD_INLINE Element<V> sum() const { return rest + reduce_add(lanes); }
};

/// A whole vector, from element `i` on.
template <class V>
struct WholeVector {
  using T = Element<V>;
  using Value = V;
  static constexpr bool kWhole = true;
  Index i;

  EIGENGRAD_INLINE V load(const T* p) const { return simd::load<V>(p + i); }
  EIGENGRAD_INLINE void store(T* p, const V& v) const { simd::store<V>(p + i, v); }
  EIGENGRAD_INLINE V repeat(T x) const { return broadcast<V>(x); }
  EIGENGRAD_INLINE V& part(Accumulator<V>& acc) const { return acc.lanes; }
  EIGENGRAD_INLINE void add(Accumulator<V>& acc, const V& v) const { acc.lanes += v; }
};

/// The last `n` elements, fewer than a vector has lanes, in its first lanes; the others are 0.
template <class V>
struct PartialVector {
  using T = Element<V>;
  using Value = V;
  static constexpr bool kWhole = false;
  Index i, n;

  EIGENGRAD_INLINE V load(const T* p) const { return load_partial<V>(p + i, n); }
  EIGENGRAD_INLINE void store(T* p, const V& v) const { store_partial<V>(p + i, v, n); }
  EIGENGRAD_INLINE V repeat(T x) const { return broadcast<V>(x); }
  EIGENGRAD_INLINE void add(Accumulator<V>& acc, const V& v) const {
    for (Index j = 0; j < n; ++j) acc.rest += v[j];
  }
};

/// One element, as a plain number.
template <class V>
struct SingleElement {
  using T = Element<V>;
  using Value = T;
  static constexpr bool kWhole = false;
  Index i;

  EIGENGRAD_INLINE T load(const T* p) const { return p[i]; }
  EIGENGRAD_INLINE void store(T* p, T x) const { p[i] = x; }
  EIGENGRAD_INLINE T repeat(T x) const { return x; }
  EIGENGRAD_INLINE T& part(Accumulator<V>& acc) const { return acc.rest; }
};

/// Calls `body` with a WholeVector for each vector of [0, n), and once with a PartialVector for
/// what is left: for formulas that take vectors, or many steps.
template <class V, class Body>
EIGENGRAD_INLINE void transform(Index n, Body body) {
  Index i = 0;
  for (; i + kSize<V> <= n; i += kSize<V>) body(WholeVector<V>{i});
  if (i < n) body(PartialVector<V>{i, n - i});
}

/// The same with a SingleElement for each element that is left: for formulas of a few steps, where
/// filling a vector through memory would take longer, and for sums in order.
template <class V, class Body>
EIGENGRAD_INLINE void transform_singly(Index n, Body body) {
  Index i = 0;
  for (; i + kSize<V> <= n; i += kSize<V>) body(WholeVector<V>{i});
  for (; i < n; ++i) body(SingleElement<V>{i});
}

}  // namespace eigengrad::simd

EIGENGRAD_END_VECTORS
