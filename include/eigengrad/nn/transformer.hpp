// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/transformer_decoder.hpp>
#include <eigengrad/nn/transformer_encoder.hpp>

namespace eigengrad::nn {

struct TransformerOptions {
  /// What each layer is made of, the encoder's and the decoder's.
  TransformerLayerOptions layer = {};
  Index encoder_depth = 6;
  Index decoder_depth = 6;
};

template <class Visit>
void visit_fields(TransformerOptions& o, Visit&& visit) {
  visit("layer", o.layer);
  visit("encoder_depth", o.encoder_depth);
  visit("decoder_depth", o.decoder_depth);
}

/// What the three kinds of attention may see: masks, rotary positions and scale of each.
template <class T>
struct TransformerArguments {
  /// How the source's tokens attend to each other.
  AttentionArguments<T> source = {};
  /// How the target's tokens attend to each other: causal, unless it is said otherwise.
  AttentionArguments<T> target = {.causal = true};
  /// How the target's tokens attend to the encoded source.
  AttentionArguments<T> memory = {};
};

/// An encoder of source tokens and a decoder of target tokens that attends to what the encoder made
/// of them. Both end with a norm.
///
/// **Parameters** encoder.layers.0 ..., encoder.norm, decoder.layers.0 ..., decoder.norm.
/// **Shapes** source (B, S, C), target (B, T, C), result (B, T, C).
/// **Source** A. Vaswani et al., "Attention is all you need", 2017 (whose layers are post-norm:
/// `.layer = {.norm_first = false}`);
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.Transformer.html
template <class T>
class Transformer : public Module<T> {
 public:
  /// **Throws** ValueError on options out of range.
  Transformer(const TransformerOptions& options, Generator& rng)
      : Module<T>("Transformer"),
        encoder_(this->add(
            "encoder", TransformerEncoder<T>({options.layer, options.encoder_depth, true}, rng))),
        decoder_(this->add(
            "decoder", TransformerDecoder<T>({options.layer, options.decoder_depth, true}, rng))) {}

  Tensor<T> operator()(const Tensor<T>& source, const Tensor<T>& target,
                       const TransformerArguments<T>& arguments = {}) const {
    const auto call = this->call();
    return decoder_(target, encoder_(source, arguments.source),
                    {.self = arguments.target, .cross = arguments.memory});
  }

  /// Makes the memory that `decoder()` attends to.
  const TransformerEncoder<T>& encoder() const& { return encoder_; }
  TransformerEncoder<T> encoder() && { return encoder_; }
  const TransformerDecoder<T>& decoder() const& { return decoder_; }
  TransformerDecoder<T> decoder() && { return decoder_; }

 private:
  TransformerEncoder<T> encoder_;
  TransformerDecoder<T> decoder_;
};

EIGENGRAD_INSTANTIATE(class Transformer<float>)
EIGENGRAD_INSTANTIATE(class Transformer<double>)

}  // namespace eigengrad::nn
