// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/patch_dropout.hpp>
#include <eigengrad/models/pooling.hpp>
#include <eigengrad/models/positions.hpp>
#include <eigengrad/models/tokenizer.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>
#include <eigengrad/models/whitening.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/attention.hpp>
#include <eigengrad/ops/checkpoint.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/expand.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad::models {

/// Classifies images: tokens, positions, encoder layers, norm, pooling, a linear head.
///
///     models::VisionTransformer<float> vit(
///         {.image_size = 32,
///          .classes = 10,
///          .tokenizer = models::PatchEmbeddingOptions{.patch_size = 4},
///          .dim = 192,
///          .depth = 6,
///          .layer = {.heads = 3, .mlp_ratio = 4}},
///         rng);
///
/// **Parameters** named as timm's VisionTransformer: cls_token (1, 1, C), pos_embed (1, T, C),
/// patch_embed.proj (or tokenizer.conv_layers.0 ...), blocks.0 ..., norm, head; and
/// attention_pool for the sequence pooling. The norm comes before the pooling in every case.
/// **Shapes** images (B, channels_in, S, S), result (B, classes).
/// **Source** A. Dosovitskiy et al., "An image is worth 16x16 words", 2020.
template <class T>
class VisionTransformer : public nn::Module<T> {
 public:
  /// **Throws** ValueError on options out of range or at odds with each other.
  VisionTransformer(const VisionTransformerOptions& options, Generator& rng)
      : nn::Module<T>("VisionTransformer"),
        options_(detail::check_vision_transformer(options)),
        tokenizer_(make_tokenizer(rng)),
        grid_(tokenizer_side()),
        tokens_(grid_ * grid_ + prefix()),
        pos_drop_(this->add("pos_drop", nn::Dropout<T>({options.position_dropout}, rng))),
        blocks_(this->add("blocks", make_blocks(rng))),
        norm_(this->add("norm", nn::LayerNorm<T>({options.dim, options.norm_eps}))),
        head_(this->add("head",
                        nn::Linear<T>({.in_features = feature_count(),
                                       .out_features = options.classes,
                                       .init = options.init},
                                      rng),
                        {.place = ParameterPlace::kOutput})) {
    if (options.pooling == Pooling::kClassToken) {
      cls_token_ =
          this->add_parameter("cls_token", nn::init::normal<T>({1, 1, options.dim}, 1e-6, rng),
                              {ParameterKind::kToken});
    } else if (options.pooling == Pooling::kSequence) {
      pool_ = this->add("attention_pool", SequencePooling<T>({options.dim, options.init}, rng));
    }
    if (options.positions == Positions::kLearned) {
      positions_ = this->add_parameter(
          "pos_embed", nn::init::trunc_normal<T>({1, tokens_, options.dim}, 0.02, rng),
          {ParameterKind::kPosition});
    } else if (options.positions == Positions::kSinCos2d) {
      positions_ = Tensor<T>(sincos_2d<T>(grid_, grid_, options.dim, prefix()));
    }
    if (options.rotary_base != 0) {
      const nn::TransformerEncoderLayerOptions& layer = options.layer;
      const Index width = layer.head_dim > 0 ? layer.head_dim : options.dim / layer.heads;
      rotary_ = rotary_2d<T>(grid_, grid_, width, options.rotary_base, prefix());
    }
    if (options.patch_dropout != 0) {  // last, so that the weights are those without it
      patch_drop_ =
          this->add("patch_drop", PatchDropout<T>({options.patch_dropout, prefix()}, rng));
    }
  }

  /// The logits. **Throws** ShapeError on images of another size.
  Tensor<T> operator()(const Tensor<T>& images) const {
    const auto call = this->call();
    return head_(features(images));
  }

  /// What the head sees. **Shapes** result (B, C), or (B, T C) if flattened.
  Tensor<T> features(const Tensor<T>& images) const {
    const Tensor<T> x = encode(images);
    switch (options_.pooling) {
      case Pooling::kClassToken:
        return norm_(select(x, 1, 0));  // the other tokens need no norm
      case Pooling::kMean:
        return mean(norm_(x), {1});
      case Pooling::kFlatten:
        return flatten(norm_(x), 1);
      case Pooling::kSequence:
        break;
    }
    return (*pool_)(norm_(x));
  }

  /// The tokens after the last layer, before the norm, the class token first.
  /// **Shapes** result (B, T, C), fewer tokens in training with patch_dropout.
  Tensor<T> encode(const Tensor<T>& images) const {
    PlacedTokens placed = place(images);
    Tensor<T> x = std::move(placed.x);
    for (const auto& block : blocks_) {
      if (options_.checkpoint) {
        const auto layer = [block, attention = placed.attention](const Tensor<T>& in) {
          return block(in, attention);
        };
        x = checkpoint(block.generators(), layer, x);
      } else {
        x = block(x, placed.attention);
      }
    }
    return x;
  }

  /// The tokens before the first layer. **Shapes** result (B, T, C).
  Tensor<T> embed(const Tensor<T>& images) const { return place(images).x; }

  /// For each layer how much each token attends to each other, the class token first.
  /// **Shapes** results (B, H, T, T).
  std::vector<Tensor<T>> attention_weights(const Tensor<T>& images) const {
    std::vector<Tensor<T>> out;
    PlacedTokens placed = place(images);
    for (const auto& block : blocks_) {
      out.push_back(block.attention_weights(placed.x, placed.attention));
      placed.x = block(placed.x, placed.attention);
    }
    return out;
  }

  /// Each token's weight in what the head sees: the class token has all of it, or each token
  /// an equal share, or what the sequence pooling has learned. A model with patch_dropout must be
  /// in evaluation mode.
  /// **Shapes** result (B, T).
  /// **Throws** ValueError when the tokens are not averaged but flattened.
  Tensor<T> pooling_weights(const Tensor<T>& images) const {
    if (options_.pooling == Pooling::kFlatten) {
      throw ValueError("[vision_transformer] flattened tokens have no pooling weights");
    }
    if (pool_) return pool_->weights(norm_(encode(images)));
    NdArray<T> out = NdArray<T>::zeros({images.dim(0), tokens_});
    if (options_.pooling == Pooling::kMean) {
      out.fill(T(1) / static_cast<T>(tokens_));
    } else {
      for (Index b = 0; b < images.dim(0); ++b) out(b, 0) = T(1);
    }
    return Tensor<T>(std::move(out));
  }

  const VisionTransformerOptions& options() const { return options_; }
  const nn::ModuleList<nn::TransformerEncoderLayer<T>>& blocks() const { return blocks_; }
  /// The layer that makes the tokens.
  const Tokenizer<T>& tokenizer() const { return tokenizer_; }
  /// The tokenizer's first layer of computed filters; nullptr if there is none.
  const Whitening<T>* whitening() const {
    const auto* convolutions = std::get_if<ConvTokenizer<T>>(&tokenizer_);
    return convolutions && convolutions->whiten() ? &*convolutions->whiten() : nullptr;
  }
  /// Side of the square grid of tokens.
  Index grid() const { return grid_; }

 private:
  /// Tokens before the first layer, and what attention must know of them.
  struct PlacedTokens {
    Tensor<T> x;
    AttentionArguments<T> attention;
  };

  PlacedTokens place(const Tensor<T>& images) const {
    const VisionTransformerOptions& o = options_;
    if (images.rank() != 4 || images.dim(1) != o.channels_in || images.dim(2) != o.image_size ||
        images.dim(3) != o.image_size) {
      throw ShapeError(detail::concat("[vision_transformer] images must be (B, ", o.channels_in,
                                      ", ", o.image_size, ", ", o.image_size, "): images ",
                                      images.shape()));
    }
    Tensor<T> x = std::visit([&](const auto& tokenizer) { return tokenizer(images); }, tokenizer_);
    if (cls_token_.defined()) {
      x = cat({expand(cls_token_, {x.dim(0), 1, o.dim}), x}, 1);
    }
    if (positions_.defined()) x = x + positions_;
    AttentionArguments<T> attention{.rotary = rotary_};
    if (patch_drop_) {
      const NdArray<Index> kept = patch_drop_->draw(x);
      x = (*patch_drop_)(x, kept);
      if (kept.defined() && rotary_.defined()) {
        attention.rotary = index_select(Tensor<T>(rotary_), 0, kept.reshape({kept.numel()}))
                               .value()
                               .reshape({kept.dim(0), kept.dim(1), rotary_.dim(1)});
      }
    }
    return {pos_drop_(x), std::move(attention)};
  }

  /// Number of tokens that come before the image's.
  Index prefix() const { return options_.pooling == Pooling::kClassToken ? 1 : 0; }
  Index feature_count() const {
    return options_.dim * (options_.pooling == Pooling::kFlatten ? tokens_ : 1);
  }

  Tokenizer<T> make_tokenizer(Generator& rng) {
    return std::visit(
        [&](const auto& own) {
          return Tokenizer<T>(add_tokenizer(detail::tokenizer_options(own, options_), rng));
        },
        options_.tokenizer);
  }
  PatchEmbedding<T> add_tokenizer(const PatchEmbeddingOptions& options, Generator& rng) {
    return this->add("patch_embed", PatchEmbedding<T>(options, rng));
  }
  ShiftedPatchEmbedding<T> add_tokenizer(const ShiftedPatchEmbeddingOptions& options,
                                         Generator& rng) {
    return this->add("patch_embed", ShiftedPatchEmbedding<T>(options, rng));
  }
  ConvTokenizer<T> add_tokenizer(const ConvTokenizerOptions& options, Generator& rng) {
    return this->add("tokenizer", ConvTokenizer<T>(options, rng));
  }

  Index tokenizer_side() const {
    const Index side = std::visit(
        [&](const auto& tokenizer) { return tokenizer.output_side(options_.image_size); },
        tokenizer_);
    if (side == 0) {
      detail::fail_vision_transformer(
          "the tokenizer makes no token of images of this size: image_size ", options_.image_size);
    }
    return side;
  }

  nn::ModuleList<nn::TransformerEncoderLayer<T>> make_blocks(Generator& rng) const {
    nn::ModuleList<nn::TransformerEncoderLayer<T>> blocks;
    for (Index i = 0; i < options_.depth; ++i) {
      blocks.append(nn::TransformerEncoderLayer<T>(detail::layer_options(options_, i), rng));
    }
    return blocks;
  }

  VisionTransformerOptions options_;
  Tokenizer<T> tokenizer_;
  Index grid_;
  Index tokens_;
  nn::Dropout<T> pos_drop_;
  nn::ModuleList<nn::TransformerEncoderLayer<T>> blocks_;
  nn::LayerNorm<T> norm_;
  nn::Linear<T> head_;
  std::optional<SequencePooling<T>> pool_;
  std::optional<PatchDropout<T>> patch_drop_;
  Tensor<T> cls_token_;
  Tensor<T> positions_;
  NdArray<T> rotary_;
};

EIGENGRAD_INSTANTIATE(class VisionTransformer<float>)
EIGENGRAD_INSTANTIATE(class VisionTransformer<double>)

}  // namespace eigengrad::models
