// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/decoder_layer.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/nn/transformer_encoder.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>

namespace eigengrad::nn {

using TransformerDecoderOptions = TransformerEncoderOptions;

/// Decoder layers one after the other: tokens that attend to each other and to a memory, which an
/// encoder has made.
///
///     const NoGrad no_grad;
///     nn::TransformerCache<float> cache = decoder.cache(memory, 64);
///     Tensor<float> y = decoder(first, cache);   // (B, 1, C), then the next token, ...
///
/// **Parameters** layers.0, layers.1, ...; norm, if there is one.
/// **Shapes** x (B, T, C), memory (B, Tk, C), result (B, T, C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html
template <class T>
class TransformerDecoder : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  TransformerDecoder(const TransformerDecoderOptions& options, Generator& rng)
      : Module<T>("TransformerDecoder"),
        layers_(
            this->add("layers", detail::make_layers<TransformerDecoderLayer<T>>(
                                    "transformer_decoder", options.layer, options.depth, rng))) {
    if (options.final_norm) {
      norm_ = this->add("norm", LayerNorm<T>(detail::norm_of(options.layer)));
    }
  }

  /// `arguments` are those of attention in every layer.
  Tensor<T> operator()(Tensor<T> x, const Tensor<T>& memory,
                       const DecoderArguments<T>& arguments = {}) const {
    const auto call = this->call();
    for (const auto& layer : layers_) x = layer(x, memory, arguments);
    return norm_ ? (*norm_)(x) : x;
  }

  /// A cache for up to `capacity` tokens, which knows the memory: its keys and values are computed
  /// here, once for all tokens. **Throws** ValueError unless the capacity is positive.
  TransformerCache<T> cache(const Tensor<T>& memory, Index capacity) const {
    TransformerCache<T> out(capacity);
    for (Index i = 0; i < layers_.size(); ++i) {
      out.layer(i).memory = layers_[i].cross_attn().keys_values(memory).value();
    }
    return out;
  }

  /// The next tokens of a sequence, causal: the result has their rows of a pass over the whole
  /// sequence. For inference: call it in the scope of a NoGrad.
  ///
  /// **Shapes** x (B, T, C), result (B, T, C); a key_padding_mask of `self` covers all tokens so
  /// far.
  /// **Throws** ValueError where the cache is full or has no memory, and where a gradient would be
  /// recorded; the cache is then as it was.
  Tensor<T> operator()(Tensor<T> x, TransformerCache<T>& cache,
                       const DecoderArguments<T>& arguments = {}) const {
    const auto call = this->call();
    return cache.extend([&] {
      for (Index i = 0; i < layers_.size(); ++i) {
        if (!cache.layer(i).memory.defined()) {
          throw ValueError(
              "[transformer_decoder] the cache has no memory: make it with decoder.cache(memory, "
              "capacity)");
        }
        x = layers_[i](x, cache.layer(i), arguments);
      }
      return norm_ ? (*norm_)(x) : x;
    });
  }

  const ModuleList<TransformerDecoderLayer<T>>& layers() const& { return layers_; }
  ModuleList<TransformerDecoderLayer<T>> layers() && { return layers_; }

 private:
  ModuleList<TransformerDecoderLayer<T>> layers_;
  std::optional<LayerNorm<T>> norm_;
};

EIGENGRAD_INSTANTIATE(class TransformerDecoder<float>)
EIGENGRAD_INSTANTIATE(class TransformerDecoder<double>)

}  // namespace eigengrad::nn
