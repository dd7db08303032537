// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
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
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/unary.hpp>

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
/// patch_embed.proj (or tokenizer.conv_layers.0 ...), blocks.0 ..., norm, head; with the options
/// that ask for them reg_token (1, R, C), dist_token (1, 1, C), head_dist, norm_pre, fc_norm,
/// head_hidden.0 ..., and attention_pool for the sequence pooling.
/// **Shapes** images (B, channels_in, S, S), result (B, classes), without a head that of `pool`.
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
        tokens_(grid_ * grid_ + prefix_tokens()),
        pos_drop_(this->add("pos_drop", nn::Dropout<T>({options.position_dropout}, rng))),
        norm_pre_(make_initial_norm()),
        blocks_(this->add("blocks", make_blocks(rng))),
        norm_(make_norm()),
        head_hidden_(make_hidden(rng)),
        head_(make_head("head", options.classes > 0, rng)),
        head_dist_(make_head("head_dist", options.classes > 0 && options.distilled, rng)) {
    if (options.pooling == Pooling::kClassToken) {
      cls_token_ = add_token("cls_token", 1, rng);
    } else if (options.pooling == Pooling::kSequence) {
      pool_ = this->add("attention_pool", SequencePooling<T>({options.dim, options.init}, rng));
    }
    if (options.distilled) dist_token_ = add_token("dist_token", 1, rng);
    if (options.registers > 0) reg_token_ = add_token("reg_token", options.registers, rng);
    if (options.positions == Positions::kLearned) {
      positions_ = this->add_parameter(
          "pos_embed",
          nn::init::make<T>({1, position_rows(), options.dim}, options.position_init, rng),
          {ParameterKind::kPosition});
    } else if (options.positions == Positions::kSinCos2d) {
      positions_ = Tensor<T>(sincos_2d<T>(grid_, grid_, options.dim, placed_prefix()));
    }
    if (options.rotary_base != 0) {
      const nn::TransformerEncoderLayerOptions& layer = options.layer;
      const Index width = layer.head_dim > 0 ? layer.head_dim : options.dim / layer.heads;
      rotary_ = rotary_2d<T>(grid_, grid_, width, options.rotary_base, prefix_tokens());
    }
    if (options.patch_dropout != 0) {  // last, so that the weights are those without it
      patch_drop_ =
          this->add("patch_drop", PatchDropout<T>({options.patch_dropout, prefix_tokens()}, rng));
    }
    if (options.head_dropout != 0) {
      head_drop_ = this->add("head_drop", nn::Dropout<T>({options.head_dropout}, rng));
    }
  }

  /// The logits. **Throws** ShapeError on images of another size.
  Tensor<T> operator()(const Tensor<T>& images) const {
    const auto call = this->call();
    return classify(features(images));
  }

  // The steps of the whole, for models that do something in between: `classify(pool(
  // encode_tokens(tokenize(images))))` is the result.

  /// The tokens as the tokenizer makes them, row by row of the grid, before class token, registers
  /// and positions. **Shapes** result (B, N, C).
  Tensor<T> tokenize(const Tensor<T>& images) const {
    const VisionTransformerOptions& o = options_;
    if (images.rank() != 4 || images.dim(1) != o.channels_in || images.dim(2) != o.image_size ||
        images.dim(3) != o.image_size) {
      throw ShapeError(detail::concat("[vision_transformer] images must be (B, ", o.channels_in,
                                      ", ", o.image_size, ", ", o.image_size, "): images ",
                                      images.shape()));
    }
    return std::visit([&](const auto& tokenizer) { return tokenizer(images); }, tokenizer_);
  }

  /// What the layers make of tokens to which class token, registers and positions have yet to
  /// come; in the result those tokens are the first, in this order. **Shapes** tokens (B, N, C),
  /// result (B, T, C), fewer tokens in training with patch_dropout. **Throws** ShapeError unless N
  /// is the grid's.
  Tensor<T> encode_tokens(const Tensor<T>& tokens) const {
    PlacedTokens placed = place(tokens);
    Tensor<T> x = std::move(placed.x);
    for (Index i = 0; i < options_.depth; ++i) x = encode_layer(block(i), x, placed.attention);
    return x;
  }

  /// The tokens after the last layer, before the norm, the class token first.
  /// **Shapes** result as that of `encode_tokens`.
  Tensor<T> encode(const Tensor<T>& images) const { return encode_tokens(tokenize(images)); }

  /// One vector of all tokens, normalised where the model says so. **Shapes** tokens (B, T, C),
  /// result (B, C); (B, N C) if flattened; (B, 2, C) if distilled, one for each head.
  Tensor<T> pool(const Tensor<T>& tokens) const {
    if (options_.pooling == Pooling::kClassToken) {
      return normalize(class_tokens(tokens));  // the other tokens need no norm
    }
    const Tensor<T> patches = drop_prefix(tokens);
    if (options_.final_norm == FinalNorm::kAfterPooling) return (*norm_)(pool_rows(patches));
    return pool_rows(normalize(patches));
  }

  /// What the head sees. **Shapes** result as that of `pool`.
  Tensor<T> features(const Tensor<T>& images) const { return pool(encode(images)); }

  /// The head: logits of what `pool` makes.
  Tensor<T> classify(Tensor<T> features) const {
    if (head_hidden_) {
      for (const auto& layer : *head_hidden_) {
        features = layer(drop_in_head(features));
        if (options_.head_tanh) features = tanh(features);
      }
    }
    if (!head_) return features;
    features = drop_in_head(features);
    if (!head_dist_) return (*head_)(features);
    return ((*head_)(select(features, 1, 0)) + (*head_dist_)(select(features, 1, 1))) * T(0.5);
  }

  /// The tokens before the first layer. **Shapes** result (B, T, C).
  Tensor<T> embed(const Tensor<T>& images) const { return place(tokenize(images)).x; }

  /// For each layer how much each token attends to each other, the class token first.
  /// **Shapes** results (B, H, T, T).
  std::vector<Tensor<T>> attention_weights(const Tensor<T>& images) const {
    std::vector<Tensor<T>> out;
    PlacedTokens placed = place(tokenize(images));
    for (Index i = 0; i < options_.depth; ++i) {
      out.push_back(block(i).attention_weights(placed.x, placed.attention));
      placed.x = block(i)(placed.x, placed.attention);
    }
    return out;
  }

  /// Each token's weight in what the head sees: the class token has all of it, or each of the
  /// image's tokens an equal share, or what the sequence pooling has learned. A model with
  /// patch_dropout must be in evaluation mode.
  /// **Shapes** result (B, T).
  /// **Throws** ValueError when the tokens are not averaged but flattened.
  Tensor<T> pooling_weights(const Tensor<T>& images) const {
    if (options_.pooling == Pooling::kFlatten) {
      throw ValueError("[vision_transformer] flattened tokens have no pooling weights");
    }
    const Index batch = images.dim(0), count = grid_ * grid_;
    const Shape before{batch, prefix_tokens()};
    if (pool_) {
      const bool normalized = options_.final_norm == FinalNorm::kBeforePooling;
      const Tensor<T> x = drop_prefix(encode(images));
      const Tensor<T> weights = pool_->weights(normalized ? normalize(x) : x);
      return before[1] > 0 ? cat({Tensor<T>::zeros(before), weights}, 1) : weights;
    }
    NdArray<T> out = NdArray<T>::zeros({batch, tokens_});
    const Index heads = options_.distilled ? 2 : 1;
    const bool mean = options_.pooling == Pooling::kMean;
    const Index from = mean ? before[1] : 0, to = mean ? tokens_ : heads;
    const T weight = T(1) / static_cast<T>(mean ? count : heads);
    for (Index b = 0; b < batch; ++b) {
      for (Index t = from; t < to; ++t) out(b, t) = weight;
    }
    return Tensor<T>(std::move(out));
  }

  const VisionTransformerOptions& options() const { return options_; }
  /// The layers; one alone if they are shared.
  const nn::ModuleList<nn::TransformerEncoderLayer<T>>& blocks() const { return blocks_; }
  /// The norm after the last layer, if there is one.
  const std::optional<nn::LayerNorm<T>>& norm() const { return norm_; }
  /// The last layer of the head, if there is one.
  const std::optional<nn::Linear<T>>& head() const { return head_; }
  /// The layer that makes the tokens.
  const Tokenizer<T>& tokenizer() const { return tokenizer_; }
  /// The tokenizer's first layer of computed filters; nullptr if there is none.
  const Whitening<T>* whitening() const {
    const auto* convolutions = std::get_if<ConvTokenizer<T>>(&tokenizer_);
    return convolutions && convolutions->whiten() ? &*convolutions->whiten() : nullptr;
  }
  /// Side of the square grid of tokens.
  Index grid() const { return grid_; }
  /// Number of tokens that the layers see, class token and registers included.
  Index tokens() const { return tokens_; }
  /// Number of tokens that come before the image's: class tokens and registers.
  Index prefix_tokens() const {
    return (options_.pooling == Pooling::kClassToken ? 1 : 0) + (options_.distilled ? 1 : 0) +
           options_.registers;
  }

 private:
  /// Tokens before the first layer, and what attention must know of them.
  struct PlacedTokens {
    Tensor<T> x;
    AttentionArguments<T> attention;
  };

  PlacedTokens place(Tensor<T> x) const {
    const Index count = grid_ * grid_, dim = options_.dim;
    if (x.rank() != 3 || x.dim(1) != count || x.dim(2) != dim) {
      throw ShapeError(detail::concat("[vision_transformer] tokens must be (B, ", count, ", ", dim,
                                      "): tokens ", x.shape()));
    }
    if (options_.prefix_positions)
      x = add_positions(add_prefix(x));
    else
      x = add_prefix(add_positions(x));
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
    x = pos_drop_(x);
    return {norm_pre_ ? (*norm_pre_)(x) : x, std::move(attention)};
  }

  Tensor<T> add_positions(const Tensor<T>& x) const {
    if (!positions_.defined()) return x;
    const Index rows = x.dim(1);
    return x + (positions_.dim(1) > rows ? narrow(positions_, 1, 0, rows) : positions_);
  }
  Tensor<T> add_prefix(const Tensor<T>& x) const {
    Tensor<T> out = x;
    for (const Tensor<T>* token : {&reg_token_, &dist_token_, &cls_token_}) {
      if (!token->defined()) continue;
      out = cat({expand(*token, {x.dim(0), token->dim(1), x.dim(2)}), out}, 1);
    }
    return out;
  }

  const nn::TransformerEncoderLayer<T>& block(Index i) const {
    return blocks_[options_.shared_layers ? 0 : i];
  }
  Tensor<T> encode_layer(const nn::TransformerEncoderLayer<T>& block, const Tensor<T>& x,
                         const AttentionArguments<T>& attention) const {
    if (!options_.checkpoint) return block(x, attention);
    const auto layer = [block, attention](const Tensor<T>& in) { return block(in, attention); };
    return checkpoint(block.generators(), layer, x);
  }

  Tensor<T> normalize(const Tensor<T>& x) const { return norm_ ? (*norm_)(x) : x; }
  Tensor<T> class_tokens(const Tensor<T>& x) const {
    return options_.distilled ? narrow(x, 1, 0, 2) : select(x, 1, 0);
  }
  /// The image's tokens alone.
  Tensor<T> drop_prefix(const Tensor<T>& x) const {
    const Index prefix = prefix_tokens();
    return prefix > 0 ? narrow(x, 1, prefix, x.dim(1) - prefix) : x;
  }
  Tensor<T> pool_rows(const Tensor<T>& patches) const {
    if (options_.pooling == Pooling::kMean) return mean(patches, {1});
    return options_.pooling == Pooling::kFlatten ? flatten(patches, 1) : (*pool_)(patches);
  }
  Tensor<T> drop_in_head(const Tensor<T>& x) const { return head_drop_ ? (*head_drop_)(x) : x; }

  /// Rows of the table of positions before the image's.
  Index placed_prefix() const { return options_.prefix_positions ? prefix_tokens() : 0; }
  Index feature_count() const {
    return options_.dim * (options_.pooling == Pooling::kFlatten ? grid_ * grid_ : 1);
  }

  /// **Throws** ValueError on a table of positions that is too short.
  Index position_rows() const {
    const Index rows = grid_ * grid_ + placed_prefix();
    if (options_.position_count == 0) return rows;
    if (options_.position_count < rows) {
      detail::fail_vision_transformer(
          "position_count must be 0, or at least the number of tokens: ", "position_count ",
          options_.position_count, ", tokens ", rows);
    }
    return options_.position_count;
  }

  Tensor<T> add_token(const char* name, Index count, Generator& rng) {
    const Shape shape{1, count, options_.dim};
    return this->add_parameter(name, nn::init::make<T>(shape, options_.token_init, rng),
                               {ParameterKind::kToken});
  }

  std::optional<nn::LayerNorm<T>> make_initial_norm() {
    if (!options_.initial_norm) return std::nullopt;
    return this->add("norm_pre", nn::LayerNorm<T>({options_.dim, options_.norm_eps}));
  }
  std::optional<nn::LayerNorm<T>> make_norm() {
    if (options_.final_norm == FinalNorm::kNone) return std::nullopt;
    const bool after = options_.final_norm == FinalNorm::kAfterPooling;
    return this->add(after ? "fc_norm" : "norm",
                     nn::LayerNorm<T>({after ? feature_count() : options_.dim, options_.norm_eps}));
  }

  std::optional<nn::ModuleList<nn::Linear<T>>> make_hidden(Generator& rng) {
    if (options_.head_hidden.empty()) return std::nullopt;
    nn::ModuleList<nn::Linear<T>> layers;
    Index in = feature_count();
    for (const Index width : options_.head_hidden) {
      layers.append(nn::Linear<T>(
          {.in_features = in,
           .out_features = width,
           .activation = options_.head_tanh ? Activation::kNone : options_.layer.activation,
           .init = options_.init},
          rng));
      in = width;
    }
    return this->add("head_hidden", layers);
  }

  std::optional<nn::Linear<T>> make_head(const char* name, bool wanted, Generator& rng) {
    if (!wanted) return std::nullopt;
    const std::vector<Index>& hidden = options_.head_hidden;
    return this->add(name,
                     nn::Linear<T>({.in_features = hidden.empty() ? feature_count() : hidden.back(),
                                    .out_features = options_.classes,
                                    .init = options_.init},
                                   rng),
                     {.place = ParameterPlace::kOutput});
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
    const Index count =
        options_.shared_layers ? std::min<Index>(options_.depth, 1) : options_.depth;
    for (Index i = 0; i < count; ++i) {
      blocks.append(nn::TransformerEncoderLayer<T>(detail::layer_options(options_, i), rng));
    }
    return blocks;
  }

  VisionTransformerOptions options_;
  Tokenizer<T> tokenizer_;
  Index grid_;
  Index tokens_;
  nn::Dropout<T> pos_drop_;
  std::optional<nn::LayerNorm<T>> norm_pre_;
  nn::ModuleList<nn::TransformerEncoderLayer<T>> blocks_;
  std::optional<nn::LayerNorm<T>> norm_;
  std::optional<nn::ModuleList<nn::Linear<T>>> head_hidden_;
  std::optional<nn::Linear<T>> head_;
  std::optional<nn::Linear<T>> head_dist_;
  std::optional<SequencePooling<T>> pool_;
  std::optional<PatchDropout<T>> patch_drop_;
  std::optional<nn::Dropout<T>> head_drop_;
  Tensor<T> cls_token_;
  Tensor<T> dist_token_;
  Tensor<T> reg_token_;
  Tensor<T> positions_;
  NdArray<T> rotary_;
};

EIGENGRAD_INSTANTIATE(class VisionTransformer<float>)
EIGENGRAD_INSTANTIATE(class VisionTransformer<double>)

}  // namespace eigengrad::models
