// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>

namespace eigengrad {

namespace nn {

struct TransformerEncoderOptions {
  /// What each layer is made of.
  TransformerLayerOptions layer = {};
  /// Number of layers.
  Index depth = 6;
  /// A norm after the last layer, which pre-norm layers need.
  bool final_norm = true;
};

template <class Visit>
void visit_fields(TransformerEncoderOptions& o, Visit&& visit) {
  visit("layer", o.layer);
  visit("depth", o.depth);
  visit("final_norm", o.final_norm);
}

}  // namespace nn

namespace detail {

/// `depth` layers of one kind. **Throws** ValueError, in the name of `module`, on a negative depth.
template <class Layer>
nn::ModuleList<Layer> make_layers(const char* module, const nn::TransformerLayerOptions& options,
                                  Index depth, Generator& rng) {
  if (depth < 0) {
    throw ValueError(concat("[", module, "] depth must not be negative: ", depth));
  }
  nn::ModuleList<Layer> layers;
  for (Index i = 0; i < depth; ++i) layers.append(Layer(options, rng));
  return layers;
}

}  // namespace detail

namespace nn {

/// Encoder layers one after the other.
///
///     nn::TransformerEncoder<float> encoder({.layer = {.dim = 128, .heads = 4}, .depth = 4}, rng);
///     encoder(x);                     // each token sees all
///     encoder(x, {.causal = true});   // a decoder-only model: each token sees those before it
///
/// **Parameters** layers.0, layers.1, ...; norm, if there is one.
/// **Shapes** x (B, T, C), result (B, T, C).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html
template <class T>
class TransformerEncoder : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  TransformerEncoder(const TransformerEncoderOptions& options, Generator& rng)
      : Module<T>("TransformerEncoder"),
        layers_(
            this->add("layers", detail::make_layers<TransformerEncoderLayer<T>>(
                                    "transformer_encoder", options.layer, options.depth, rng))) {
    if (options.final_norm) {
      norm_ = this->add("norm", LayerNorm<T>(detail::norm_of(options.layer)));
    }
  }

  /// `arguments` are the masks, rotary positions and scale of attention in every layer.
  Tensor<T> operator()(Tensor<T> x, const AttentionArguments<T>& arguments = {}) const {
    const auto call = this->call();
    for (const auto& layer : layers_) x = layer(x, arguments);
    return norm_ ? (*norm_)(x) : x;
  }

  /// The next tokens of a sequence, causal: the result has their rows of a causal pass over the
  /// whole sequence. For inference: call it in the scope of a NoGrad.
  ///
  /// **Shapes** x (B, T, C), result (B, T, C); a key_padding_mask covers all tokens so far.
  /// **Throws** ValueError where the cache is full, and where a gradient would be recorded; the
  /// cache is then as it was.
  Tensor<T> operator()(Tensor<T> x, TransformerCache<T>& cache,
                       const AttentionArguments<T>& arguments = {}) const {
    const auto call = this->call();
    return cache.extend([&] {
      for (Index i = 0; i < layers_.size(); ++i) {
        x = layers_[i](x, cache.layer(i).self, arguments);
      }
      return norm_ ? (*norm_)(x) : x;
    });
  }

  const ModuleList<TransformerEncoderLayer<T>>& layers() const& { return layers_; }
  ModuleList<TransformerEncoderLayer<T>> layers() && { return layers_; }

 private:
  ModuleList<TransformerEncoderLayer<T>> layers_;
  std::optional<LayerNorm<T>> norm_;
};

EIGENGRAD_INSTANTIATE(class TransformerEncoder<float>)
EIGENGRAD_INSTANTIATE(class TransformerEncoder<double>)

}  // namespace nn
}  // namespace eigengrad
