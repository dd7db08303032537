// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optional>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/mlp.hpp>

namespace eigengrad::nn {

struct TransformerEncoderLayerOptions {
  /// Width of the tokens.
  Index dim = 0;
  Index heads = 0;
  /// Width of a head; 0 means dim / heads.
  Index head_dim = 0;
  /// Width of the hidden layer as a multiple of dim.
  double mlp_ratio = 4;
  Activation activation = Activation::kGelu;
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
  /// Factor of the first weights of attn.proj and mlp.fc2; 0 makes the layer begin as the
  /// identity (pre-norm).
  double output_scale = 1;
};

template <class Visit>
void visit_fields(TransformerEncoderLayerOptions& o, Visit&& visit) {
  visit("dim", o.dim);
  visit("heads", o.heads);
  visit("head_dim", o.head_dim);
  visit("mlp_ratio", o.mlp_ratio);
  visit("activation", o.activation);
  visit("norm_first", o.norm_first);
  visit("qkv_bias", o.qkv_bias);
  visit("locality", o.locality);
  visit("dropout", o.dropout);
  visit("attention_dropout", o.attention_dropout);
  visit("stochastic_depth", o.stochastic_depth);
  visit("norm_eps", o.norm_eps);
  visit("init", o.init);
  visit("output_scale", o.output_scale);
}

/// Attention and an MLP, each with a residual connection.
///
/// Pre-norm: x = x + attn(norm1(x)), then x + mlp(norm2(x)); post-norm: x = norm1(x + attn(x)),
/// then norm2(x + mlp(x)).
/// **Parameters** norm1, attn, norm2, mlp, named as a block of timm's VisionTransformer.
/// **Shapes** x (B, T, C), result (B, T, C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
template <class T>
class TransformerEncoderLayer : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  TransformerEncoderLayer(const TransformerEncoderLayerOptions& options, Generator& rng)
      : Module<T>("TransformerEncoderLayer"),
        norm_first_(options.norm_first),
        norm1_(this->add("norm1", LayerNorm<T>(norm(options)))),
        attn_(this->add("attn", MultiHeadAttention<T>(attention(options), rng))),
        depth1_(this->add("drop_path1", StochasticDepth<T>({options.stochastic_depth}, rng))),
        norm2_(this->add("norm2", LayerNorm<T>(norm(options)))),
        mlp_(this->add("mlp", Mlp<T>(mlp(options), rng))),
        depth2_(this->add("drop_path2", StochasticDepth<T>({options.stochastic_depth}, rng))) {}

  /// `options` are the attention's masks, rotary positions and scale.
  Tensor<T> operator()(const Tensor<T>& x, const AttentionArguments<T>& options = {}) const {
    const auto call = this->call();
    if (norm_first_) {
      const Tensor<T> h = add_branch(x, depth1_, [&](const Tensor<T>& residual) {
        return attn_(norm1_(x), options, residual);
      });
      return add_branch(h, depth2_,
                        [&](const Tensor<T>& residual) { return mlp_(norm2_(h), residual); });
    }
    const Tensor<T> h = norm1_(add_branch(
        x, depth1_, [&](const Tensor<T>& residual) { return attn_(x, options, residual); }));
    return norm2_(
        add_branch(h, depth2_, [&](const Tensor<T>& residual) { return mlp_(h, residual); }));
  }

  /// How much each token attends to each other under these options. **Shapes** x (B, T, C), result
  /// (B, H, T, T).
  Tensor<T> attention_weights(const Tensor<T>& x, const AttentionArguments<T>& options = {}) const {
    return attn_.weights(norm_first_ ? norm1_(x) : x, options);
  }

 private:
  static LayerNormOptions norm(const TransformerEncoderLayerOptions& options) {
    return {options.dim, options.norm_eps.value_or(LayerNormOptions().eps)};
  }
  static MultiHeadAttentionOptions attention(const TransformerEncoderLayerOptions& options) {
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
  static MlpOptions mlp(const TransformerEncoderLayerOptions& options) {
    const Index hidden = std::llround(options.mlp_ratio * static_cast<double>(options.dim));
    if (hidden < 1) {
      throw ValueError(
          detail::concat("[encoder_layer] mlp_ratio must be positive: ", options.mlp_ratio));
    }
    return {.in = options.dim,
            .hidden = hidden,
            .activation = options.activation,
            .dropout = options.dropout,
            .init = options.init,
            .output_scale = options.output_scale};
  }

  /// x + depth(branch). Without stochastic depth the branch's last product adds x by itself.
  template <class Branch>
  static Tensor<T> add_branch(const Tensor<T>& x, const StochasticDepth<T>& depth,
                              const Branch& branch) {
    return depth.active() ? x + depth(branch(Tensor<T>())) : branch(x);
  }

  bool norm_first_;
  LayerNorm<T> norm1_;
  MultiHeadAttention<T> attn_;
  StochasticDepth<T> depth1_;
  LayerNorm<T> norm2_;
  Mlp<T> mlp_;
  StochasticDepth<T> depth2_;
};

EIGENGRAD_INSTANTIATE(class TransformerEncoderLayer<float>)
EIGENGRAD_INSTANTIATE(class TransformerEncoderLayer<double>)

}  // namespace eigengrad::nn
