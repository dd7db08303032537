// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/pool.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Means of windows.
namespace eigengrad::kernels {

namespace detail {

/// What the sum of a window is divided by, along one axis.
inline Index window_count(Index at, Index kernel, Index size, bool with_padding) {
  return with_padding ? kernel : std::min(size, at + kernel) - std::max<Index>(0, at);
}

/// Writes the divisors of an output row, without their factor for the rows.
template <class T>
void fill_counts(T* counts, const Window2d& w, bool with_padding) {
  for (Index q = 0; q < w.output.w; ++q) {
    counts[q] = static_cast<T>(
        window_count(q * w.stride.w - w.padding.w, w.kernel.w, w.input.w, with_padding));
  }
}

template <class T>
T row_count(const Window2d& w, Index r, bool with_padding) {
  return static_cast<T>(
      window_count(r * w.stride.h - w.padding.h, w.kernel.h, w.input.h, with_padding));
}

template <class T>
struct AvgPool {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, const Window2d* window, Index planes,
                                   bool with_padding) {
    using V = simd::Vec<T, Arch>;
    const Window2d& w = *window;
    const Index width = padded_row<V>(w);
    eigengrad::detail::Scratch<T> sums(width);
    eigengrad::detail::Scratch<T> counts(w.output.w + simd::kSize<V>);
    std::fill(sums.data(), sums.data() + width, T(0));
    std::fill(counts.data(), counts.data() + w.output.w + simd::kSize<V>, T(1));
    fill_counts(counts.data(), w, with_padding);
    const T* y_end = y + planes * w.positions();
    for (Index plane = 0; plane < planes; ++plane, x += w.pixels(), y += w.positions()) {
      for (Index r = 0; r < w.output.h; ++r) {
        join_rows<V>(sums.data() + w.padding.w, x, w, RowRange(w, r));
        const T rows = row_count<T>(w, r, with_padding);
        for (Index q = 0; q < w.output.w; q += simd::kSize<V>) {
          V sum = load_strided<V>(sums.data() + q * w.stride.w, w.stride.w);
          for (Index j = 1; j < w.kernel.w; ++j) {
            sum += load_strided<V>(sums.data() + q * w.stride.w + j, w.stride.w);
          }
          const Index at = r * w.output.w + q;
          store_front<V>(y + at, sum / (simd::load<V>(counts.data() + q) * rows), w.output.w - q,
                         y_end - (y + at));
        }
      }
    }
  }

 private:
  template <class V>
  static EIGENGRAD_INLINE void join_rows(T* sums, const T* x, const Window2d& w, RowRange rows) {
    simd::transform_singly<V>(w.input.w, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      typename decltype(at)::Value sum{};
      for (Index i = rows.first; i < rows.last; ++i) sum += at.load(x + i * w.input.w);
      at.store(sums, sum);
    });
  }
};

template <class T>
struct AvgPoolBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, const T* dout, const Window2d* window, Index planes,
                                   bool with_padding) {
    using V = simd::Vec<T, Arch>;
    const Window2d& w = *window;
    const Index width = padded_row<V>(w);
    eigengrad::detail::Scratch<T> spread(width);
    eigengrad::detail::Scratch<T> counts(w.output.w);
    fill_counts(counts.data(), w, with_padding);
    std::fill(dx, dx + planes * w.pixels(), T(0));
    for (Index plane = 0; plane < planes; ++plane, dx += w.pixels()) {
      for (Index r = 0; r < w.output.h; ++r, dout += w.output.w) {
        const T rows = row_count<T>(w, r, with_padding);
        std::fill(spread.data(), spread.data() + width, T(0));
        for (Index q = 0; q < w.output.w; ++q) {
          const T d = dout[q] / (counts[q] * rows);
          for (Index j = 0; j < w.kernel.w; ++j) spread[q * w.stride.w + j] += d;
        }
        const T* add = spread.data() + w.padding.w;
        const RowRange range(w, r);
        for (Index i = range.first; i < range.last; ++i) {
          T* to = dx + i * w.input.w;
          simd::transform_singly<V>(w.input.w, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
            at.store(to, at.load(to) + at.load(add));
          });
        }
      }
    }
  }
};

}  // namespace detail

/// y (planes, positions) = the mean of each window of x (planes, pixels), where the zeros of the
/// padding count only `with_padding`.
template <class T>
void avg_pool2d(T* y, const T* x, Index planes, const Window2d& w, bool with_padding) {
  parallel_for(planes, row_grain(w.pixels()), [&](Index begin, Index end) {
    simd::dispatch<detail::AvgPool<T>>(y + begin * w.positions(), x + begin * w.pixels(), &w,
                                       end - begin, with_padding);
  });
}

/// dx (planes, pixels) from dout (planes, positions).
template <class T>
void avg_pool2d_backward(T* dx, const T* dout, Index planes, const Window2d& w, bool with_padding) {
  parallel_for(planes, row_grain(w.pixels()), [&](Index begin, Index end) {
    simd::dispatch<detail::AvgPoolBackward<T>>(
        dx + begin * w.pixels(), dout + begin * w.positions(), &w, end - begin, with_padding);
  });
}

EIGENGRAD_INSTANTIATE(void avg_pool2d(float*, const float*, Index, const Window2d&, bool))
EIGENGRAD_INSTANTIATE(void avg_pool2d(double*, const double*, Index, const Window2d&, bool))
EIGENGRAD_INSTANTIATE(void avg_pool2d_backward(float*, const float*, Index, const Window2d&, bool))
EIGENGRAD_INSTANTIATE(void avg_pool2d_backward(double*, const double*, Index, const Window2d&,
                                               bool))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
