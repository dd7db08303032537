// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/arithmetic.hpp>

namespace eigengrad::nn {

struct LayerScaleOptions {
  Index dim = 0;
  /// First value of every factor.
  double init = 1e-5;
};

/// Multiplies each channel by a learned factor: on a residual branch, with a small first value, the
/// layer begins close to the identity.
///
/// **Parameters** gamma (C), named as timm's. **Shapes** x (..., C), result (..., C).
/// **Source** H. Touvron et al., "Going deeper with image transformers", 2021.
template <class T>
class LayerScale : public Module<T> {
 public:
  /// **Throws** ValueError unless dim is positive.
  explicit LayerScale(const LayerScaleOptions& options) : Module<T>("LayerScale") {
    if (options.dim < 1) {
      throw ValueError(detail::concat("[layer_scale] dim must be positive: ", options.dim));
    }
    gamma_ =
        this->add_parameter("gamma", NdArray<T>::full({options.dim}, static_cast<T>(options.init)),
                            {ParameterKind::kScale});
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return x * gamma_;
  }

  const Tensor<T>& gamma() const& { return gamma_; }
  Tensor<T> gamma() && { return gamma_; }

 private:
  Tensor<T> gamma_;
};

EIGENGRAD_INSTANTIATE(class LayerScale<float>)
EIGENGRAD_INSTANTIATE(class LayerScale<double>)

}  // namespace eigengrad::nn
