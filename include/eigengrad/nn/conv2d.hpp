// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/conv2d.hpp>

namespace eigengrad::nn {

struct Conv2dOptions {
  Index in_channels = 0;
  Index out_channels = 0;
  HeightWidth kernel = 1;
  HeightWidth stride = 1;
  HeightWidth padding = 0;
  HeightWidth dilation = 1;
  bool bias = true;
  InitOptions init = {};
};

/// Cross-correlation of images with a set of filters.
///
/// **Parameters** weight (O, C, kh, kw), bias (O).
/// **Shapes** x (B, C, H, W), result (B, O, H', W').
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
template <class T>
class Conv2d : public Module<T> {
 public:
  /// **Throws** ValueError unless the channels and the kernel are positive.
  Conv2d(const Conv2dOptions& options, Generator& rng) : Module<T>("Conv2d"), options_(options) {
    detail::check_positive("conv2d", {{"in_channels", options.in_channels},
                                      {"out_channels", options.out_channels},
                                      {"kernel.h", options.kernel.h},
                                      {"kernel.w", options.kernel.w}});
    const Shape shape{options.out_channels, options.in_channels, options.kernel.h,
                      options.kernel.w};
    weight_ = this->add_parameter("weight", init::make<T>(shape, options.init, rng),
                                  {ParameterKind::kConvolution});
    if (options.bias) {
      bias_ = this->add_parameter("bias", init::make_bias<T>(shape, options.init, rng),
                                  {ParameterKind::kBias});
    }
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return conv2d(
        x, weight_, bias_,
        {.stride = options_.stride, .padding = options_.padding, .dilation = options_.dilation});
  }

  const Tensor<T>& weight() const& { return weight_; }
  Tensor<T> weight() && { return weight_; }
  /// Undefined without a bias.
  const Tensor<T>& bias() const& { return bias_; }
  Tensor<T> bias() && { return bias_; }

 private:
  Conv2dOptions options_;
  Tensor<T> weight_;
  Tensor<T> bias_;
};

EIGENGRAD_INSTANTIATE(class Conv2d<float>)
EIGENGRAD_INSTANTIATE(class Conv2d<double>)

}  // namespace eigengrad::nn
