// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/layer_norm.hpp>
#include <eigengrad/ops/rms_norm.hpp>

namespace eigengrad::nn {

struct LayerNormOptions {
  /// Size of the last axis, which is normalised.
  Index dim = 0;
  double eps = 1e-5;
  /// Whether it has a weight and a bias.
  bool affine = true;
};

/// (x - mean) / sqrt(variance + eps) weight + bias over the last axis.
///
/// **Parameters** weight (C) of ones, bias (C) of zeros.
/// **Shapes** x (..., C), result (..., C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
template <class T>
class LayerNorm : public Module<T> {
 public:
  /// **Throws** ValueError unless dim is positive.
  explicit LayerNorm(const LayerNormOptions& options) : Module<T>("LayerNorm"), options_(options) {
    detail::check_positive("layer_norm", {{"dim", options.dim}});
    if (!options.affine) return;
    const Shape shape{options.dim};
    weight_ = this->add_parameter("weight", NdArray<T>::ones(shape), {ParameterKind::kNorm});
    bias_ = this->add_parameter("bias", NdArray<T>::zeros(shape), {ParameterKind::kNorm});
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return layer_norm(x, weight_, bias_, options_.eps);
  }

 private:
  LayerNormOptions options_;
  Tensor<T> weight_;
  Tensor<T> bias_;
};

struct RMSNormOptions {
  /// Size of the last axis, which is normalised.
  Index dim = 0;
  double eps = 1e-6;
};

/// x / sqrt(mean(x^2) + eps) weight over the last axis.
///
/// **Parameters** weight (C) of ones.
/// **Shapes** x (..., C), result (..., C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
template <class T>
class RMSNorm : public Module<T> {
 public:
  /// **Throws** ValueError unless dim is positive.
  explicit RMSNorm(const RMSNormOptions& options) : Module<T>("RMSNorm"), eps_(options.eps) {
    detail::check_positive("rms_norm", {{"dim", options.dim}});
    weight_ =
        this->add_parameter("weight", NdArray<T>::ones({options.dim}), {ParameterKind::kNorm});
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return rms_norm(x, weight_, eps_);
  }

 private:
  double eps_;
  Tensor<T> weight_;
};

EIGENGRAD_INSTANTIATE(class LayerNorm<float>)
EIGENGRAD_INSTANTIATE(class LayerNorm<double>)

}  // namespace eigengrad::nn
