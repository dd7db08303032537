// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/pool.hpp>

/// Maxima of windows, and where they lie.
namespace eigengrad::kernels {

namespace detail {

/// Integers that order as the numbers do, NaN above all. A maximum and its place then take one
/// comparison: conditions joined from several, which NaN and padding would need, GCC 12 computes
/// lane by lane in 64-byte vectors.
template <class V, class I>
EIGENGRAD_INLINE I to_key(V x) {
  using E = simd::Element<I>;
  const V number = x + simd::Element<V>(0);  // makes -0 equal to 0
  I bits;
  __builtin_memcpy(&bits, &number, sizeof bits);
  const I key = bits ^ ((bits >> (8 * sizeof(E) - 1)) & std::numeric_limits<E>::max());
  return x == x ? key : simd::broadcast<I>(std::numeric_limits<E>::max());
}

template <class V, class I>
EIGENGRAD_INLINE V from_key(I key) {
  using E = simd::Element<I>;
  const I bits = key ^ ((key >> (8 * sizeof(E) - 1)) & std::numeric_limits<E>::max());
  V x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

template <class T>
struct MaxPool {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, std::int32_t* index, const T* x, const T* x_end,
                                   const Window2d* window, Index planes) {
    using V = simd::Vec<T, Arch>;
    using I = decltype(V{} < V{});  // signed integers as wide as T
    using E = simd::Element<I>;
    const Window2d& w = *window;
    const Index width = padded_row<V>(w);
    const Index joined = w.output.w + simd::kSize<V>;
    // Rows are padded some at a time: reading a row right after writing it, at other offsets, would
    // wait for the writes.
    constexpr Index kGroup = 8;
    const auto slots = static_cast<Index>(std::bit_ceil(std::size_t(w.kernel.h + kGroup)));
    eigengrad::detail::Scratch<E> padded(kGroup * width);
    eigengrad::detail::Scratch<E> ring(2 * slots * joined);  // the last joined rows
    std::fill(padded.data(), padded.data() + kGroup * width, std::numeric_limits<E>::min());
    E* keys = ring.data();
    E* places = keys + slots * joined;
    const T* y_end = y + planes * w.positions();
    for (Index plane = 0; plane < planes; ++plane) {
      Index next = 0;
      for (Index r = 0; r < w.output.h; ++r) {
        const RowRange rows(w, r);
        next = std::max(next, rows.first);
        while (next < rows.last) {
          const Index n = std::min(kGroup, w.input.h - next);
          for (Index i = 0; i < n; ++i) {
            pad_row<V, I>(padded.data() + i * width + w.padding.w, x + (next + i) * w.input.w,
                          x_end, w.input.w);
          }
          for (Index i = 0; i < n; ++i, ++next) {
            const Index slot = (next & (slots - 1)) * joined;
            join_columns<I>(keys + slot, places + slot, padded.data() + i * width, w,
                            next * w.input.w);
          }
        }
        for (Index q = 0; q < w.output.w; q += simd::kSize<V>) {
          join_rows<V, I>(y, index, keys + q, places + q, joined, rows, slots - 1,
                          r * w.output.w + q, w.output.w - q, y_end);
        }
      }
      x += w.pixels();
      y += w.positions();
      if (index) index += w.positions();
    }
  }

 private:
  /// The keys of a row of x, between its margins.
  template <class V, class I>
  static EIGENGRAD_INLINE void pad_row(simd::Element<I>* keys, const T* x, const T* x_end,
                                       Index n) {
    using E = simd::Element<I>;
    for (Index q = 0; q < n; q += simd::kSize<V>) {
      const V v = load_front<V>(x + q, n - q, x_end - x - q);
      // The lanes behind the row belong to the margin.
      const E left = static_cast<E>(std::min(n - q, simd::kSize<V>));
      const I lowest = simd::broadcast<I>(std::numeric_limits<E>::min());
      simd::store<I>(keys + q, lane_numbers<I>() < left ? to_key<V, I>(v) : lowest);
    }
  }

  /// The greatest key of each window's part of a row, the first of equals, and its pixel.
  template <class I>
  static EIGENGRAD_INLINE void join_columns(simd::Element<I>* keys, simd::Element<I>* places,
                                            const simd::Element<I>* row, const Window2d& w,
                                            Index first_pixel) {
    using E = simd::Element<I>;
    const Index stride = w.stride.w;
    for (Index q = 0; q < w.output.w; q += simd::kSize<I>) {
      I best = load_strided<I>(row + q * stride, stride);
      I place = lane_numbers<I>() * static_cast<E>(stride) +
                static_cast<E>(first_pixel + q * stride - w.padding.w);
      I at = place;
      for (Index j = 1; j < w.kernel.w; ++j) {
        const I key = load_strided<I>(row + q * stride + j, stride);
        at += 1;
        place = key > best ? at : place;
        best = key > best ? key : best;
      }
      simd::store<I>(keys + q, best);
      simd::store<I>(places + q, place);
    }
  }

  /// The same over the joined rows of a window, stored as values and pixels at `at`.
  template <class V, class I>
  static EIGENGRAD_INLINE void join_rows(T* y, std::int32_t* index, const simd::Element<I>* keys,
                                         const simd::Element<I>* places, Index joined,
                                         const RowRange& rows, Index mask, Index at, Index left,
                                         const T* y_end) {
    const Index first = (rows.first & mask) * joined;
    I best = simd::load<I>(keys + first);
    I place = simd::load<I>(places + first);
    for (Index i = rows.first + 1; i < rows.last; ++i) {
      const Index slot = (i & mask) * joined;
      const I key = simd::load<I>(keys + slot);
      const I key_place = simd::load<I>(places + slot);
      place = key > best ? key_place : place;
      best = key > best ? key : best;
    }
    const Index room = y_end - (y + at);
    store_front<V>(y + at, from_key<V, I>(best), left, room);
    if (!index) return;
    if constexpr (sizeof(T) == sizeof(std::int32_t)) {
      store_front<I>(index + at, place, left, room);
    } else {
      for (Index i = 0; i < std::min(left, simd::kSize<I>); ++i) {
        index[at + i] = static_cast<std::int32_t>(place[i]);
      }
    }
  }
};

}  // namespace detail

/// y (planes, positions) = the maximum of each window of x (planes, pixels), and the pixel of its
/// plane where that lies (the first, if several) in `index`, unless null. Padding never wins.
template <class T>
void max_pool2d(T* y, std::int32_t* index, const T* x, Index planes, const Window2d& w) {
  const T* x_end = x + planes * w.pixels();
  parallel_for(planes, row_grain(w.pixels()), [&](Index begin, Index end) {
    simd::dispatch<detail::MaxPool<T>>(y + begin * w.positions(),
                                       index ? index + begin * w.positions() : index,
                                       x + begin * w.pixels(), x_end, &w, end - begin);
  });
}

/// dx (planes, pixels): each element of dout goes to the pixel that `index` names.
template <class T>
void max_pool2d_backward(T* dx, const T* dout, const std::int32_t* index, Index planes,
                         const Window2d& w) {
  parallel_for(planes, row_grain(w.pixels()), [&](Index begin, Index end) {
    for (Index plane = begin; plane < end; ++plane) {
      T* to = dx + plane * w.pixels();
      std::fill(to, to + w.pixels(), T(0));
      const Index last = (plane + 1) * w.positions();
      for (Index i = plane * w.positions(); i < last; ++i) to[index[i]] += dout[i];
    }
  });
}

EIGENGRAD_INSTANTIATE(void max_pool2d(float*, std::int32_t*, const float*, Index, const Window2d&))
EIGENGRAD_INSTANTIATE(void max_pool2d(double*, std::int32_t*, const double*, Index,
                                      const Window2d&))

}  // namespace eigengrad::kernels
