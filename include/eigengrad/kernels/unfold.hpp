// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd.hpp>
#include <eigengrad/kernels/window.hpp>

/// Images to columns and back: row (c, i, j) of the columns holds what tap (i, j) of the window
/// reads in channel c, one value a position.
namespace eigengrad::kernels {

/// What one tap reads: the pixels (y0 + r * sy, x0 + q * sx) of a plane, for (r, q) in
/// (rows, cols). Pixels outside the plane are zero.
struct TapGrid {
  Index rows, cols;
  Index y0, x0;
  Index sy, sx;
};

/// The grid of tap (i, j), over the output rows [first, first + rows).
inline TapGrid tap_grid(const Window2d& w, Index i, Index j, Index first, Index rows) {
  return {rows,
          w.output.w,
          first * w.stride.h + i * w.dilation.h - w.padding.h,
          j * w.dilation.w - w.padding.w,
          w.stride.h,
          w.stride.w};
}

namespace detail {

/// The part [first, last) of [0, n) for which start + i * step is in [0, size).
struct Inside {
  Index first, last;
  Inside(Index n, Index start, Index step, Index size)
      : first(start >= 0 ? 0 : std::min(n, (step - 1 - start) / step)),
        last(start >= size ? first : std::max(first, std::min(n, (size - 1 - start) / step + 1))) {}
  bool empty() const { return first >= last; }
};

template <class T>
void fill_zero(T* p, Index n) {
  if (n > 0) std::memset(p, 0, static_cast<std::size_t>(n) * sizeof(T));
}

template <class T>
void copy_pixels(T* out, const T* in, Index n) {
  std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(T));
}

}  // namespace detail

/// out (rows, cols) = the pixels of `grid` in x (h, w).
template <class T>
void unfold_plane(T* out, const T* x, const Pair& size, const TapGrid& grid) {
  const detail::Inside in_y(grid.rows, grid.y0, grid.sy, size.h);
  const detail::Inside in_x(grid.cols, grid.x0, grid.sx, size.w);
  if (in_y.empty() || in_x.empty()) return detail::fill_zero(out, grid.rows * grid.cols);
  detail::fill_zero(out, in_y.first * grid.cols);
  detail::fill_zero(out + in_y.last * grid.cols, (grid.rows - in_y.last) * grid.cols);
  const Index run = in_x.last - in_x.first;
  const T* from = x + (grid.y0 + in_y.first * grid.sy) * size.w + grid.x0 + in_x.first * grid.sx;
  T* to = out + in_y.first * grid.cols;
  if (grid.sy == 1 && grid.sx == 1 && grid.cols == size.w) {
    // The rows lie as they did, a few pixels aside: one run, then zeros over what wrapped round.
    const Index rows = in_y.last - in_y.first;
    detail::copy_pixels(to + in_x.first, from, (rows - 1) * size.w + run);
    for (Index r = 0; r < rows; ++r, to += grid.cols) {
      for (Index q = 0; q < in_x.first; ++q) to[q] = T(0);
      for (Index q = in_x.last; q < grid.cols; ++q) to[q] = T(0);
    }
    return;
  }
  for (Index r = in_y.first; r < in_y.last; ++r) {
    for (Index q = 0; q < in_x.first; ++q) to[q] = T(0);
    for (Index q = in_x.last; q < grid.cols; ++q) to[q] = T(0);
    if (grid.sx == 1) {
      detail::copy_pixels(to + in_x.first, from, run);
    } else {
      for (Index q = 0; q < run; ++q) to[in_x.first + q] = from[q * grid.sx];
    }
    to += grid.cols;
    from += grid.sy * size.w;
  }
}

namespace detail {

template <class T>
struct FoldPlane {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* x, const T* in, const Pair* size, const TapGrid* grid) {
    using V = simd::Vec<T, Arch>;
    const Inside in_y(grid->rows, grid->y0, grid->sy, size->h);
    const Inside in_x(grid->cols, grid->x0, grid->sx, size->w);
    const Index n = in_x.last - in_x.first;
    for (Index r = in_y.first; r < in_y.last; ++r) {
      const T* from = in + r * grid->cols + in_x.first;
      T* to = x + (grid->y0 + r * grid->sy) * size->w + grid->x0 + in_x.first * grid->sx;
      if (grid->sx == 1) {
        simd::for_each_vector<V>(
            n,
            [&](Index q) EIGENGRAD_INLINE_LAMBDA {
              simd::store<V>(to + q, simd::load<V>(to + q) + simd::load<V>(from + q));
            },
            [&](Index q, Index left) EIGENGRAD_INLINE_LAMBDA {
              for (Index e = q; e < q + left; ++e) to[e] += from[e];
            });
      } else {
        for (Index q = 0; q < n; ++q) to[q * grid->sx] += from[q];
      }
    }
  }
};

}  // namespace detail

/// Adds `in` (rows, cols) to the pixels of `grid` in x (h, w): the transpose of `unfold_plane`.
template <class T>
void fold_plane(T* x, const T* in, const Pair& size, const TapGrid& grid) {
  simd::dispatch<detail::FoldPlane<T>>(x, in, &size, &grid);
}

/// cols (planes, taps, positions) from x (planes, h, w).
template <class T>
void unfold(T* cols, const T* x, Index planes, const Window2d& w) {
  const Index size = w.taps() * w.positions();
  parallel_for(planes, row_grain(size), [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      T* out = cols + p * size;
      for (Index i = 0; i < w.kernel.h; ++i) {
        for (Index j = 0; j < w.kernel.w; ++j, out += w.positions()) {
          unfold_plane(out, x + p * w.pixels(), w.input, tap_grid(w, i, j, 0, w.output.h));
        }
      }
    }
  });
}

/// x (planes, h, w) = the sum of what lands on each pixel from cols (planes, taps, positions).
template <class T>
void fold(T* x, const T* cols, Index planes, const Window2d& w) {
  const Index size = w.taps() * w.positions();
  parallel_for(planes, row_grain(size), [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      T* plane = x + p * w.pixels();
      const T* in = cols + p * size;
      detail::fill_zero(plane, w.pixels());
      for (Index i = 0; i < w.kernel.h; ++i) {
        for (Index j = 0; j < w.kernel.w; ++j, in += w.positions()) {
          fold_plane(plane, in, w.input, tap_grid(w, i, j, 0, w.output.h));
        }
      }
    }
  });
}

EIGENGRAD_INSTANTIATE(void unfold(float*, const float*, Index, const Window2d&))
EIGENGRAD_INSTANTIATE(void unfold(double*, const double*, Index, const Window2d&))
EIGENGRAD_INSTANTIATE(void fold(float*, const float*, Index, const Window2d&))
EIGENGRAD_INSTANTIATE(void fold(double*, const double*, Index, const Window2d&))

}  // namespace eigengrad::kernels
