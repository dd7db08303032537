// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/interpolate.hpp>
#include <eigengrad/kernels/window.hpp>
#include <eigengrad/ops/checks.hpp>

/// Images at another size, by nearest, bilinear or bicubic (a = -0.75) interpolation.
///
/// Output pixel i reads the input at (i + 1/2) in/out - 1/2, or at i (in - 1)/(out - 1) with
/// align_corners; kNearest at floor(i in/out). Beyond the border the last pixel repeats.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
/// with antialias=False.
namespace eigengrad {

struct InterpolateArguments {
  Interpolation mode = Interpolation::kBilinear;
  /// Lay the centres of the corner pixels, instead of their outer corners, on each other.
  bool align_corners = false;
};

namespace detail {

template <class T>
NdArray<T> interpolate_forward(const NdArray<T>& x, HeightWidth size,
                               const InterpolateArguments& arguments) {
  const Shape& s = x.shape();
  if (size == HeightWidth(s[2], s[3])) return x;  // every weight is 0 or 1
  NdArray<T> y({s[0], s[1], size.h, size.w});
  const auto [mode, align_corners] = arguments;
  kernels::interpolate(y.data(), x.data(), s[0] * s[1],
                       kernels::interpolate_taps<T>(mode, s[2], size.h, align_corners),
                       kernels::interpolate_taps<T>(mode, s[3], size.w, align_corners));
  return y;
}

/// dx (B, C, size) from dout (B, C, H', W').
template <class T>
NdArray<T> interpolate_backward(const NdArray<T>& dout, HeightWidth size,
                                const InterpolateArguments& arguments) {
  const Shape& s = dout.shape();
  if (size == HeightWidth(s[2], s[3])) return dout;
  NdArray<T> dx({s[0], s[1], size.h, size.w});
  const auto [mode, align_corners] = arguments;
  kernels::interpolate(
      dx.data(), dout.data(), s[0] * s[1],
      kernels::interpolate_taps<T>(mode, size.h, s[2], align_corners).transposed(),
      kernels::interpolate_taps<T>(mode, size.w, s[3], align_corners).transposed());
  return dx;
}

}  // namespace detail

/// x resized to `size`.
///
/// **Shapes** x (B, C, H, W), result (B, C, size.h, size.w). **Throws** ShapeError unless x has
/// four axes and at least one pixel; ValueError unless `size` is positive, or for align_corners
/// with kNearest.
template <class T>
Tensor<T> interpolate(const Tensor<T>& x, HeightWidth size,
                      const InterpolateArguments& arguments = {}) {
  detail::check_images("interpolate", x.shape());
  if (x.shape()[2] == 0 || x.shape()[3] == 0) {
    throw ShapeError(detail::concat("[interpolate] H and W must be positive: x ", x.shape()));
  }
  if (size.h < 1 || size.w < 1) {
    throw ValueError(detail::concat("[interpolate] size must be positive: ", size));
  }
  if (arguments.align_corners && arguments.mode == Interpolation::kNearest) {
    throw ValueError("[interpolate] align_corners needs kBilinear or kBicubic, mode is kNearest");
  }
  const HeightWidth from(x.shape()[2], x.shape()[3]);
  return make_result(
      "interpolate", detail::interpolate_forward(x.value(), size, arguments),
      [from, arguments](BackwardContext<T>& context) {
        context.accumulate(0, detail::interpolate_backward(context.dout(), from, arguments));
      },
      x);
}

}  // namespace eigengrad
