// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optional>

#include <eigengrad/core/error.hpp>
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/layer_scale.hpp>
#include <eigengrad/nn/mlp.hpp>

/// What the layers of a transformer are made of, an encoder's and a decoder's alike.
namespace eigengrad {

namespace nn {

struct TransformerLayerOptions {
  /// Width of the tokens.
  Index dim = 0;
  Index heads = 0;
  /// Width of a head; 0 means dim / heads.
  Index head_dim = 0;
  /// Width of the hidden layer as a multiple of dim.
  double mlp_ratio = 4;
  Activation activation = Activation::kGelu;
  /// Apply the activation to the MLP's result too, not to its hidden layer alone.
  bool activate_output = false;
  /// Normalise each branch's input (pre-norm) rather than the sum after it (post-norm).
  bool norm_first = true;
  bool qkv_bias = true;
  /// Locality self-attention: each head learns the scale of its scores, and no token attends to
  /// itself.
  bool locality = false;
  /// Probability of dropout on each branch and in the hidden layer.
  double dropout = 0;
  /// Probability of dropout on the attention weights.
  double attention_dropout = 0;
  /// Probability that a sample skips a branch.
  double stochastic_depth = 0;
  /// What the norms add to a variance; unset means 1e-5, in a model the model's own.
  std::optional<double> norm_eps = std::nullopt;
  InitOptions init = {};
  /// Factor of the first weights of the branches' last products (attn.proj, mlp.fc2); 0 makes the
  /// layer begin as the identity (pre-norm).
  double output_scale = 1;
  /// First value of a learned factor for each channel of each branch (LayerScale); unset means
  /// none.
  std::optional<double> layer_scale = std::nullopt;
};

template <class Visit>
void visit_fields(TransformerLayerOptions& o, Visit&& visit) {
  visit("dim", o.dim);
  visit("heads", o.heads);
  visit("head_dim", o.head_dim);
  visit("mlp_ratio", o.mlp_ratio);
  visit("activation", o.activation);
  visit("activate_output", o.activate_output, true);
  visit("norm_first", o.norm_first);
  visit("qkv_bias", o.qkv_bias);
  visit("locality", o.locality);
  visit("dropout", o.dropout);
  visit("attention_dropout", o.attention_dropout);
  visit("stochastic_depth", o.stochastic_depth);
  visit("norm_eps", o.norm_eps);
  visit("init", o.init);
  visit("output_scale", o.output_scale);
  visit("layer_scale", o.layer_scale);
}

}  // namespace nn

namespace detail {

inline nn::LayerNormOptions norm_of(const nn::TransformerLayerOptions& options) {
  return {options.dim, options.norm_eps.value_or(nn::LayerNormOptions().eps)};
}

inline nn::MultiHeadAttentionOptions attention_of(const nn::TransformerLayerOptions& options) {
  return {.dim = options.dim,
          .heads = options.heads,
          .head_dim = options.head_dim,
          .qkv_bias = options.qkv_bias,
          .locality = options.locality,
          .attention_dropout = options.attention_dropout,
          .dropout = options.dropout,
          .init = options.init,
          .output_scale = options.output_scale};
}

/// **Throws** ValueError, in the name of `module`, unless the hidden layer has a width.
inline nn::MlpOptions mlp_of(const char* module, const nn::TransformerLayerOptions& options) {
  const Index hidden = std::llround(options.mlp_ratio * static_cast<double>(options.dim));
  if (hidden < 1) {
    throw ValueError(concat("[", module, "] mlp_ratio must be positive: ", options.mlp_ratio));
  }
  return {.in = options.dim,
          .hidden = hidden,
          .activation = options.activation,
          .activate_output = options.activate_output,
          .dropout = options.dropout,
          .init = options.init,
          .output_scale = options.output_scale};
}

/// One residual connection, x + depth(scale(branch)), with its norm before the branch (pre-norm) or
/// after the sum. `branch` takes its input and what to add, which may be undefined: where nothing
/// comes in between, its last product adds x by itself.
template <class T, class Branch>
Tensor<T> residual_branch(const Tensor<T>& x, bool norm_first, const nn::LayerNorm<T>& norm,
                          const std::optional<nn::LayerScale<T>>& scale,
                          const nn::StochasticDepth<T>& depth, const Branch& branch) {
  const auto add = [&](const Tensor<T>& in) {
    if (!scale && !depth.active()) return branch(in, x);
    const Tensor<T> y = branch(in, Tensor<T>());
    return x + depth(scale ? (*scale)(y) : y);
  };
  return norm_first ? add(norm(x)) : norm(add(x));
}

}  // namespace detail
}  // namespace eigengrad
