// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/conv/conv2d.hpp>
#include <eigengrad/kernels/conv/conv2d_input.hpp>
#include <eigengrad/kernels/conv/conv2d_weight.hpp>
#include <eigengrad/kernels/window.hpp>
#include <eigengrad/ops/checks.hpp>

/// Convolution of images: y[b, o, r, q] = bias[o] + sum over (c, i, j) of
/// weight[o, c, i, j] x[b, c, r s_h + i d_h - p_h, q s_w + j d_w - p_w], with zeros outside x.
///
/// It is weight (O, C kh kw) . unfold(x), without the columns in memory.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html
namespace eigengrad {

/// One number means the same for height and width.
struct Conv2dArguments {
  HeightWidth stride = 1;
  HeightWidth padding = 0;
  HeightWidth dilation = 1;
};

namespace detail {

template <class T>
NdArray<T> conv2d_forward(const NdArray<T>& x, const NdArray<T>& weight, const NdArray<T>& bias,
                          const kernels::Window2d& w) {
  NdArray<T> y(Shape{x.dim(0), weight.dim(0), w.output.h, w.output.w});
  kernels::conv2d<T>(y.data(), x.data(), weight.data(), bias.defined() ? bias.data() : nullptr,
                     x.dim(0), weight.dim(0), w);
  return y;
}

/// Each element of y is a product with the taps of one filter.
inline double conv2d_macs(const Shape& y, const Shape& weight) {
  return static_cast<double>(y.numel()) * static_cast<double>(numel_between(weight, 1, 4));
}

template <class T>
void conv2d_backward(BackwardContext<T>& context, const NdArray<T>& x, const NdArray<T>& weight,
                     const kernels::Window2d& w) {
  const NdArray<T>& dout = context.dout();
  const Index images = x.dim(0);
  const Index m = weight.dim(0);
  const double macs = conv2d_macs(dout.shape(), weight.shape());
  if (context.needs(0)) {
    context.count_macs(macs);
    NdArray<T> dx(x.shape());
    kernels::conv2d_backward_input(dx.data(), dout.data(), weight.data(), images, m, w);
    context.accumulate(0, std::move(dx));
  }
  if (context.needs(1)) {
    context.count_macs(macs);
    NdArray<T> dweight(weight.shape());
    kernels::conv2d_backward_weight(dweight.data(), dout.data(), x.data(), images, m, w);
    context.accumulate(1, std::move(dweight));
  }
  if (context.needs(2)) {
    NdArray<T> db(Shape{m});
    kernels::conv2d_backward_bias(db.data(), dout.data(), images, m, w.positions());
    context.accumulate(2, std::move(db));
  }
}

}  // namespace detail

/// Convolution of each image with the filters in `weight`.
///
/// **Shapes** x (B, C, H, W), weight (O, C, kh, kw), bias (O) or undefined,
/// result (B, O, (H + 2 p_h - d_h (kh - 1) - 1) / s_h + 1, the same of W).
/// **Throws** ShapeError, ValueError if the shapes do not belong together or an option is out of
/// range. **Saves** x and weight.
template <class T>
Tensor<T> conv2d(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {},
                 const Conv2dArguments& arguments = {}) {
  detail::check_images("conv2d", x.shape());
  const Shape& filter = weight.shape();
  if (filter.rank() != 4) {
    throw ShapeError(detail::concat("[conv2d] weight must be (O, C, kh, kw): weight ", filter));
  }
  if (filter[1] != x.dim(1)) {
    throw ShapeError(detail::concat("[conv2d] the filters are for ", filter[1], " channels, x has ",
                                    x.dim(1), ": x ", x.shape(), ", weight ", filter));
  }
  if (bias.defined() && !(bias.shape() == Shape{filter[0]})) {
    throw ShapeError(detail::concat("[conv2d] bias must have one value per filter: bias ",
                                    bias.shape(), ", weight ", filter));
  }
  const kernels::Window2d w =
      kernels::make_window("conv2d", filter[1], {x.dim(2), x.dim(3)}, {filter[2], filter[3]},
                           arguments.stride, arguments.padding, arguments.dilation);
  NdArray<T> y = detail::conv2d_forward(x.value(), weight.value(),
                                        bias.defined() ? bias.value() : NdArray<T>(), w);
  const double macs = detail::conv2d_macs(y.shape(), filter);
  return make_result(
      {"conv2d", macs}, std::move(y),
      [x = x.value(), weight = weight.value(), w](BackwardContext<T>& context) {
        detail::conv2d_backward(context, x, weight, w);
      },
      x, weight, bias);
}

EIGENGRAD_INSTANTIATE(Tensor<float> conv2d(const Tensor<float>&, const Tensor<float>&,
                                           const Tensor<float>&, const Conv2dArguments&))
EIGENGRAD_INSTANTIATE(Tensor<double> conv2d(const Tensor<double>&, const Tensor<double>&,
                                            const Tensor<double>&, const Conv2dArguments&))

}  // namespace eigengrad
