// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/linear.hpp>

namespace eigengrad::nn {

struct LinearOptions {
  Index in_features = 0;
  Index out_features = 0;
  bool bias = true;
  /// Applied to the result by the same kernel.
  Activation activation = Activation::kNone;
  InitOptions init = {};
};

/// act(x weight^T + bias) over the last axis.
///
/// **Parameters** weight (out, in), bias (out).
/// **Shapes** x (..., in), result (..., out).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
template <class T>
class Linear : public Module<T> {
 public:
  /// **Throws** ValueError unless both sizes are positive.
  Linear(const LinearOptions& options, Generator& rng)
      : Module<T>("Linear"), activation_(options.activation) {
    detail::check_positive(
        "linear", {{"in_features", options.in_features}, {"out_features", options.out_features}});
    const Shape shape{options.out_features, options.in_features};
    weight_ = this->add_parameter("weight", init::make<T>(shape, options.init, rng),
                                  {ParameterKind::kWeight});
    if (options.bias) {
      bias_ = this->add_parameter("bias", init::make_bias<T>(shape, options.init, rng),
                                  {ParameterKind::kBias});
    }
  }

  /// `residual` (..., out), if defined, is added to the result by the same kernel.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    return linear(x, weight_, bias_, {.activation = activation_, .residual = residual});
  }

  const Tensor<T>& weight() const& { return weight_; }
  Tensor<T> weight() && { return weight_; }
  /// Undefined without a bias.
  const Tensor<T>& bias() const& { return bias_; }
  Tensor<T> bias() && { return bias_; }

 private:
  Activation activation_;
  Tensor<T> weight_;
  Tensor<T> bias_;
};

EIGENGRAD_INSTANTIATE(class Linear<float>)
EIGENGRAD_INSTANTIATE(class Linear<double>)

}  // namespace eigengrad::nn
