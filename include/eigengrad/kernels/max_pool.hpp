// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/pool.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Maxima of windows, and where they lie.
namespace eigengrad::kernels {

namespace detail {

/// Integers that order as the numbers do, NaN above all. A maximum and its place then take one
/// comparison: conditions joined from several, which NaN and padding would need, GCC 12 computes
/// lane by lane in 64-byte vectors.
template <class V, class I>
EIGENGRAD_INLINE I to_key(const V& x) {
  using E = simd::Element<I>;
  const V number = x + simd::Element<V>(0);  // makes -0 equal to 0
  I bits;
  __builtin_memcpy(&bits, &number, sizeof bits);
  const I key = bits ^ ((bits >> (8 * sizeof(E) - 1)) & std::numeric_limits<E>::max());
  return x == x ? key : simd::broadcast<I>(std::numeric_limits<E>::max());
}

template <class V, class I>
EIGENGRAD_INLINE V from_key(const I& key) {
  using E = simd::Element<I>;
  const I bits = key ^ ((key >> (8 * sizeof(E) - 1)) & std::numeric_limits<E>::max());
  V x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

/// A vector holds one pixel of as many planes as it has lanes: they are transposed some rows at a
/// time, and the results transposed back. So no lane is idle, however narrow the planes, and
/// windows at the border are cut by plain loops.
template <class T>
struct MaxPool {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, std::int32_t* index, const T* x, const Window2d* window,
                                   Index planes) {
    using V = simd::Vec<T, Arch>;
    using I = decltype(V{} < V{});  // signed integers as wide as T
    using E = simd::Element<I>;
    constexpr Index kLanes = simd::kSize<V>;
    constexpr Index kPixels = 1024;  // of a plane, transposed at once: they stay in L2
    const Window2d& w = *window;
    // Bands of output rows; the next band transposes again what both cover.
    const Index fit = std::max(2 * w.kernel.h, kPixels / w.input.w);
    const Index band = std::clamp<Index>((fit - w.kernel.h) / w.stride.h + 1, 1, w.output.h);
    const Index most = std::min(w.input.h, (band - 1) * w.stride.h + w.kernel.h) * w.input.w;
    eigengrad::detail::Scratch<T> keys(most * kLanes);
    eigengrad::detail::Scratch<T> maxima(band * w.output.w * kLanes);
    eigengrad::detail::Scratch<E> places(band * w.output.w * kLanes);
    std::fill(keys.data(), keys.data() + most * kLanes, T(0));  // lanes without a plane
    for (Index plane = 0; plane < planes; plane += kLanes) {
      const Index count = std::min(kLanes, planes - plane);
      for (Index r0 = 0; r0 < w.output.h; r0 += band) {
        const Index r1 = std::min(w.output.h, r0 + band);
        const Index first = RowRange(w, r0).first * w.input.w;
        const Index pixels = RowRange(w, r1 - 1).last * w.input.w - first;
        Transpose<T>::template run<Arch>(keys.data(), kLanes, x + plane * w.pixels() + first,
                                         w.pixels(), count, pixels);
        for (Index i = 0; i < pixels * kLanes; i += kLanes) {
          const I key = to_key<V, I>(simd::load<V>(keys.data() + i));
          __builtin_memcpy(keys.data() + i, &key, sizeof key);
        }
        join<V, I>(maxima.data(), places.data(), keys.data(), w, r0, r1, first,
                   x + (plane + kLanes) * w.pixels() + first * kLanes);
        const Index results = (r1 - r0) * w.output.w;
        const Index at = plane * w.positions() + r0 * w.output.w;
        Transpose<T>::template run<Arch>(y + at, w.positions(), maxima.data(), kLanes, results,
                                         count);
        if (index == nullptr) continue;
        if constexpr (sizeof(T) == sizeof(std::int32_t)) {
          Transpose<E>::template run<Arch>(index + at, w.positions(), places.data(), kLanes,
                                           results, count);
        } else {
          for (Index p = 0; p < count; ++p) {
            for (Index i = 0; i < results; ++i) {
              index[at + p * w.positions() + i] = static_cast<std::int32_t>(places[i * kLanes + p]);
            }
          }
        }
      }
    }
  }

 private:
  /// The maxima of output rows [r0, r1) and their pixels, the first of equals, from keys that begin
  /// with pixel `first`. Meanwhile asks for the next planes, at `next`: the hardware does not
  /// foresee that many streams.
  template <class V, class I>
  static EIGENGRAD_INLINE void join(T* maxima, simd::Element<I>* places, const T* keys,
                                    const Window2d& w, Index r0, Index r1, Index first,
                                    const T* next) {
    using E = simd::Element<I>;
    constexpr Index kLanes = simd::kSize<V>;
    const Index width = w.input.w;
    const HeightWidth kernel = w.kernel, stride = w.stride, padding = w.padding;
    const Index output_w = w.output.w;
    const Index ahead = divide_up(w.pixels(), w.positions());  // cache lines per result
    for (Index r = r0; r < r1; ++r) {
      const RowRange rows(w, r);
      for (Index q = 0; q < output_w; ++q, maxima += kLanes, places += kLanes) {
        for (Index i = 0; i < ahead; ++i, next += kLanes) __builtin_prefetch(next, 0, 2);
        const Index left = q * stride.w - padding.w;
        const Index begin = std::max<Index>(0, left);
        const Index taps = std::min(width, left + kernel.w) - begin;
        Index pixel = rows.first * width + begin;
        I best, key;
        __builtin_memcpy(&best, keys + (pixel - first) * kLanes, sizeof best);
        I place = simd::broadcast<I>(static_cast<E>(pixel));
        for (Index i = rows.first; i < rows.last; ++i, pixel += width) {
          const T* from = keys + (pixel - first) * kLanes;
          I here = simd::broadcast<I>(static_cast<E>(pixel));
          for (Index j = 0; j < taps; ++j, here += 1) {
            __builtin_memcpy(&key, from + j * kLanes, sizeof key);
            place = key > best ? here : place;
            best = key > best ? key : best;
          }
        }
        simd::store<V>(maxima, from_key<V, I>(best));
        simd::store<I>(places, place);
      }
    }
  }
};

}  // namespace detail

/// y (planes, positions) = the maximum of each window of x (planes, pixels), and the pixel of its
/// plane where that lies (the first, if several) in `index`, unless null. Padding never wins.
template <class T>
void max_pool2d(T* y, std::int32_t* index, const T* x, Index planes, const Window2d& w) {
  constexpr Index kMostLanes = 64 / static_cast<Index>(sizeof(T));  // planes taken at once
  const Index grain = round_up(row_grain(w.pixels()), kMostLanes);
  parallel_for(planes, grain, [&](Index begin, Index end) {
    simd::dispatch<detail::MaxPool<T>>(y + begin * w.positions(),
                                       index ? index + begin * w.positions() : index,
                                       x + begin * w.pixels(), &w, end - begin);
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

EIGENGRAD_END_VECTORS
