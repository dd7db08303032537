// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/models/pooling.hpp>
#include <eigengrad/models/positions.hpp>
#include <eigengrad/models/tokenizer.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/nn/init.hpp>

/// What a VisionTransformer is made of.
namespace eigengrad {

namespace models {

/// Where the norm after the last layer stands.
enum class FinalNorm {
  kBeforePooling,  ///< on the tokens, parameter norm
  kAfterPooling,   ///< on what the head sees, parameter fc_norm as in timm
  kNone,           ///< nowhere, for layers that end with a norm
};

inline std::span<const char* const> enum_names(FinalNorm) {
  static constexpr const char* kNames[] = {"before_pooling", "after_pooling", "none"};
  return kNames;
}

/// Designated initialisers keep this order: the images, the tokenizer, the layers, then what
/// happens around them.
///
/// The parts take from the model what they leave open: channels_in and the tokens' width of the
/// tokenizer, dim, norm_eps and init of the layer.
struct VisionTransformerOptions {
  /// Side of the square images in pixels.
  Index image_size = 32;
  Index channels_in = 3;
  /// 0 means no head: the result is what the pooling makes.
  Index classes = 10;
  /// How images become tokens: patches, patches with shifted copies, or convolutions.
  TokenizerOptions tokenizer = PatchEmbeddingOptions{.patch_size = 4};
  /// Width of the tokens.
  Index dim = 192;
  /// Number of encoder layers.
  Index depth = 6;
  /// What each encoder layer is made of.
  nn::TransformerEncoderLayerOptions layer = {.heads = 3};
  /// Use the weights of one layer `depth` times.
  bool shared_layers = false;
  /// Learned tokens that the layers see and no pooling reads, after the class token.
  Index registers = 0;
  /// A second class token with a head of its own; the result is the mean of both heads.
  bool distilled = false;
  Pooling pooling = Pooling::kClassToken;
  FinalNorm final_norm = FinalNorm::kBeforePooling;
  /// A norm of the tokens with their positions, before the first layer; parameter norm_pre.
  bool initial_norm = false;
  /// First values of class token and registers.
  nn::InitOptions token_init = {nn::Init::kNormal, 1e-6};
  Positions positions = Positions::kLearned;
  /// Whether class token and registers have positions too.
  bool prefix_positions = true;
  /// Rows of the table of learned positions, of which the tokens take the first; 0 means one per
  /// token.
  Index position_count = 0;
  /// First values of learned positions.
  nn::InitOptions position_init = {nn::Init::kTruncNormal, 0.02};
  /// Base of the wave lengths of rotary positions, which rotate queries and keys in every layer, in
  /// addition to `positions`; 0 means none.
  double rotary_base = 0;
  /// Probability of dropout on the tokens with their positions, before the first layer.
  double position_dropout = 0;
  /// Share of its tokens that each sample leaves out in training, others each time.
  double patch_dropout = 0;
  /// Probability that a sample skips a branch of the last layer; it grows from 0 in the first. With
  /// layer.stochastic_depth instead, it is the same in all layers.
  double stochastic_depth = 0;
  /// Widths of the head's hidden layers, which have the layers' activation.
  std::vector<Index> head_hidden = {};
  /// The head's hidden layers have tanh instead, as the original's pre-logits.
  bool head_tanh = false;
  /// Probability of dropout on what each layer of the head sees.
  double head_dropout = 0;
  /// What the last norm adds to a variance, and the norms of layers that do not set their own.
  double norm_eps = 1e-6;
  /// First weights of the head and the sequence pooling, and of layers that do not set their own.
  nn::InitOptions init = {nn::Init::kTruncNormal, 0.02};
  /// Compute each encoder layer again in backward instead of keeping its results: less memory, a
  /// third more work.
  bool checkpoint = false;
};

template <class Visit>
void visit_fields(VisionTransformerOptions& o, Visit&& visit) {
  visit("image_size", o.image_size);
  visit("channels_in", o.channels_in);
  visit("classes", o.classes);
  visit("tokenizer", o.tokenizer);
  visit("dim", o.dim);
  visit("depth", o.depth);
  visit("layer", o.layer);
  visit("shared_layers", o.shared_layers, true);
  visit("registers", o.registers, true);
  visit("distilled", o.distilled, true);
  visit("pooling", o.pooling);
  visit("final_norm", o.final_norm, true);
  visit("initial_norm", o.initial_norm, true);
  visit("token_init", o.token_init, true);
  visit("positions", o.positions);
  visit("prefix_positions", o.prefix_positions, true);
  visit("position_count", o.position_count, true);
  visit("position_init", o.position_init, true);
  visit("rotary_base", o.rotary_base);
  visit("position_dropout", o.position_dropout);
  visit("patch_dropout", o.patch_dropout);
  visit("stochastic_depth", o.stochastic_depth);
  visit("head_hidden", o.head_hidden, true);
  visit("head_tanh", o.head_tanh, true);
  visit("head_dropout", o.head_dropout, true);
  visit("norm_eps", o.norm_eps);
  visit("init", o.init);
  visit("checkpoint", o.checkpoint);
}

}  // namespace models

namespace detail {

template <class... Parts>
[[noreturn]] void fail_vision_transformer(const Parts&... parts) {
  throw ValueError(concat("[vision_transformer] ", parts...));
}

/// Gives a part the model's size where it has none. **Throws** ValueError when it has another.
inline void take_size(Index& own, const char* own_name, Index size, const char* name) {
  if (own == 0) own = size;
  if (own != size) {
    fail_vision_transformer(own_name, " must be ", name, ", or 0 to take it: ", own_name, " ", own,
                            ", ", name, " ", size);
  }
}

/// The tokenizer's options with the sizes that it takes from the model.
template <class Patches>
Patches tokenizer_options(Patches own, const models::VisionTransformerOptions& model) {
  take_size(own.channels_in, "tokenizer.channels_in", model.channels_in, "channels_in");
  take_size(own.dim, "tokenizer.dim", model.dim, "dim");
  return own;
}
inline models::ConvTokenizerOptions tokenizer_options(
    models::ConvTokenizerOptions own, const models::VisionTransformerOptions& model) {
  take_size(own.channels_in, "tokenizer.channels_in", model.channels_in, "channels_in");
  if (!own.channels.empty()) {
    take_size(own.channels.back(), "tokenizer.channels.back()", model.dim, "dim");
  }
  if (!own.stages.empty()) {
    take_size(own.stages.back().channels, "tokenizer.stages.back().channels", model.dim, "dim");
  }
  return own;
}

/// The options of encoder layer `i`, with what it takes from the model.
inline nn::TransformerEncoderLayerOptions layer_options(const models::VisionTransformerOptions& o,
                                                        Index i) {
  nn::TransformerEncoderLayerOptions layer = o.layer;
  take_size(layer.dim, "layer.dim", o.dim, "dim");
  if (!layer.norm_eps) layer.norm_eps = o.norm_eps;
  if (layer.init.rule == nn::Init::kDefault) layer.init = o.init;
  if (o.stochastic_depth != 0) {
    const double share =
        o.depth > 1 ? static_cast<double>(i) / static_cast<double>(o.depth - 1) : 1;
    layer.stochastic_depth = o.stochastic_depth * share;
  }
  return layer;
}

/// **Throws** ValueError unless images of this size hold whole patches.
inline void check_patches(Index patch_size, bool tiles, Index padding, Index image_size) {
  if (patch_size < 1) fail_vision_transformer("patch_size must be positive: ", patch_size);
  if (tiles && image_size % patch_size != 0) {
    fail_vision_transformer("patch_size must divide image_size: patch_size ", patch_size,
                            ", image_size ", image_size);
  }
  if (image_size + 2 * padding < patch_size) {
    fail_vision_transformer("patch_size must fit image_size and padding: patch_size ", patch_size,
                            ", image_size ", image_size, ", padding ", padding);
  }
}
inline void check_tokenizer(const models::PatchEmbeddingOptions& o, Index image_size) {
  check_patches(o.patch_size, o.tiles(), o.padding, image_size);
}
inline void check_tokenizer(const models::ShiftedPatchEmbeddingOptions& o, Index image_size) {
  check_patches(o.patch_size, true, 0, image_size);
}
/// What convolutions leave of an image is known once they exist.
inline void check_tokenizer(const models::ConvTokenizerOptions&, Index) {}

/// **Throws** ValueError on options out of range or at odds with each other.
inline const models::VisionTransformerOptions& check_vision_transformer(
    const models::VisionTransformerOptions& o) {
  const std::pair<const char*, Index> sizes[] = {{"image_size", o.image_size},
                                                 {"channels_in", o.channels_in},
                                                 {"dim", o.dim},
                                                 {"heads", o.layer.heads}};
  for (const auto& [name, size] : sizes) {
    if (size < 1) fail_vision_transformer(name, " must be positive: ", size);
  }
  const std::pair<const char*, Index> counts[] = {
      {"classes", o.classes}, {"depth", o.depth}, {"registers", o.registers}};
  for (const auto& [name, count] : counts) {
    if (count < 0) fail_vision_transformer(name, " must not be negative: ", count);
  }
  if (o.layer.head_dim == 0 && o.dim % o.layer.heads != 0) {
    fail_vision_transformer("dim must be divisible by heads: dim ", o.dim, ", heads ",
                            o.layer.heads);
  }
  if (!(o.rotary_base >= 0)) {
    fail_vision_transformer("rotary_base must not be negative: ", o.rotary_base);
  }
  if (o.distilled && (o.pooling != models::Pooling::kClassToken || !o.head_hidden.empty())) {
    fail_vision_transformer("distilled needs pooling kClassToken and no head_hidden");
  }
  if (o.patch_dropout != 0 && o.pooling == models::Pooling::kFlatten) {
    fail_vision_transformer("patch_dropout ", o.patch_dropout,
                            " needs another pooling than kFlatten");
  }
  if (o.stochastic_depth != 0 && o.layer.stochastic_depth != 0) {
    fail_vision_transformer("stochastic_depth and layer.stochastic_depth exclude each other: ",
                            o.stochastic_depth, " and ", o.layer.stochastic_depth);
  }
  if (o.stochastic_depth != 0 && o.shared_layers) {
    fail_vision_transformer("shared_layers need one probability for all: layer.stochastic_depth ",
                            "instead of stochastic_depth ", o.stochastic_depth);
  }
  for (const Index width : o.head_hidden) {
    if (width < 1) fail_vision_transformer("head_hidden must be positive: ", width);
  }
  std::visit([&](const auto& tokenizer) { check_tokenizer(tokenizer, o.image_size); }, o.tokenizer);
  return o;
}

}  // namespace detail
}  // namespace eigengrad
