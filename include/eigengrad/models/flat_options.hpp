// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <eigengrad/io/fields.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>

/// Options of a vision transformer as early files have them: 31 flat fields, where today's have
/// options of the tokenizer and of the layer. Files alone need this.
namespace eigengrad::detail {

struct FlatVisionTransformerOptions {
  Index image_size = 0;
  Index channels_in = 0;
  Index patch_size = 0;
  Index patch_stride = 0;
  Index patch_padding = 0;
  bool shifted_patches = false;
  Index classes = 0;
  Index dim = 0;
  Index depth = 0;
  Index heads = 0;
  Index head_dim = 0;
  double mlp_ratio = 0;
  models::Pooling pooling = {};
  models::Positions positions = {};
  double rotary_base = 0;
  models::PatchMethod patch_method = {};
  std::vector<Index> tokenizer_channels = {};
  std::vector<models::ConvStage> tokenizer_stages = {};
  models::WhiteningOptions tokenizer_whitening = {};
  nn::InitOptions tokenizer_init = {};
  Activation activation = {};
  bool qkv_bias = false;
  bool locality = false;
  double dropout = 0;
  double attention_dropout = 0;
  double patch_dropout = 0;
  double stochastic_depth = 0;
  double norm_eps = 0;
  nn::InitOptions init = {};
  double output_scale = 0;
  bool checkpoint = false;
};

template <class Visit>
void visit_fields(FlatVisionTransformerOptions& o, Visit&& visit) {
  visit("image_size", o.image_size);
  visit("channels_in", o.channels_in);
  visit("patch_size", o.patch_size);
  visit("patch_stride", o.patch_stride);
  visit("patch_padding", o.patch_padding);
  visit("shifted_patches", o.shifted_patches);
  visit("classes", o.classes);
  visit("dim", o.dim);
  visit("depth", o.depth);
  visit("heads", o.heads);
  visit("head_dim", o.head_dim);
  visit("mlp_ratio", o.mlp_ratio);
  visit("pooling", o.pooling);
  visit("positions", o.positions);
  visit("rotary_base", o.rotary_base, true);
  visit("patch_method", o.patch_method);
  visit("tokenizer_channels", o.tokenizer_channels);
  visit("tokenizer_stages", o.tokenizer_stages);
  visit("tokenizer_whitening", o.tokenizer_whitening);
  visit("tokenizer_init", o.tokenizer_init);
  visit("activation", o.activation);
  visit("qkv_bias", o.qkv_bias);
  visit("locality", o.locality);
  visit("dropout", o.dropout);
  visit("attention_dropout", o.attention_dropout);
  visit("patch_dropout", o.patch_dropout, true);
  visit("stochastic_depth", o.stochastic_depth);
  visit("norm_eps", o.norm_eps);
  visit("init", o.init);
  visit("output_scale", o.output_scale);
  visit("checkpoint", o.checkpoint);
}

inline models::TokenizerOptions nested_tokenizer(const FlatVisionTransformerOptions& o) {
  if (!o.tokenizer_channels.empty() || !o.tokenizer_stages.empty()) {
    std::vector<Index> channels = o.tokenizer_channels;
    if (!channels.empty()) channels.push_back(o.dim);
    return models::ConvTokenizerOptions{.channels = std::move(channels),
                                        .stages = o.tokenizer_stages,
                                        .whitening = o.tokenizer_whitening,
                                        .init = o.tokenizer_init};
  }
  if (o.shifted_patches) return models::ShiftedPatchEmbeddingOptions{.patch_size = o.patch_size};
  return models::PatchEmbeddingOptions{.patch_size = o.patch_size,
                                       .stride = o.patch_stride,
                                       .padding = o.patch_padding,
                                       .method = o.patch_method};
}

inline models::VisionTransformerOptions nested_options(const FlatVisionTransformerOptions& o) {
  return {.image_size = o.image_size,
          .channels_in = o.channels_in,
          .classes = o.classes,
          .tokenizer = nested_tokenizer(o),
          .dim = o.dim,
          .depth = o.depth,
          .layer = {.heads = o.heads,
                    .head_dim = o.head_dim,
                    .mlp_ratio = o.mlp_ratio,
                    .activation = o.activation,
                    .qkv_bias = o.qkv_bias,
                    .locality = o.locality,
                    .dropout = o.dropout,
                    .attention_dropout = o.attention_dropout,
                    .output_scale = o.output_scale},
          .pooling = o.pooling,
          .positions = o.positions,
          .rotary_base = o.rotary_base,
          .position_dropout = o.dropout,
          .patch_dropout = o.patch_dropout,
          .stochastic_depth = o.stochastic_depth,
          .norm_eps = o.norm_eps,
          .init = o.init,
          .checkpoint = o.checkpoint};
}

/// Reads both forms; only the flat one has heads outside the layer.
inline models::VisionTransformerOptions read_vision_transformer_options(const io::Json& json) {
  if (json.is_object() && json.contains("heads")) {
    return nested_options(io::from_json<FlatVisionTransformerOptions>(json));
  }
  return io::from_json<models::VisionTransformerOptions>(json);
}

}  // namespace eigengrad::detail
