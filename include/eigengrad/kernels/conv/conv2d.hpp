// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/conv/conv2d_columns.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>
#include <eigengrad/kernels/permute.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/unfold.hpp>
#include <eigengrad/kernels/window.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Convolution as a matrix product whose right side, the columns of `unfold`, is never made.
///
/// The register tile is that of `gemm`. It reads its columns from a strip: a copy of some rows of
/// one image, padded, and shifted once for each horizontal tap. There each tap's values lie in one
/// run, and vertical taps are the same run a few rows further down. A 3x3 window so costs three
/// copies of the image in place of the nine of its columns and the nine of packing them, and
/// nothing is ever as large as the batch. Images of few positions go another way
/// (conv2d_columns.hpp).
namespace eigengrad::kernels {

namespace detail {

inline constexpr Index kStripElements = 1 << 17;  // a strip stays in L2
inline constexpr Index kFewImages = 16;           // fewer are cut into bands, for the threads

/// Where a strip of `channels` channels holds the runs of its taps, for bands of output rows.
class StripLayout {
 public:
  StripLayout(const Window2d& window, Index channels, Index most_rows)
      : window_(window), offsets_(Shape{channels * window.taps()}) {
    const Index width = window.output.w;
    const Index halo = (window.kernel.h - 1) * window.dilation.h;
    // Runs of one copy must lie on every row, and share enough of them.
    shared_ = window.stride.h == 1 && window.dilation.h <= window.output.h;
    const Index row = std::max<Index>(1, channels * window.kernel.w * width);
    const Index fit = shared_ ? std::max(window.dilation.h, kStripElements / row - halo)
                              : kStripElements / (row * window.kernel.h);
    const Index least = divide_up(64, width);  // enough columns for whole tiles
    band_ = std::min(window.output.h, std::max(least, std::min(fit, most_rows)));
    plane_ = (shared_ ? band_ + halo : band_) * width;
    size_ = channels * window.kernel.w * (shared_ ? 1 : window.kernel.h) * plane_;
    Index* offset = offsets_.data();
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < window.kernel.h; ++i) {
        for (Index j = 0; j < window.kernel.w; ++j) {
          *offset++ = shared_ ? (c * window.kernel.w + j) * plane_ + i * window.dilation.h * width
                              : (c * window.taps() + i * window.kernel.w + j) * plane_;
        }
      }
    }
  }

  /// Output rows of a band; the last may have fewer.
  Index band() const { return band_; }
  Index bands() const { return divide_up(window_.output.h, band_); }
  Index size() const { return size_; }
  /// Start of the run of each (channel, tap).
  const Index* offsets() const { return offsets_.data(); }

  /// The strip of channels [0, count) of `x` for `rows` output rows from `first` on.
  template <class T>
  void fill(T* strip, const T* x, Index count, Index first, Index rows) const {
    const Window2d& w = window_;
    const Index copies = shared_ ? 1 : w.kernel.h;
    const Index channel = copies * w.kernel.w * plane_;
    for (Index i = 0; i < copies; ++i) {
      for (Index j = 0; j < w.kernel.w; ++j, strip += plane_) {
        TapGrid grid = tap_grid(w, i, j, first, rows);
        if (shared_) grid.rows += (w.kernel.h - 1) * w.dilation.h;
        unfold_tap(strip, channel, x, count, w.input, grid);
      }
    }
  }

 private:
  Window2d window_;
  NdArray<Index> offsets_;
  bool shared_;
  Index band_, plane_, size_;
};

/// How many vectors the next tile takes of those left: three, and never one that leaves a single
/// one.
EIGENGRAD_INLINE Index tile_vectors(Index left) { return left == 4 ? 2 : std::min<Index>(3, left); }

/// y (Rows, cols) = w (k, Rows)^T . columns (k, cols) + bias; row p of the columns lies at
/// strip + offsets[p].
template <class T, class Arch, int Vectors>
EIGENGRAD_INLINE void conv_tile(T* y, Index ldy, const T* __restrict w, const T* __restrict strip,
                                const Index* __restrict offsets, const T* bias, Index k, Index rows,
                                Index cols) {
  using V = simd::Vec<T, Arch>;
  constexpr Index kLanes = simd::kLanes<T, Arch>;
  constexpr int kRows = static_cast<int>(GemmTile<T, Arch>::kRows);
  V sum[kRows][Vectors];
  EIGENGRAD_UNROLL
  for (int i = 0; i < kRows; ++i) {
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) sum[i][j] = V{};
  }
  for (Index p = 0; p < k; ++p, w += kRows) {
    const T* from = strip + offsets[p];
    V column[Vectors];
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) column[j] = simd::load<V>(from + j * kLanes);
    EIGENGRAD_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const V x = w[i] - V{};
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j] += x * column[j];
    }
  }
  EIGENGRAD_UNROLL
  for (int i = 0; i < kRows; ++i) {
    if (i >= rows) continue;  // zero weights after the last channel
    if (bias) {
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j] += bias[i];
    }
    if (cols == Vectors * kLanes) {
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) simd::store<V>(y + i * ldy + j * kLanes, sum[i][j]);
    } else {
      T line[Vectors * kLanes];
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) simd::store<V>(line + j * kLanes, sum[i][j]);
      for (Index j = 0; j < cols; ++j) y[i * ldy + j] = line[j];
    }
  }
}

template <class T>
struct ConvPass {
  const Window2d& window;
  const StripLayout& layout;
  T* y;             // (images, m, positions)
  const T* x;       // (images, channels, pixels)
  const T* weight;  // packed by ConvPack
  const T* bias;    // (m) or null
  Index m;
};

/// Bands [begin, end) of all bands of all images.
template <class T>
struct ConvBands {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const ConvPass<T>* pass, Index begin, Index end) {
    constexpr Index kLanes = simd::kLanes<T, Arch>;
    constexpr Index kRows = GemmTile<T, Arch>::kRows;
    const Window2d& w = pass->window;
    const StripLayout& layout = pass->layout;
    const Index k = w.channels * w.taps();
    eigengrad::detail::Scratch<T> scratch(layout.size() + kLanes);
    T* strip = scratch.data();
    fill_zero(strip + layout.size(), kLanes);  // the last vector of the last run reads beyond it
    for (Index item = begin; item < end; ++item) {
      const Index image = item / layout.bands();
      const Index first = item % layout.bands() * layout.band();
      const Index rows = std::min(layout.band(), w.output.h - first);
      layout.fill(strip, pass->x + image * w.channels * w.pixels(), w.channels, first, rows);
      const Index n = rows * w.output.w;
      T* y = pass->y + image * pass->m * w.positions() + first * w.output.w;
      for (Index i = 0; i < pass->m; i += kRows) {
        const Index tile_rows = std::min(kRows, pass->m - i);
        const T* bias = pass->bias ? pass->bias + i : nullptr;
        for (Index j = 0; j < n;) {
          const Index vectors = tile_vectors(divide_up(n - j, kLanes));
          const Index cols = std::min(vectors * kLanes, n - j);
          auto tile = [&]<int Vectors>() EIGENGRAD_INLINE_LAMBDA {
            conv_tile<T, Arch, Vectors>(y + i * w.positions() + j, w.positions(),
                                        pass->weight + i * k, strip + j, layout.offsets(), bias, k,
                                        tile_rows, cols);
          };
          if (vectors == 3) {
            tile.template operator()<3>();
          } else if (vectors == 2) {
            tile.template operator()<2>();
          } else {
            tile.template operator()<1>();
          }
          j += cols;
        }
      }
    }
  }
};

/// Rows [begin, end) of w (m, k) in tiles of kRows rows, each (k, kRows), zeros after row m.
template <class T>
struct ConvPack {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const T* w, Index m, Index k, Index begin, Index end) {
    constexpr Index kRows = GemmTile<T, Arch>::kRows;
    for (Index i = begin; i < end; i += kRows) {
      const Index rows = std::min(kRows, m - i);
      for (Index p = 0; p < k; ++p) {
        for (Index r = 0; r < kRows; ++r) {
          out[i * k + p * kRows + r] = r < rows ? w[(i + r) * k + p] : T(0);
        }
      }
    }
  }
};

}  // namespace detail

/// y (images, m, positions) = weight (m, channels, taps) over the windows of
/// x (images, channels, pixels), plus bias (m) unless it is null.
template <class T>
void conv2d(T* y, const T* x, const T* weight, const T* bias, Index images, Index m,
            const Window2d& w) {
  if (images * m * w.positions() == 0) return;
  if (const Index most = detail::images_together(w); most > 1) {
    return detail::conv2d_by_columns(y, x, weight, bias, images, m, w, most);
  }
  constexpr Index kTile = 8;  // a multiple of every tile's height
  constexpr Index kGrainFlops = 1 << 18;
  const Index k = w.channels * w.taps();
  eigengrad::detail::Scratch<T> packed(round_up(m, kTile) * k);
  parallel_for(m, round_up(row_grain(k), kTile), [&](Index begin, Index end) {
    simd::dispatch<detail::ConvPack<T>>(packed.data(), weight, m, k, begin, end);
  });
  const Index cuts = divide_up(detail::kFewImages, images);
  const detail::StripLayout layout(w, w.channels, divide_up(w.output.h, cuts));
  const detail::ConvPass<T> pass{w, layout, y, x, packed.data(), bias, m};
  const Index flops = std::max<Index>(1, m * k * layout.band() * w.output.w);
  parallel_for(images * layout.bands(), kGrainFlops / flops, [&](Index begin, Index end) {
    simd::dispatch<detail::ConvBands<T>>(&pass, begin, end);
  });
}

EIGENGRAD_INSTANTIATE(void conv2d(float*, const float*, const float*, const float*, Index, Index,
                                  const Window2d&))
EIGENGRAD_INSTANTIATE(void conv2d(double*, const double*, const double*, const double*, Index,
                                  Index, const Window2d&))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
