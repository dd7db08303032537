// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <eigengrad/models/vision_transformer_options.hpp>

/// The names of options and of their words, for io/fields.hpp: what stands in files.
namespace eigengrad {

inline std::span<const char* const> enum_names(Activation) {
  static constexpr const char* kNames[] = {"none", "relu", "gelu", "gelu_tanh", "silu"};
  return kNames;
}

namespace nn {

inline std::span<const char* const> enum_names(Init) {
  static constexpr const char* kNames[] = {"default",        "zeros",         "trunc_normal",
                                           "xavier_uniform", "xavier_normal", "kaiming_uniform",
                                           "kaiming_normal", "dirac"};
  return kNames;
}

template <class Visit>
void visit_fields(InitOptions& o, Visit&& visit) {
  visit("rule", o.rule);
  visit("scale", o.scale);
}

}  // namespace nn

namespace models {

inline std::span<const char* const> enum_names(Pooling) {
  static constexpr const char* kNames[] = {"class_token", "mean", "flatten", "sequence"};
  return kNames;
}

inline std::span<const char* const> enum_names(Positions) {
  static constexpr const char* kNames[] = {"learned", "sincos_2d", "none"};
  return kNames;
}

inline std::span<const char* const> enum_names(PatchMethod) {
  static constexpr const char* kNames[] = {"unfold", "conv2d"};
  return kNames;
}

template <class Visit>
void visit_fields(WhiteningOptions& o, Visit&& visit) {
  visit("kernel", o.kernel);
  visit("padding", o.padding);
  visit("activation", o.activation);
  visit("bias", o.bias);
}

template <class Visit>
void visit_fields(ConvStage& o, Visit&& visit) {
  visit("channels", o.channels);
  visit("convs", o.convs);
  visit("kernel", o.kernel);
  visit("stride", o.stride);
  visit("padding", o.padding);
  visit("pool", o.pool);
  visit("pool_stride", o.pool_stride);
  visit("pool_padding", o.pool_padding);
  visit("batch_norm", o.batch_norm);
  visit("activation", o.activation);
  visit("residual", o.residual);
}

template <class Visit>
void visit_fields(VisionTransformerOptions& o, Visit&& visit) {
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

}  // namespace models
}  // namespace eigengrad
