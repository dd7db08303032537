// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad {

/// A height and a width; `HeightWidth p = 3` means (3, 3).
struct HeightWidth {
  Index h = 0;
  Index w = 0;

  constexpr HeightWidth() = default;
  constexpr HeightWidth(Index both) : h(both), w(both) {}  // NOLINT: implicit by intent
  constexpr HeightWidth(Index height, Index width) : h(height), w(width) {}

  friend constexpr bool operator==(const HeightWidth&, const HeightWidth&) = default;
  std::string str() const { return detail::concat("(", h, ", ", w, ")"); }
};

/// Windows that slide over an image: unfold, convolution and pooling.
namespace kernels {

/// Sizes of a sliding window and of what it slides over. Tap (i, j) of the window at (r, q) reads
/// x[r * stride.h + i * dilation.h - padding.h][q * stride.w + j * dilation.w - padding.w].
struct Window2d {
  Index channels = 0;
  HeightWidth input;
  HeightWidth kernel;
  HeightWidth stride;
  HeightWidth padding;
  HeightWidth dilation;
  HeightWidth output;

  Index pixels() const { return input.h * input.w; }
  Index taps() const { return kernel.h * kernel.w; }
  Index positions() const { return output.h * output.w; }
};

namespace detail {

/// Up to this a product of two sizes does not overflow.
inline constexpr Index kLargestWindow = Index{1} << 30;

inline void check_window(const char* op, const char* name, const HeightWidth& value, Index least) {
  using eigengrad::detail::concat;
  if (std::min(value.h, value.w) < least) {
    throw ValueError(concat("[", op, "] ", name, " must ",
                            least > 0 ? "be positive: " : "not be negative: ", name, " ", value));
  }
  if (std::max(value.h, value.w) > kLargestWindow) {
    throw ValueError(
        concat("[", op, "] ", name, " must be at most ", kLargestWindow, ": ", name, " ", value));
  }
}

}  // namespace detail

/// The window with its output size, (input + 2 padding - dilation (kernel - 1) - 1) / stride + 1
/// rounded down. **Throws** ValueError for a value out of range; ShapeError when the kernel does
/// not fit into the padded input, or all windows together have more than 2^48 elements.
inline Window2d make_window(const char* op, Index channels, const HeightWidth& input,
                            const HeightWidth& kernel, const HeightWidth& stride,
                            const HeightWidth& padding, const HeightWidth& dilation) {
  detail::check_window(op, "kernel", kernel, 1);
  detail::check_window(op, "stride", stride, 1);
  detail::check_window(op, "padding", padding, 0);
  detail::check_window(op, "dilation", dilation, 1);
  detail::check_window(op, "input size", input, 0);
  const Index spare_h = input.h + 2 * padding.h - dilation.h * (kernel.h - 1) - 1;
  const Index spare_w = input.w + 2 * padding.w - dilation.w * (kernel.w - 1) - 1;
  if (spare_h < 0 || spare_w < 0) {
    throw ShapeError(eigengrad::detail::concat(
        "[", op, "] the kernel must fit into the padded input: kernel ", kernel, ", dilation ",
        dilation, ", input ", input, ", padding ", padding));
  }
  const HeightWidth output(spare_h / stride.h + 1, spare_w / stride.w + 1);
  const double columns =
      double(channels) * double(kernel.h) * double(kernel.w) * double(output.h) * double(output.w);
  if (columns > 0x1p48) {
    throw ShapeError(eigengrad::detail::concat(
        "[", op, "] the windows have too many elements: ", "kernel ", kernel, ", output ", output));
  }
  return {channels, input, kernel, stride, padding, dilation, output};
}

}  // namespace kernels
}  // namespace eigengrad
