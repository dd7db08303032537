// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/unfold.hpp>
#include <eigengrad/kernels/window.hpp>
#include <eigengrad/ops/checks.hpp>

/// The windows of an image as columns, and their sum back into an image.
///
/// unfold: out[b, (c, i, j), (r, q)] = x[b, c, r s_h + i d_h - p_h, q s_w + j d_w - p_w], zero
/// outside x. fold is its transpose: each pixel is the sum of all window elements that cover it.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html
namespace eigengrad {

/// The window of `unfold` and `fold`; one number means the same for height and width.
struct UnfoldArguments {
  HeightWidth kernel;
  HeightWidth stride = 1;
  HeightWidth padding = 0;
  HeightWidth dilation = 1;
};

namespace detail {

template <class T>
NdArray<T> unfold_forward(const NdArray<T>& x, const kernels::Window2d& w) {
  NdArray<T> cols(Shape{x.dim(0), w.channels * w.taps(), w.positions()});
  kernels::unfold(cols.data(), x.data(), x.dim(0) * w.channels, w);
  return cols;
}

template <class T>
NdArray<T> fold_forward(const NdArray<T>& cols, const kernels::Window2d& w) {
  NdArray<T> x(Shape{cols.dim(0), w.channels, w.input.h, w.input.w});
  kernels::fold(x.data(), cols.data(), cols.dim(0) * w.channels, w);
  return x;
}

}  // namespace detail

/// The windows of each image as columns, channels and taps along axis 1.
///
/// **Shapes** x (B, C, H, W), result (B, C kh kw, L) with L = output height x output width.
/// **Throws** ShapeError, ValueError if the window does not fit x or has no size.
/// **Saves** nothing.
template <class T>
Tensor<T> unfold(const Tensor<T>& x, const UnfoldArguments& arguments) {
  detail::check_images("unfold", x.shape());
  const kernels::Window2d w =
      kernels::make_window("unfold", x.dim(1), {x.dim(2), x.dim(3)}, arguments.kernel,
                           arguments.stride, arguments.padding, arguments.dilation);
  return make_result(
      "unfold", detail::unfold_forward(x.value(), w),
      [w](BackwardContext<T>& context) {
        context.accumulate(0, detail::fold_forward(context.dout(), w));
      },
      x);
}

/// The sum of columns, as `unfold` makes them, in an image of size `output_size`.
///
/// **Shapes** cols (B, C kh kw, L), result (B, C, output_size.h, output_size.w).
/// **Throws** ShapeError, ValueError if the columns are not those of such an image.
/// **Saves** nothing.
template <class T>
Tensor<T> fold(const Tensor<T>& cols, const HeightWidth& output_size,
               const UnfoldArguments& arguments) {
  const Shape& shape = cols.shape();
  if (shape.rank() != 3) {
    throw ShapeError(
        detail::concat("[fold] the columns must have axes (B, C kh kw, L): cols ", shape));
  }
  kernels::Window2d w =
      kernels::make_window("fold", 0, output_size, arguments.kernel, arguments.stride,
                           arguments.padding, arguments.dilation);
  if (shape[1] % w.taps() != 0 || shape[2] != w.positions()) {
    throw ShapeError(detail::concat("[fold] the columns must be (B, C * ", w.taps(), ", ",
                                    w.positions(), ") for output size ", output_size, ", kernel ",
                                    arguments.kernel, ": cols ", shape));
  }
  w.channels = shape[1] / w.taps();
  return make_result(
      "fold", detail::fold_forward(cols.value(), w),
      [w](BackwardContext<T>& context) {
        context.accumulate(0, detail::unfold_forward(context.dout(), w));
      },
      cols);
}

}  // namespace eigengrad
