// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <eigengrad/models/conv_tokenizer.hpp>
#include <eigengrad/models/patch_embedding.hpp>
#include <eigengrad/models/pooling.hpp>
#include <eigengrad/models/positions.hpp>

/// What a VisionTransformer is made of.
namespace eigengrad {

namespace models {

struct VisionTransformerOptions {
  /// Side of the square images in pixels.
  Index image_size = 32;
  Index channels_in = 3;
  /// Side of a patch in pixels; without effect if convolutions make the tokens.
  Index patch_size = 4;
  /// From one patch to the next in pixels; 0 means patch_size, less lets patches overlap.
  Index patch_stride = 0;
  /// Zeros around the image in pixels.
  Index patch_padding = 0;
  /// A ShiftedPatchEmbedding makes the tokens.
  bool shifted_patches = false;
  Index classes = 10;
  /// Width of the tokens.
  Index dim = 192;
  /// Number of encoder layers.
  Index depth = 6;
  Index heads = 3;
  /// Width of a head; 0 means dim / heads.
  Index head_dim = 0;
  /// Width of the hidden layer as a multiple of dim.
  double mlp_ratio = 4;
  Pooling pooling = Pooling::kClassToken;
  Positions positions = Positions::kLearned;
  /// Base of the wave lengths of rotary positions, which turn queries and keys in every layer,
  /// beside `positions`; 0 means none.
  double rotary_base = 0;
  PatchMethod patch_method = PatchMethod::kUnfold;
  /// If not empty, a ConvTokenizer with these channels and then dim replaces the patches.
  std::vector<Index> tokenizer_channels = {};
  /// If not empty, a ConvTokenizer with these stages replaces the patches; the last must have dim
  /// channels.
  std::vector<ConvStage> tokenizer_stages = {};
  /// Of the ConvTokenizer.
  WhiteningOptions tokenizer_whitening = {};
  nn::InitOptions tokenizer_init = {nn::Init::kKaimingNormal};
  Activation activation = Activation::kGelu;
  bool qkv_bias = true;
  /// Locality self-attention: each head learns the scale of its scores, and no token attends to
  /// itself.
  bool locality = false;
  /// Of dropout on the tokens, on each branch and in the hidden layers.
  double dropout = 0;
  /// Of dropout on the attention weights.
  double attention_dropout = 0;
  /// Share of the tokens that each sample goes without in training, others each time.
  double patch_dropout = 0;
  /// Probability that a sample skips a branch of the last layer; it grows from 0 in the first.
  double stochastic_depth = 0;
  double norm_eps = 1e-6;
  /// Of the encoder layers, the head and the sequence pooling.
  nn::InitOptions init = {nn::Init::kTruncNormal, 0.02};
  /// Factor of the first weights of attn.proj and mlp.fc2; 0 makes each layer begin as the
  /// identity.
  double output_scale = 1;
  /// Compute each encoder layer again in backward instead of keeping what it computed: less memory,
  /// a third more work.
  bool checkpoint = false;

  /// Whether convolutions make the tokens.
  bool convolutional() const { return !tokenizer_channels.empty() || !tokenizer_stages.empty(); }
};

}  // namespace models

namespace detail {

/// **Throws** ValueError on options out of range or at odds with each other.
inline const models::VisionTransformerOptions& check_vision_transformer(
    const models::VisionTransformerOptions& o) {
  const auto fail = [](const auto&... parts) {
    throw ValueError(concat("[vision_transformer] ", parts...));
  };
  const std::pair<const char*, Index> sizes[] = {{"image_size", o.image_size},
                                                 {"channels_in", o.channels_in},
                                                 {"patch_size", o.patch_size},
                                                 {"classes", o.classes},
                                                 {"dim", o.dim},
                                                 {"heads", o.heads}};
  for (const auto& [name, size] : sizes) {
    if (size < 1) fail(name, " must be positive: ", size);
  }
  if (!(o.rotary_base >= 0)) fail("rotary_base must not be negative: ", o.rotary_base);
  if (o.depth < 0) fail("depth must not be negative: ", o.depth);
  if (o.head_dim == 0 && o.dim % o.heads != 0) {
    fail("dim must be divisible by heads: dim ", o.dim, ", heads ", o.heads);
  }
  if (!o.tokenizer_channels.empty() && !o.tokenizer_stages.empty()) {
    fail("tokenizer_channels and tokenizer_stages exclude each other");
  }
  if (!o.tokenizer_stages.empty() && o.tokenizer_stages.back().channels != o.dim) {
    fail("the last of tokenizer_stages must have dim channels: channels ",
         o.tokenizer_stages.back().channels, ", dim ", o.dim);
  }
  if (!o.convolutional() && o.tokenizer_whitening.kernel != 0) {
    fail("tokenizer_whitening needs tokenizer_channels or tokenizer_stages");
  }
  const bool side_by_side =
      (o.patch_stride == 0 || o.patch_stride == o.patch_size) && o.patch_padding == 0;
  if (o.shifted_patches && (o.convolutional() || !side_by_side)) {
    fail("shifted_patches exclude ",
         o.convolutional() ? "a tokenizer" : "patch_stride, patch_padding");
  }
  if (!o.convolutional() && side_by_side && o.image_size % o.patch_size != 0) {
    fail("patch_size must divide image_size: patch_size ", o.patch_size, ", image_size ",
         o.image_size);
  }
  if (!o.convolutional() && o.image_size + 2 * o.patch_padding < o.patch_size) {
    fail("patch_size must fit image_size and padding: patch_size ", o.patch_size, ", image_size ",
         o.image_size, ", patch_padding ", o.patch_padding);
  }
  if (o.patch_dropout != 0 && o.pooling == models::Pooling::kFlatten) {
    fail("patch_dropout ", o.patch_dropout, " needs another pooling than kFlatten");
  }
  return o;
}

}  // namespace detail
}  // namespace eigengrad
