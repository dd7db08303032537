// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/window.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/pool.hpp>

/// Pooling of images as layers, for `Sequential`.
namespace eigengrad::nn {

using MaxPool2dOptions = MaxPool2dArguments;
using AvgPool2dOptions = AvgPool2dArguments;

/// The maximum of each window.
///
/// **Shapes** x (B, C, H, W), result (B, C, H', W').
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
template <class T>
class MaxPool2d : public Module<T> {
 public:
  explicit MaxPool2d(const MaxPool2dOptions& options) : Module<T>("MaxPool2d"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return max_pool2d(x, options_);
  }

 private:
  MaxPool2dOptions options_;
};

/// The mean of each window.
///
/// **Shapes** x (B, C, H, W), result (B, C, H', W').
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
template <class T>
class AvgPool2d : public Module<T> {
 public:
  explicit AvgPool2d(const AvgPool2dOptions& options) : Module<T>("AvgPool2d"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return avg_pool2d(x, options_);
  }

 private:
  AvgPool2dOptions options_;
};

struct AdaptiveAvgPool2dOptions {
  /// How many windows; one number means the same for height and width.
  HeightWidth output = 1;
};

/// The mean of each of a given number of windows that cover the image evenly.
///
/// **Shapes** x (B, C, H, W), result (B, C, H', W').
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
template <class T>
class AdaptiveAvgPool2d : public Module<T> {
 public:
  explicit AdaptiveAvgPool2d(const AdaptiveAvgPool2dOptions& options = {})
      : Module<T>("AdaptiveAvgPool2d"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return adaptive_avg_pool2d(x, options_.output);
  }

 private:
  AdaptiveAvgPool2dOptions options_;
};

}  // namespace eigengrad::nn
