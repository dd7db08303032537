// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/softmax.hpp>

/// The ways from tokens to one vector.
namespace eigengrad::models {

enum class Pooling {
  kClassToken,  ///< the first token, which is learned
  kMean,        ///< the mean of the tokens
  kFlatten,     ///< all of them, one after the other
  kSequence,    ///< a learned weighted mean, `SequencePooling`
};

inline std::span<const char* const> enum_names(Pooling) {
  static constexpr const char* kNames[] = {"class_token", "mean", "flatten", "sequence"};
  return kNames;
}

struct SequencePoolingOptions {
  Index dim = 0;
  nn::InitOptions init = {};
};

/// sum_t softmax_t(x_t . weight + bias) x_t.
///
/// **Parameters** weight (1, C), bias (1).
/// **Shapes** x (B, T, C), result (B, C).
/// **Source** A. Hassani et al., "Escaping the big data paradigm with compact transformers", 2021.
template <class T>
class SequencePooling : public nn::Module<T> {
 public:
  /// **Throws** ValueError unless dim is positive.
  SequencePooling(const SequencePoolingOptions& options, Generator& rng)
      : nn::Module<T>("SequencePooling") {
    if (options.dim < 1) {
      throw ValueError(detail::concat("[sequence_pooling] dim must be positive: ", options.dim));
    }
    const Shape shape{1, options.dim};
    weight_ = this->add_parameter("weight", nn::init::make<T>(shape, options.init, rng),
                                  {ParameterKind::kWeight});
    bias_ = this->add_parameter("bias", nn::init::make_bias<T>(shape, options.init, rng),
                                {ParameterKind::kBias});
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    const Tensor<T> share = weights(x);
    return reshape(matmul(reshape(share, {x.dim(0), 1, x.dim(1)}), x), {x.dim(0), x.dim(2)});
  }

  /// The share of each token in the mean. **Shapes** x (B, T, C), result (B, T).
  Tensor<T> weights(const Tensor<T>& x) const {
    if (x.rank() != 3) {
      throw ShapeError(
          detail::concat("[sequence_pooling] tokens must have axes (B, T, C): x ", x.shape()));
    }
    return softmax(reshape(linear(x, weight_, bias_), {x.dim(0), x.dim(1)}), -1);
  }

 private:
  Tensor<T> weight_;
  Tensor<T> bias_;
};

EIGENGRAD_INSTANTIATE(class SequencePooling<float>)
EIGENGRAD_INSTANTIATE(class SequencePooling<double>)

}  // namespace eigengrad::models
