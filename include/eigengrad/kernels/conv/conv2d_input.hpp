// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/conv/conv2d.hpp>

/// Gradient of convolution with respect to its input.
namespace eigengrad::kernels {

namespace detail {

/// With stride 1 the gradient of the input is again a convolution: of dout, with each filter
/// rotated by 180 degrees and its two channel axes exchanged.
template <class T>
void conv2d_input_by_conv(T* dx, const T* dout, const T* weight, Index images, Index m,
                          const Window2d& w) {
  const Index taps = w.taps();
  eigengrad::detail::Scratch<T> rotated(w.channels * m * taps);
  parallel_for(w.channels, row_grain(m * taps), [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      for (Index o = 0; o < m; ++o) {
        std::reverse_copy(weight + (o * w.channels + c) * taps,
                          weight + (o * w.channels + c + 1) * taps,
                          rotated.data() + (c * m + o) * taps);
      }
    }
  });
  Window2d back = w;
  back.channels = m;
  std::swap(back.input, back.output);
  back.padding = HeightWidth(w.dilation.h * (w.kernel.h - 1) - w.padding.h,
                             w.dilation.w * (w.kernel.w - 1) - w.padding.w);
  conv2d<T>(dx, dout, rotated.data(), nullptr, images, w.channels, back);
}

/// Otherwise: the columns' gradient, some rows of one image at a time, folded back.
template <class T>
void conv2d_input_by_fold(T* dx, const T* dout, const T* weight, Index images, Index m,
                          const Window2d& w) {
  const Index k = w.channels * w.taps();
  const Index fit = kStripElements / std::max<Index>(1, k * w.output.w);
  const Index band = std::min(w.output.h, std::max(fit, divide_up(64, w.output.w)));
  parallel_for(images, 1, [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> cols(k * band * w.output.w);
    for (Index image = begin; image < end; ++image) {
      T* planes = dx + image * w.channels * w.pixels();
      fill_zero(planes, w.channels * w.pixels());
      for (Index first = 0; first < w.output.h; first += band) {
        const Index rows = std::min(band, w.output.h - first);
        // dcols (C kh kw, n) = weight^T (C kh kw, O) . dout (O, n)
        Gemm<T> g;
        g.m = k;
        g.n = rows * w.output.w;
        g.k = m;
        g.a = weight;
        g.lda = k;
        g.transpose_a = true;
        g.b = dout + image * m * w.positions() + first * w.output.w;
        g.ldb = w.positions();
        g.c = cols.data();
        g.ldc = g.n;
        gemm(g);
        for (Index row = 0; row < k; ++row) {
          const Index tap = row % w.taps();
          fold_plane<T>(planes + row / w.taps() * w.pixels(), cols.data() + row * g.n, w.input,
                        tap_grid(w, tap / w.kernel.w, tap % w.kernel.w, first, rows));
        }
      }
    }
  });
}

}  // namespace detail

/// dx (images, channels, pixels) from dout (images, m, positions).
template <class T>
void conv2d_backward_input(T* dx, const T* dout, const T* weight, Index images, Index m,
                           const Window2d& w) {
  if (w.stride == HeightWidth(1)) {
    detail::conv2d_input_by_conv(dx, dout, weight, images, m, w);
  } else {
    detail::conv2d_input_by_fold(dx, dout, weight, images, m, w);
  }
}

EIGENGRAD_INSTANTIATE(void conv2d_backward_input(float*, const float*, const float*, Index, Index,
                                                 const Window2d&))
EIGENGRAD_INSTANTIATE(void conv2d_backward_input(double*, const double*, const double*, Index,
                                                 Index, const Window2d&))

}  // namespace eigengrad::kernels
