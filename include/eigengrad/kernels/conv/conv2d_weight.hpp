// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/conv/conv2d.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Gradients of convolution with respect to its weight and bias.
namespace eigengrad::kernels {

namespace detail {

inline constexpr Index kConvChunks = 8;     // partial sums of the weight's gradient
inline constexpr Index kConvChannels = 32;  // channels whose gradient stays in L2
inline constexpr Index kConvSum = 256;      // positions to sum before a tile goes back to memory

/// dw (rows, Vectors vectors) = or += the sum, over `images` strips and `n` positions in each, of
/// runs (rows, n) . dout^T (n, Vectors vectors).
template <class T, class Arch, int Vectors>
EIGENGRAD_INLINE void conv_weight_tile(T* dw, Index ld, const T* __restrict strip, Index strip_size,
                                       const Index* offsets, const T* __restrict dout, Index images,
                                       Index n, Index rows, bool add) {
  using V = simd::Vec<T, Arch>;
  constexpr Index kLanes = simd::kLanes<T, Arch>;
  constexpr int kRows = static_cast<int>(GemmTile<T, Arch>::kRows);
  V sum[kRows][Vectors];
  const T* run[kRows];
  EIGENGRAD_UNROLL
  for (int i = 0; i < kRows; ++i) {
    run[i] = strip + offsets[std::min<Index>(i, rows - 1)];
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) sum[i][j] = V{};
  }
  for (Index image = 0; image < images; ++image) {
    for (Index p = 0; p < n; ++p, dout += ld) {
      V d[Vectors];
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) d[j] = simd::load<V>(dout + j * kLanes);
      EIGENGRAD_UNROLL
      for (int i = 0; i < kRows; ++i) {
        const V x = run[i][p] - V{};
        EIGENGRAD_UNROLL
        for (int j = 0; j < Vectors; ++j) sum[i][j] += x * d[j];
      }
    }
    EIGENGRAD_UNROLL
    for (int i = 0; i < kRows; ++i) run[i] += strip_size;
  }
  EIGENGRAD_UNROLL
  for (int i = 0; i < kRows; ++i) {
    if (i >= rows) continue;
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) {
      T* out = dw + i * ld + j * kLanes;
      simd::store<V>(out, add ? sum[i][j] + simd::load<V>(out) : sum[i][j]);
    }
  }
}

template <class T>
struct ConvWeightPass {
  const Window2d& window;
  const StripLayout& layout;
  T* partial;     // (chunks, C kh kw, padded)
  const T* x;     // (images, channels, pixels)
  const T* dout;  // (images, m, positions)
  Index images, m, padded, chunks, blocks;
};

/// Items [begin, end) of (chunk of images, block of channels): each a block of its partial sum.
template <class T>
struct ConvWeightBlocks {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const ConvWeightPass<T>* pass, Index begin, Index end) {
    const Window2d& w = pass->window;
    const StripLayout& layout = pass->layout;
    const Index most = std::max<Index>(1, kConvSum / (layout.band() * w.output.w));
    eigengrad::detail::Scratch<T> strips(most * layout.size());
    eigengrad::detail::Scratch<T> transposed(most * layout.band() * w.output.w * pass->padded);
    for (Index item = begin; item < end; ++item) {
      const Index chunk = item / pass->blocks;
      const Index c = item % pass->blocks * kConvChannels;
      const Index channels = std::min(kConvChannels, w.channels - c);
      T* dw = pass->partial + (chunk * w.channels + c) * w.taps() * pass->padded;
      const Index last = pass->images * (chunk + 1) / pass->chunks;
      bool add = false;
      for (Index image = pass->images * chunk / pass->chunks; image < last; image += most) {
        const Index images = std::min(most, last - image);
        for (Index first = 0; first < w.output.h; first += layout.band(), add = true) {
          const Index rows = std::min(layout.band(), w.output.h - first);
          const Index n = rows * w.output.w;
          for (Index i = 0; i < images; ++i) {
            layout.fill(strips.data() + i * layout.size(),
                        pass->x + ((image + i) * w.channels + c) * w.pixels(), channels, first,
                        rows);
            transpose_dout<Arch>(
                *pass, transposed.data() + i * n * pass->padded,
                pass->dout + (image + i) * pass->m * w.positions() + first * w.output.w, n);
          }
          multiply<Arch>(*pass, dw, strips.data(), transposed.data(), channels * w.taps(), images,
                         n, add);
        }
      }
    }
  }

 private:
  /// out (n, padded) = dout (m, n)^T, zeros after column m.
  template <class Arch>
  static EIGENGRAD_INLINE void transpose_dout(const ConvWeightPass<T>& pass, T* out, const T* dout,
                                              Index n) {
    Transpose<T>::template run<Arch>(out, pass.padded, dout, pass.window.positions(), pass.m, n);
    if (pass.m == pass.padded) return;
    for (Index p = 0; p < n; ++p) fill_zero(out + p * pass.padded + pass.m, pass.padded - pass.m);
  }

  template <class Arch>
  static EIGENGRAD_INLINE void multiply(const ConvWeightPass<T>& pass, T* dw, const T* strips,
                                        const T* dout, Index k, Index images, Index n, bool add) {
    constexpr Index kLanes = simd::kLanes<T, Arch>;
    constexpr Index kRows = GemmTile<T, Arch>::kRows;
    for (Index i = 0; i < k; i += kRows) {
      for (Index j = 0; j < pass.padded;) {
        const Index vectors = tile_vectors((pass.padded - j) / kLanes);
        auto tile = [&]<int Vectors>() EIGENGRAD_INLINE_LAMBDA {
          conv_weight_tile<T, Arch, Vectors>(dw + i * pass.padded + j, pass.padded, strips,
                                             pass.layout.size(), pass.layout.offsets() + i,
                                             dout + j, images, n, std::min(kRows, k - i), add);
        };
        if (vectors == 3) {
          tile.template operator()<3>();
        } else if (vectors == 2) {
          tile.template operator()<2>();
        } else {
          tile.template operator()<1>();
        }
        j += vectors * kLanes;
      }
    }
  }
};

/// dweight (m, k) = sum of partial (chunks, k, padded)^T, for columns [begin, end) of k.
template <class T>
struct ConvWeightSum {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dweight, T* partial, Index chunks, Index k, Index m,
                                   Index padded, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    const Index n = (end - begin) * padded;
    T* sum = partial + begin * padded;
    for (Index chunk = 1; chunk < chunks; ++chunk) {
      const T* add = sum + chunk * k * padded;
      for (Index i = 0; i < n; i += simd::kSize<V>) {
        simd::store<V>(sum + i, simd::load<V>(sum + i) + simd::load<V>(add + i));
      }
    }
    Transpose<T>::template run<Arch>(dweight + begin, k, sum, padded, end - begin, m);
  }
};

/// db[o] = sum of dout (images, m, positions) over images and positions, for o in [begin, end).
template <class T>
struct ConvBiasSum {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* db, const T* dout, Index images, Index m, Index positions,
                                   Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    for (Index o = begin; o < end; ++o) {
      simd::Accumulator<V> total;
      for (Index image = 0; image < images; ++image) {
        const T* d = dout + (image * m + o) * positions;
        simd::transform_singly<V>(
            positions, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.part(total) += at.load(d); });
      }
      db[o] = total.sum();
    }
  }
};

}  // namespace detail

/// dweight (m, channels, taps) from dout. The images are summed in a fixed number of chunks, and
/// these in order, so that the bits do not depend on the threads.
template <class T>
void conv2d_backward_weight(T* dweight, const T* dout, const T* x, Index images, Index m,
                            const Window2d& w) {
  const Index k = w.channels * w.taps();
  if (images == 0) return detail::fill_zero(dweight, m * k);
  if (m * k == 0) return;
  constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));
  constexpr Index kMostPositions = 1024;
  const Index padded = round_up(m, kLine);
  const Index chunks = std::min(detail::kConvChunks, images);
  const Index blocks = divide_up(w.channels, detail::kConvChannels);
  const detail::StripLayout layout(w, std::min(detail::kConvChannels, w.channels),
                                   std::max<Index>(1, kMostPositions / w.output.w));
  eigengrad::detail::Scratch<T> partial(chunks * k * padded);
  const detail::ConvWeightPass<T> pass{w,      layout, partial.data(), x,      dout,
                                       images, m,      padded,         chunks, blocks};
  parallel_for(chunks * blocks, 1, [&](Index begin, Index end) {
    simd::dispatch<detail::ConvWeightBlocks<T>>(&pass, begin, end);
  });
  parallel_for(k, kLine, [&](Index begin, Index end) {
    simd::dispatch<detail::ConvWeightSum<T>>(dweight, partial.data(), chunks, k, m, padded, begin,
                                             end);
  });
}

/// db (m) from dout.
template <class T>
void conv2d_backward_bias(T* db, const T* dout, Index images, Index m, Index positions) {
  parallel_for(m, row_grain(images * positions), [&](Index begin, Index end) {
    simd::dispatch<detail::ConvBiasSum<T>>(db, dout, images, m, positions, begin, end);
  });
}

EIGENGRAD_INSTANTIATE(void conv2d_backward_weight(float*, const float*, const float*, Index, Index,
                                                  const Window2d&))
EIGENGRAD_INSTANTIATE(void conv2d_backward_weight(double*, const double*, const double*, Index,
                                                  Index, const Window2d&))
EIGENGRAD_INSTANTIATE(void conv2d_backward_bias(float*, const float*, Index, Index, Index))
EIGENGRAD_INSTANTIATE(void conv2d_backward_bias(double*, const double*, Index, Index, Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
