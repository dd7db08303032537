// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>
#include <eigengrad/kernels/unfold.hpp>
#include <eigengrad/kernels/window.hpp>

/// Convolution of images that are too small for tiles of their own.
namespace eigengrad::kernels::detail {

/// Lanes without a position in the vectors of this many positions.
inline Index idle_lanes(Index positions) {
  constexpr Index kLanes = 16;
  return round_up(positions, kLanes) - positions;
}

/// How many images fill their vectors best, up to 400 positions: eight of 7x7, sixteen of 3x3. One
/// if tiles within an image leave less than a tenth of their lanes idle, or it has many columns. It
/// depends on the window alone, as the order of the sums does.
inline Index images_together(const Window2d& w) {
  constexpr Index kMostElements = 1 << 21;  // of the columns
  const Index n = w.positions();
  Index best = 1;
  if (9 * idle_lanes(n) <= n) return best;
  const Index most =
      std::min<Index>(400, kMostElements / std::max<Index>(1, w.channels * w.taps()));
  for (Index count = 2; count * n <= most; ++count) {
    if (idle_lanes(count * n) * best < idle_lanes(best * n) * count) best = count;
  }
  return best;
}

/// cols (C kh kw, images positions): the columns of some images, next to each other.
template <class T>
void columns_of_images(T* cols, const T* x, Index images, const Window2d& w) {
  const Index n = images * w.positions();
  for (Index image = 0; image < images; ++image, x += w.channels * w.pixels()) {
    T* out = cols + image * w.positions();
    for (Index i = 0; i < w.kernel.h; ++i) {
      for (Index j = 0; j < w.kernel.w; ++j, out += n) {
        unfold_tap(out, w.taps() * n, x, w.channels, w.input, tap_grid(w, i, j, 0, w.output.h));
      }
    }
  }
}

/// y (images, m, positions) = weight (m, C kh kw) . columns + bias, up to `most` images at a time.
template <class T>
void conv2d_by_columns(T* y, const T* x, const T* weight, const T* bias, Index images, Index m,
                       const Window2d& w, Index most) {
  const Index k = w.channels * w.taps();
  const Index positions = w.positions();
  // The same number of groups for each thread.
  const Index threads = num_threads();
  most = divide_up(images, divide_up(divide_up(images, most), threads) * threads);
  parallel_for(divide_up(images, most), 1, [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> cols(k * most * positions), sums(m * most * positions);
    for (Index first = begin * most; first < std::min(images, end * most); first += most) {
      const Index count = std::min(most, images - first);
      columns_of_images(cols.data(), x + first * w.channels * w.pixels(), count, w);
      Gemm<T> g;
      g.m = m;
      g.n = count * positions;
      g.k = k;
      g.a = weight;
      g.lda = k;
      g.b = cols.data();
      g.ldb = g.n;
      g.c = sums.data();
      g.ldc = g.n;
      gemm(g);
      for (Index image = 0; image < count; ++image) {
        for (Index o = 0; o < m; ++o) {
          const T* from = sums.data() + o * g.n + image * positions;
          const T add = bias ? bias[o] : T(0);
          T* to = y + ((first + image) * m + o) * positions;
          for (Index p = 0; p < positions; ++p) to[p] = from[p] + add;
        }
      }
    }
  });
}

}  // namespace eigengrad::kernels::detail
