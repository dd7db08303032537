// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/window.hpp>

EIGENGRAD_BEGIN_VECTORS

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

/// One tap's pixels, of several planes.
template <class T>
struct UnfoldTap {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, Index out_step, const T* x, Index planes,
                                   const HeightWidth* size, const TapGrid* grid) {
    const Inside in_y(grid->rows, grid->y0, grid->sy, size->h);
    const Inside in_x(grid->cols, grid->x0, grid->sx, size->w);
    const Index width = grid->cols;
    const bool empty = in_y.empty() || in_x.empty();
    const Index first = empty ? 0 : in_y.first * width;
    const Index last = empty ? 0 : in_y.last * width;
    const T* in =
        empty ? x
              : x + (grid->y0 + in_y.first * grid->sy) * size->w + grid->x0 + in_x.first * grid->sx;
    const bool one_run = !empty && grid->sy == 1 && grid->sx == 1 && width == size->w;
    const Index n = last - first - (width - in_x.last) - in_x.first;
    eigengrad::detail::Scratch<Bits> keep(one_run ? width + kStep<Arch> : 0);
    for (Index q = 0; one_run && q < width + kStep<Arch>; ++q) {
      const Index column = (in_x.first + q) % width;
      keep[q] = column >= in_x.first && column < in_x.last ? Bits(-1) : Bits(0);
    }
    const Index tail = one_run && n > kStep<Arch> ? (n - kStep<Arch>) % width : 0;
    for (Index p = 0; p < planes; ++p, out += out_step, in += size->h * size->w) {
      fill_zero(out, first);
      fill_zero(out + last, grid->rows * width - last);
      if (one_run) {
        for (Index q = 0; q < in_x.first; ++q) out[first + q] = T(0);
        run_of_rows<Arch>(out + first + in_x.first, in, keep.data(), width, n, tail);
        for (Index q = in_x.last - width; q < 0; ++q) out[last + q] = T(0);
      } else if (!empty) {
        row_by_row(out + first, in, in_y.last - in_y.first, in_x, *size, *grid);
      }
    }
  }

 private:
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  template <class Arch>
  static constexpr Index kStep = simd::kLanes<T, Arch>;

  /// The rows lie as they did, a few pixels aside: `n` pixels in one run, and zeros over those that
  /// wrapped round. `keep` names these along a row and a vector more, the last vector's from
  /// `tail`.
  template <class Arch>
  static EIGENGRAD_INLINE void run_of_rows(T* out, const T* in, const Bits* keep, Index width,
                                           Index n, Index tail) {
    using I = simd::Vec<Bits, Arch>;
    auto copy = [&](Index i, Index column) EIGENGRAD_INLINE_LAMBDA {
      I pixels;
      __builtin_memcpy(&pixels, in + i, sizeof pixels);
      pixels &= simd::load<I>(keep + column);
      __builtin_memcpy(out + i, &pixels, sizeof pixels);
    };
    Index i = 0;
    Index column = 0;
    for (; i + kStep<Arch> <= n; i += kStep<Arch>) {
      copy(i, column);
      column += kStep<Arch> % width;
      if (column >= width) column -= width;
    }
    if (i < n && n > kStep<Arch>) return copy(n - kStep<Arch>, tail);
    for (; i < n; ++i) out[i] = keep[i] ? in[i] : T(0);  // less than one vector
  }

  static EIGENGRAD_INLINE void row_by_row(T* out, const T* in, Index rows, const Inside& in_x,
                                          const HeightWidth& size, const TapGrid& grid) {
    const Index run = in_x.last - in_x.first;
    for (Index r = 0; r < rows; ++r, out += grid.cols, in += grid.sy * size.w) {
      for (Index q = 0; q < in_x.first; ++q) out[q] = T(0);
      for (Index q = in_x.last; q < grid.cols; ++q) out[q] = T(0);
      if (grid.sx == 1) {
        std::memcpy(out + in_x.first, in, static_cast<std::size_t>(run) * sizeof(T));
      } else {
        for (Index q = 0; q < run; ++q) out[in_x.first + q] = in[q * grid.sx];
      }
    }
  }
};

}  // namespace detail

/// out (rows, cols) = the pixels of `grid` in x (h, w), for `planes` planes of x that follow one
/// another; their results start `out_step` elements apart.
template <class T>
void unfold_tap(T* out, Index out_step, const T* x, Index planes, const HeightWidth& size,
                const TapGrid& grid) {
  simd::dispatch<detail::UnfoldTap<T>>(out, out_step, x, planes, &size, &grid);
}

namespace detail {

template <class T>
struct FoldPlane {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* x, const T* in, const HeightWidth* size,
                                   const TapGrid* grid) {
    using V = simd::Vec<T, Arch>;
    const Inside in_y(grid->rows, grid->y0, grid->sy, size->h);
    const Inside in_x(grid->cols, grid->x0, grid->sx, size->w);
    const Index n = in_x.last - in_x.first;
    for (Index r = in_y.first; r < in_y.last; ++r) {
      const T* from = in + r * grid->cols + in_x.first;
      T* to = x + (grid->y0 + r * grid->sy) * size->w + grid->x0 + in_x.first * grid->sx;
      if (grid->sx == 1) {
        simd::transform_singly<V>(
            n, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(to, at.load(to) + at.load(from)); });
      } else {
        for (Index q = 0; q < n; ++q) to[q * grid->sx] += from[q];
      }
    }
  }
};

}  // namespace detail

/// Adds `in` (rows, cols) to the pixels of `grid` in x (h, w): the transpose of `unfold_tap`.
template <class T>
void fold_plane(T* x, const T* in, const HeightWidth& size, const TapGrid& grid) {
  simd::dispatch<detail::FoldPlane<T>>(x, in, &size, &grid);
}

/// cols (planes, taps, positions) from x (planes, h, w).
template <class T>
void unfold(T* cols, const T* x, Index planes, const Window2d& w) {
  constexpr Index kGroup = 8;  // planes that stay in cache from tap to tap
  const Index size = w.taps() * w.positions();
  parallel_for(planes, row_grain(size), [&](Index begin, Index end) {
    for (Index p = begin; p < end; p += kGroup) {
      T* out = cols + p * size;
      for (Index i = 0; i < w.kernel.h; ++i) {
        for (Index j = 0; j < w.kernel.w; ++j, out += w.positions()) {
          unfold_tap(out, size, x + p * w.pixels(), std::min(kGroup, end - p), w.input,
                     tap_grid(w, i, j, 0, w.output.h));
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

EIGENGRAD_END_VECTORS
