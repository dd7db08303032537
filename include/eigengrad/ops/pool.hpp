// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/adaptive_avg_pool.hpp>
#include <eigengrad/kernels/avg_pool.hpp>
#include <eigengrad/kernels/max_pool.hpp>
#include <eigengrad/kernels/window.hpp>
#include <eigengrad/ops/checks.hpp>

/// The maximum, or the mean, of the windows of each channel.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
namespace eigengrad {

/// One number means the same for height and width.
struct MaxPool2dArguments {
  HeightWidth kernel;
  HeightWidth stride = 0;  ///< 0 means the kernel's size: windows that touch
  HeightWidth padding = 0;
};

/// One number means the same for height and width.
struct AvgPool2dArguments {
  HeightWidth kernel;
  HeightWidth stride = 0;  ///< 0 means the kernel's size: windows that touch
  HeightWidth padding = 0;
  bool count_include_pad = true;  ///< whether zeros of the padding count in the mean
};

namespace detail {

/// Checks what both kinds of pooling ask of `x` and of their window.
inline kernels::Window2d pool_window(const char* op, const Shape& x, const HeightWidth& kernel,
                                     const HeightWidth& stride, const HeightWidth& padding) {
  check_images(op, x);
  kernels::Window2d w =
      kernels::make_window(op, x[1], {x[2], x[3]}, kernel,
                           stride == HeightWidth(0) ? kernel : stride, padding, HeightWidth(1));
  if (2 * padding.h > kernel.h || 2 * padding.w > kernel.w) {
    throw ValueError(concat("[", op, "] padding must be at most half the kernel: padding ", padding,
                            ", kernel ", kernel));
  }
  if (w.pixels() == 0 || w.pixels() > std::numeric_limits<std::int32_t>::max()) {
    throw ShapeError(concat("[", op, "] a channel must have from 1 to 2147483647 pixels: x ", x));
  }
  if (w.output.w == 1) w.stride.w = 1;  // no second column: kernels need no room for the stride
  return w;
}

inline Shape pooled_shape(const Shape& x, const kernels::Window2d& w) {
  return Shape{x[0], x[1], w.output.h, w.output.w};
}

template <class T>
NdArray<T> max_pool2d_backward(const NdArray<T>& dout, const NdArray<std::int32_t>& index,
                               const Shape& x, const kernels::Window2d& w) {
  NdArray<T> dx(x);
  kernels::max_pool2d_backward(dx.data(), dout.data(), index.data(), x[0] * x[1], w);
  return dx;
}

template <class T>
NdArray<T> avg_pool2d_forward(const NdArray<T>& x, const kernels::Window2d& w, bool with_padding) {
  NdArray<T> y(pooled_shape(x.shape(), w));
  kernels::avg_pool2d(y.data(), x.data(), x.dim(0) * x.dim(1), w, with_padding);
  return y;
}

template <class T>
NdArray<T> avg_pool2d_backward(const NdArray<T>& dout, const Shape& x, const kernels::Window2d& w,
                               bool with_padding) {
  NdArray<T> dx(x);
  kernels::avg_pool2d_backward(dx.data(), dout.data(), x[0] * x[1], w, with_padding);
  return dx;
}

}  // namespace detail

/// The maximum of each window. Padding counts as -inf, NaN propagates, and of equal maxima the
/// first receives the gradient.
///
/// **Shapes** x (B, C, H, W), result (B, C, (H + 2 p_h - kh) / s_h + 1, the same of W).
/// **Throws** ShapeError, ValueError if the window does not fit x, or padding exceeds half of it.
/// **Saves** the place of each maximum, 4 bytes per element of the result.
template <class T>
Tensor<T> max_pool2d(const Tensor<T>& x, const MaxPool2dArguments& arguments) {
  const kernels::Window2d w = detail::pool_window("max_pool2d", x.shape(), arguments.kernel,
                                                  arguments.stride, arguments.padding);
  const Shape shape = detail::pooled_shape(x.shape(), w);
  NdArray<T> y(shape);
  NdArray<std::int32_t> index;
  if (detail::records(x)) index = NdArray<std::int32_t>(shape);
  kernels::max_pool2d(y.data(), index.data(), x.value().data(), shape[0] * shape[1], w);
  return make_result(
      "max_pool2d", std::move(y),
      [index, from = x.shape(), w](BackwardContext<T>& context) {
        context.accumulate(0, detail::max_pool2d_backward(context.dout(), index, from, w));
      },
      x);
}

/// The mean of each window.
///
/// **Shapes** x (B, C, H, W), result (B, C, (H + 2 p_h - kh) / s_h + 1, the same of W).
/// **Throws** ShapeError, ValueError if the window does not fit x, or padding exceeds half of it.
/// **Saves** nothing.
template <class T>
Tensor<T> avg_pool2d(const Tensor<T>& x, const AvgPool2dArguments& arguments) {
  const kernels::Window2d w = detail::pool_window("avg_pool2d", x.shape(), arguments.kernel,
                                                  arguments.stride, arguments.padding);
  const bool with_padding = arguments.count_include_pad;
  return make_result(
      "avg_pool2d", detail::avg_pool2d_forward(x.value(), w, with_padding),
      [from = x.shape(), w, with_padding](BackwardContext<T>& context) {
        context.accumulate(0, detail::avg_pool2d_backward(context.dout(), from, w, with_padding));
      },
      x);
}

/// The mean of each of H' x W' windows that cover x evenly: window i of an axis of n elements is
/// [floor(i n / n'), ceil((i + 1) n / n')), so that neighbours overlap where n' does not divide n.
/// `output` (1, 1) is the mean of each channel.
///
/// **Shapes** x (B, C, H, W), result (B, C, H', W').
/// **Throws** ShapeError if x has other axes or no pixels, ValueError unless `output` is positive.
/// **Saves** nothing.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
template <class T>
Tensor<T> adaptive_avg_pool2d(const Tensor<T>& x, const HeightWidth& output) {
  const Shape from = x.shape();
  detail::check_images("adaptive_avg_pool2d", from);
  kernels::detail::check_window("adaptive_avg_pool2d", "output", output, 1);
  if (from[2] == 0 || from[3] == 0) {
    throw ShapeError(detail::concat("[adaptive_avg_pool2d] a channel must have pixels: x ", from));
  }
  if (from[2] % output.h == 0 && from[3] % output.w == 0) {
    return avg_pool2d(x, {.kernel = {from[2] / output.h, from[3] / output.w}});
  }
  const HeightWidth input(from[2], from[3]);
  const Index planes = from[0] * from[1];
  NdArray<T> y(Shape{from[0], from[1], output.h, output.w});
  kernels::adaptive_avg_pool2d(y.data(), x.value().data(), planes, input, output);
  return make_result(
      "adaptive_avg_pool2d", std::move(y),
      [from, planes, input, output](BackwardContext<T>& context) {
        NdArray<T> dx(from);
        kernels::adaptive_avg_pool2d_backward(dx.data(), context.dout().data(), planes, input,
                                              output);
        context.accumulate(0, std::move(dx));
      },
      x);
}

EIGENGRAD_INSTANTIATE(Tensor<float> max_pool2d(const Tensor<float>&, const MaxPool2dArguments&))
EIGENGRAD_INSTANTIATE(Tensor<double> max_pool2d(const Tensor<double>&, const MaxPool2dArguments&))

}  // namespace eigengrad
