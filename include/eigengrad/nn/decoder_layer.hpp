// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
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

using TransformerDecoderLayerOptions = TransformerLayerOptions;

/// What a decoder's two kinds of attention may see: masks, rotary positions and scale of each.
template <class T>
struct DecoderArguments {
  /// How the tokens attend to each other: causal, unless it is said otherwise.
  AttentionArguments<T> self = {.causal = true};
  /// How the tokens attend to the memory.
  AttentionArguments<T> cross = {};
};

/// Attention of tokens to each other, attention to a memory, and an MLP, each with a residual
/// connection.
///
/// Pre-norm: x = x + attn(norm1(x)), x + cross_attn(norm2(x), memory), x + mlp(norm3(x)); post-norm
/// has norm1, norm2 and norm3 after the sums. With layer_scale each branch is multiplied by ls1,
/// ls2 or ls3.
/// **Parameters** norm1, attn, norm2, cross_attn, norm3, mlp: PyTorch's norm1, self_attn, norm2,
/// multihead_attn, norm3, linear1 and linear2.
/// **Shapes** x (B, T, C), memory (B, Tk, C), result (B, T, C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html
template <class T>
class TransformerDecoderLayer : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  TransformerDecoderLayer(const TransformerDecoderLayerOptions& options, Generator& rng)
      : Module<T>("TransformerDecoderLayer"),
        norm_first_(options.norm_first),
        norm1_(this->add("norm1", LayerNorm<T>(detail::norm_of(options)))),
        attn_(this->add("attn", MultiHeadAttention<T>(detail::attention_of(options), rng))),
        ls1_(make_scale("ls1", options)),
        depth1_(this->add("drop_path1", StochasticDepth<T>({options.stochastic_depth}, rng))),
        norm2_(this->add("norm2", LayerNorm<T>(detail::norm_of(options)))),
        cross_attn_(
            this->add("cross_attn", MultiHeadAttention<T>(detail::attention_of(options), rng))),
        ls2_(make_scale("ls2", options)),
        depth2_(this->add("drop_path2", StochasticDepth<T>({options.stochastic_depth}, rng))),
        norm3_(this->add("norm3", LayerNorm<T>(detail::norm_of(options)))),
        mlp_(this->add("mlp", Mlp<T>(detail::mlp_of("decoder_layer", options), rng))),
        ls3_(make_scale("ls3", options)),
        depth3_(this->add("drop_path3", StochasticDepth<T>({options.stochastic_depth}, rng))) {}

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& memory,
                       const DecoderArguments<T>& arguments = {}) const {
    const auto call = this->call();
    return run(
        x,
        [&](const Tensor<T>& in, const Tensor<T>& residual) {
          return attn_(in, arguments.self, residual);
        },
        [&](const Tensor<T>& in, const Tensor<T>& residual) {
          return cross_attn_(in, memory, arguments.cross, residual);
        });
  }

  /// The next tokens of a sequence, causal: `cache` holds what the layer remembers of those before
  /// and of the memory. For inference; see MultiHeadAttention.
  Tensor<T> operator()(const Tensor<T>& x, typename TransformerCache<T>::Layer& cache,
                       const DecoderArguments<T>& arguments = {}) const {
    const auto call = this->call();
    const Tensor<T> memory(cache.memory);
    return run(
        x,
        [&](const Tensor<T>& in, const Tensor<T>& residual) {
          return attn_(in, cache.self, arguments.self, residual);
        },
        [&](const Tensor<T>& in, const Tensor<T>& residual) {
          return cross_attn_.attend(in, memory, arguments.cross, residual);
        });
  }

  // The parts, for layers that put them together in another way.
  const LayerNorm<T>& norm1() const& { return norm1_; }
  LayerNorm<T> norm1() && { return norm1_; }
  const MultiHeadAttention<T>& attn() const& { return attn_; }
  MultiHeadAttention<T> attn() && { return attn_; }
  const LayerNorm<T>& norm2() const& { return norm2_; }
  LayerNorm<T> norm2() && { return norm2_; }
  const MultiHeadAttention<T>& cross_attn() const& { return cross_attn_; }
  MultiHeadAttention<T> cross_attn() && { return cross_attn_; }
  const LayerNorm<T>& norm3() const& { return norm3_; }
  LayerNorm<T> norm3() && { return norm3_; }
  const Mlp<T>& mlp() const& { return mlp_; }
  Mlp<T> mlp() && { return mlp_; }

 private:
  std::optional<LayerScale<T>> make_scale(const char* name,
                                          const TransformerDecoderLayerOptions& options) {
    if (!options.layer_scale) return std::nullopt;
    return this->add(name, LayerScale<T>({options.dim, *options.layer_scale}));
  }

  template <class Attend, class Cross>
  Tensor<T> run(const Tensor<T>& x, const Attend& attend, const Cross& cross) const {
    const Tensor<T> h = detail::residual_branch(x, norm_first_, norm1_, ls1_, depth1_, attend);
    const Tensor<T> y = detail::residual_branch(h, norm_first_, norm2_, ls2_, depth2_, cross);
    return detail::residual_branch(y, norm_first_, norm3_, ls3_, depth3_, mlp_);
  }

  bool norm_first_;
  LayerNorm<T> norm1_;
  MultiHeadAttention<T> attn_;
  std::optional<LayerScale<T>> ls1_;
  StochasticDepth<T> depth1_;
  LayerNorm<T> norm2_;
  MultiHeadAttention<T> cross_attn_;
  std::optional<LayerScale<T>> ls2_;
  StochasticDepth<T> depth2_;
  LayerNorm<T> norm3_;
  Mlp<T> mlp_;
  std::optional<LayerScale<T>> ls3_;
  StochasticDepth<T> depth3_;
};

EIGENGRAD_INSTANTIATE(class TransformerDecoderLayer<float>)
EIGENGRAD_INSTANTIATE(class TransformerDecoderLayer<double>)

}  // namespace eigengrad::nn
