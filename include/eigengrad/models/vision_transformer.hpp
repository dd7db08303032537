// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/models/conv_tokenizer.hpp>
#include <eigengrad/models/patch_dropout.hpp>
#include <eigengrad/models/patch_embedding.hpp>
#include <eigengrad/models/pooling.hpp>
#include <eigengrad/models/positions.hpp>
#include <eigengrad/models/shifted_patches.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/ops/checkpoint.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/expand.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad::models {

/// Classifies images: tokens, positions, encoder layers, norm, pooling, a linear head.
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
        grid_(add_tokenizer(rng)),
        tokens_(grid_ * grid_ + prefix()),
        pos_drop_(this->add("pos_drop", nn::Dropout<T>({options.dropout}, rng))),
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
      const Index width = options.head_dim > 0 ? options.head_dim : options.dim / options.heads;
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

  /// The tokens behind the last layer, before the norm, the class token first.
  /// **Shapes** result (B, T, C), fewer tokens in training with patch_dropout.
  Tensor<T> encode(const Tensor<T>& images) const {
    Placed placed = place(images);
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
    Placed placed = place(images);
    for (const auto& block : blocks_) {
      out.push_back(block.attention_weights(placed.x, placed.attention));
      placed.x = block(placed.x, placed.attention);
    }
    return out;
  }

  /// How much each token counts in what the head sees: all is the class token's, or each has an
  /// equal share, or what the sequence pooling has learned; with patch_dropout in evaluation alone.
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
  /// The convolutions that make the tokens; empty with patches.
  const std::optional<ConvTokenizer<T>>& tokenizer() const { return tokenizer_; }
  /// Tokens in a row of the image's grid.
  Index grid() const { return grid_; }

 private:
  /// Tokens before the first layer, and what attention is to know of them.
  struct Placed {
    Tensor<T> x;
    AttentionOptions<T> attention;
  };

  Placed place(const Tensor<T>& images) const {
    const VisionTransformerOptions& o = options_;
    if (images.rank() != 4 || images.dim(1) != o.channels_in || images.dim(2) != o.image_size ||
        images.dim(3) != o.image_size) {
      throw ShapeError(detail::concat("[vision_transformer] images must be (B, ", o.channels_in,
                                      ", ", o.image_size, ", ", o.image_size, "): images ",
                                      images.shape()));
    }
    Tensor<T> x = tokenizer_         ? (*tokenizer_)(images)
                  : shifted_patches_ ? (*shifted_patches_)(images)
                                     : (*patch_embed_)(images);
    if (cls_token_.defined()) {
      x = cat({expand(cls_token_, {x.dim(0), 1, o.dim}), x}, 1);
    }
    if (positions_.defined()) x = x + positions_;
    AttentionOptions<T> attention{.rotary = rotary_};
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

  /// Tokens in front of the image's.
  Index prefix() const { return options_.pooling == Pooling::kClassToken ? 1 : 0; }
  Index feature_count() const {
    return options_.dim * (options_.pooling == Pooling::kFlatten ? tokens_ : 1);
  }

  /// **Returns** the side of the grid of tokens.
  Index add_tokenizer(Generator& rng) {
    const VisionTransformerOptions& o = options_;
    if (o.convolutional()) {
      std::vector<Index> channels = o.tokenizer_channels;
      if (!channels.empty()) channels.push_back(o.dim);
      tokenizer_ = this->add("tokenizer", ConvTokenizer<T>({.channels_in = o.channels_in,
                                                            .channels = std::move(channels),
                                                            .stages = o.tokenizer_stages,
                                                            .whitening = o.tokenizer_whitening,
                                                            .init = o.tokenizer_init},
                                                           rng));
      const Index grid = tokenizer_->output_side(o.image_size);
      if (grid == 0) {
        throw ValueError(detail::concat("[vision_transformer] the tokenizer leaves no token of ",
                                        "images of this size: image_size ", o.image_size));
      }
      return grid;
    }
    if (o.shifted_patches) {
      shifted_patches_ = this->add(
          "patch_embed",
          ShiftedPatchEmbedding<T>(
              {.channels_in = o.channels_in, .patch_size = o.patch_size, .dim = o.dim}, rng));
      return o.image_size / o.patch_size;
    }
    patch_embed_ = this->add("patch_embed", PatchEmbedding<T>({.channels_in = o.channels_in,
                                                               .patch_size = o.patch_size,
                                                               .stride = o.patch_stride,
                                                               .padding = o.patch_padding,
                                                               .dim = o.dim,
                                                               .method = o.patch_method},
                                                              rng));
    return patch_embed_->output_side(o.image_size);
  }

  nn::ModuleList<nn::TransformerEncoderLayer<T>> make_blocks(Generator& rng) const {
    const VisionTransformerOptions& o = options_;
    nn::ModuleList<nn::TransformerEncoderLayer<T>> blocks;
    for (Index i = 0; i < o.depth; ++i) {
      const double share =
          o.depth > 1 ? static_cast<double>(i) / static_cast<double>(o.depth - 1) : 1;
      blocks.append(nn::TransformerEncoderLayer<T>({.dim = o.dim,
                                                    .heads = o.heads,
                                                    .head_dim = o.head_dim,
                                                    .mlp_ratio = o.mlp_ratio,
                                                    .activation = o.activation,
                                                    .qkv_bias = o.qkv_bias,
                                                    .locality = o.locality,
                                                    .dropout = o.dropout,
                                                    .attention_dropout = o.attention_dropout,
                                                    .stochastic_depth = o.stochastic_depth * share,
                                                    .norm_eps = o.norm_eps,
                                                    .init = o.init,
                                                    .output_scale = o.output_scale},
                                                   rng));
    }
    return blocks;
  }

  // The tokenizers come first: their members must exist when the constructor fills them.
  std::optional<PatchEmbedding<T>> patch_embed_;
  std::optional<ShiftedPatchEmbedding<T>> shifted_patches_;
  std::optional<ConvTokenizer<T>> tokenizer_;
  std::optional<SequencePooling<T>> pool_;
  std::optional<PatchDropout<T>> patch_drop_;
  Tensor<T> cls_token_;
  Tensor<T> positions_;
  NdArray<T> rotary_;
  VisionTransformerOptions options_;
  Index grid_;
  Index tokens_;
  nn::Dropout<T> pos_drop_;
  nn::ModuleList<nn::TransformerEncoderLayer<T>> blocks_;
  nn::LayerNorm<T> norm_;
  nn::Linear<T> head_;
};

EIGENGRAD_INSTANTIATE(class VisionTransformer<float>)
EIGENGRAD_INSTANTIATE(class VisionTransformer<double>)

}  // namespace eigengrad::models
