// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/layer_scale.hpp>
#include <eigengrad/nn/mlp.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>

namespace eigengrad::nn {

using TransformerEncoderLayerOptions = TransformerLayerOptions;

/// Attention and an MLP, each with a residual connection.
///
/// Pre-norm: x = x + attn(norm1(x)), then x + mlp(norm2(x)); post-norm: x = norm1(x + attn(x)),
/// then norm2(x + mlp(x)). With layer_scale each branch is multiplied by ls1 or ls2.
/// **Parameters** norm1, attn, ls1, norm2, mlp, ls2, named as a block of timm's VisionTransformer.
/// **Shapes** x (B, T, C), result (B, T, C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html
template <class T>
class TransformerEncoderLayer : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  TransformerEncoderLayer(const TransformerEncoderLayerOptions& options, Generator& rng)
      : Module<T>("TransformerEncoderLayer"),
        norm_first_(options.norm_first),
        norm1_(this->add("norm1", LayerNorm<T>(detail::norm_of(options)))),
        attn_(this->add("attn", MultiHeadAttention<T>(detail::attention_of(options), rng))),
        ls1_(make_scale("ls1", options)),
        depth1_(this->add("drop_path1", StochasticDepth<T>({options.stochastic_depth}, rng))),
        norm2_(this->add("norm2", LayerNorm<T>(detail::norm_of(options)))),
        mlp_(this->add("mlp", Mlp<T>(detail::mlp_of("encoder_layer", options), rng))),
        ls2_(make_scale("ls2", options)),
        depth2_(this->add("drop_path2", StochasticDepth<T>({options.stochastic_depth}, rng))) {}

  /// `options` are the attention's masks, rotary positions and scale.
  Tensor<T> operator()(const Tensor<T>& x, const AttentionArguments<T>& options = {}) const {
    const auto call = this->call();
    return run(x, [&](const Tensor<T>& in, const Tensor<T>& residual) {
      return attn_(in, options, residual);
    });
  }

  /// The next tokens of a sequence, causal: `cache` holds what the layer remembers of those before.
  /// For inference; see MultiHeadAttention.
  Tensor<T> operator()(const Tensor<T>& x, KeyValueCache<T>& cache,
                       const AttentionArguments<T>& options = {}) const {
    const auto call = this->call();
    return run(x, [&](const Tensor<T>& in, const Tensor<T>& residual) {
      return attn_(in, cache, options, residual);
    });
  }

  /// How much each token attends to each other under these options. **Shapes** x (B, T, C), result
  /// (B, H, T, T).
  Tensor<T> attention_weights(const Tensor<T>& x, const AttentionArguments<T>& options = {}) const {
    return attn_.weights(norm_first_ ? norm1_(x) : x, options);
  }

  // The parts, for layers that put them together in another way.
  const LayerNorm<T>& norm1() const& { return norm1_; }
  LayerNorm<T> norm1() && { return norm1_; }
  const MultiHeadAttention<T>& attn() const& { return attn_; }
  MultiHeadAttention<T> attn() && { return attn_; }
  const LayerNorm<T>& norm2() const& { return norm2_; }
  LayerNorm<T> norm2() && { return norm2_; }
  const Mlp<T>& mlp() const& { return mlp_; }
  Mlp<T> mlp() && { return mlp_; }

 private:
  std::optional<LayerScale<T>> make_scale(const char* name,
                                          const TransformerEncoderLayerOptions& options) {
    if (!options.layer_scale) return std::nullopt;
    return this->add(name, LayerScale<T>({options.dim, *options.layer_scale}));
  }

  template <class Attend>
  Tensor<T> run(const Tensor<T>& x, const Attend& attend) const {
    const Tensor<T> h = detail::residual_branch(x, norm_first_, norm1_, ls1_, depth1_, attend);
    return detail::residual_branch(h, norm_first_, norm2_, ls2_, depth2_, mlp_);
  }

  bool norm_first_;
  LayerNorm<T> norm1_;
  MultiHeadAttention<T> attn_;
  std::optional<LayerScale<T>> ls1_;
  StochasticDepth<T> depth1_;
  LayerNorm<T> norm2_;
  Mlp<T> mlp_;
  std::optional<LayerScale<T>> ls2_;
  StochasticDepth<T> depth2_;
};

EIGENGRAD_INSTANTIATE(class TransformerEncoderLayer<float>)
EIGENGRAD_INSTANTIATE(class TransformerEncoderLayer<double>)

}  // namespace eigengrad::nn
