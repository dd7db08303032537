// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/window.hpp>

/// Means of windows whose number is given instead of their size.
namespace eigengrad::kernels {

namespace detail {

/// Calls f(flat position of the window, i, j, rows, cols) for each of the `output` windows of a
/// plane, which begins at row i and column j.
template <class F>
void for_each_adaptive_window(const HeightWidth& input, const HeightWidth& output, F f) {
  for (Index r = 0; r < output.h; ++r) {
    const Index i = r * input.h / output.h;
    const Index rows = divide_up((r + 1) * input.h, output.h) - i;
    for (Index q = 0; q < output.w; ++q) {
      const Index j = q * input.w / output.w;
      f(r * output.w + q, i, j, rows, divide_up((q + 1) * input.w, output.w) - j);
    }
  }
}

}  // namespace detail

/// y (planes, output) = the means of the windows of x (planes, input).
template <class T>
void adaptive_avg_pool2d(T* y, const T* x, Index planes, const HeightWidth& input,
                         const HeightWidth& output) {
  const Index pixels = input.h * input.w;
  parallel_for(planes, row_grain(pixels), [&](Index begin, Index end) {
    for (Index plane = begin; plane < end; ++plane) {
      const T* from = x + plane * pixels;
      T* to = y + plane * output.h * output.w;
      detail::for_each_adaptive_window(input, output,
                                       [&](Index at, Index i, Index j, Index rows, Index cols) {
                                         T sum = 0;
                                         for (Index r = i; r < i + rows; ++r) {
                                           for (Index q = j; q < j + cols; ++q)
                                             sum += from[r * input.w + q];
                                         }
                                         to[at] = sum / static_cast<T>(rows * cols);
                                       });
    }
  });
}

/// dx (planes, input) from dout (planes, output).
template <class T>
void adaptive_avg_pool2d_backward(T* dx, const T* dout, Index planes, const HeightWidth& input,
                                  const HeightWidth& output) {
  const Index pixels = input.h * input.w;
  parallel_for(planes, row_grain(pixels), [&](Index begin, Index end) {
    std::fill(dx + begin * pixels, dx + end * pixels, T(0));
    for (Index plane = begin; plane < end; ++plane) {
      T* to = dx + plane * pixels;
      const T* from = dout + plane * output.h * output.w;
      detail::for_each_adaptive_window(input, output,
                                       [&](Index at, Index i, Index j, Index rows, Index cols) {
                                         const T share = from[at] / static_cast<T>(rows * cols);
                                         for (Index r = i; r < i + rows; ++r) {
                                           for (Index q = j; q < j + cols; ++q)
                                             to[r * input.w + q] += share;
                                         }
                                       });
    }
  });
}

}  // namespace eigengrad::kernels
