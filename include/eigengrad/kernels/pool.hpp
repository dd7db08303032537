// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/window.hpp>

EIGENGRAD_BEGIN_VECTORS

/// What the kernels that pool image planes are made of.
namespace eigengrad::kernels::detail {

template <class V, std::size_t... I>
EIGENGRAD_INLINE void every_second(V& out, const V& a, const V& b, std::index_sequence<I...>) {
  out = __builtin_shufflevector(a, b, static_cast<int>(2 * I)...);
}

/// p[0], p[stride], p[2 stride], ...
template <class V>
EIGENGRAD_INLINE V load_strided(const simd::Element<V>* p, Index stride) {
  if (stride == 1) return simd::load<V>(p);
  if (stride == 2) {
    constexpr auto lanes = std::make_index_sequence<static_cast<std::size_t>(simd::kSize<V>)>();
    V v;
    every_second(v, simd::load<V>(p), simd::load<V>(p + simd::kSize<V>), lanes);
    return v;
  }
  simd::Element<V> line[simd::kSize<V>];
  for (Index i = 0; i < simd::kSize<V>; ++i) line[i] = p[i * stride];
  return simd::load<V>(line);
}

/// Stores the first lanes, at most `count`. Where a whole vector has room (`room` elements), the
/// lanes after them are stored too, for what follows to overwrite.
template <class V>
EIGENGRAD_INLINE void store_front(simd::Element<V>* p, const V& v, Index count, Index room) {
  if (room >= simd::kSize<V>) return simd::store<V>(p, v);
  simd::Element<V> line[simd::kSize<V>];
  simd::store<V>(line, v);
  std::memcpy(p, line, static_cast<std::size_t>(std::min(count, room)) * sizeof(line[0]));
}

/// The rows [first, last) of a plane that the windows of output row r cover.
struct RowRange {
  Index first, last;
  RowRange(const Window2d& w, Index r)
      : first(std::max<Index>(0, r * w.stride.h - w.padding.h)),
        last(std::min(w.input.h, r * w.stride.h - w.padding.h + w.kernel.h)) {}
};

/// Elements of a padded row that vectors over inputs and over strided outputs can reach.
template <class V>
EIGENGRAD_INLINE Index padded_row(const Window2d& w) {
  const Index reach = (w.output.w + simd::kSize<V>)*w.stride.w + w.kernel.w;
  return std::max(w.padding.w + w.input.w, reach) + 2 * simd::kSize<V>;
}

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
