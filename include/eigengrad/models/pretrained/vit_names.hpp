// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <span>
#include <string>
#include <string_view>

#include <eigengrad/models/pretrained/weight_names.hpp>

/// Vision transformers of other libraries: their names, and how a file is recognised.
namespace eigengrad {

namespace models {

/// Whose names a file of weights has.
enum class PretrainedFormat {
  kTimm,         ///< timm's VisionTransformer: ViT, DeiT
  kHuggingFace,  ///< transformers: ViTModel and ViTForImageClassification, DeiT, DINOv2
  kTorchvision,  ///< torchvision's VisionTransformer
};

inline std::span<const char* const> enum_names(PretrainedFormat) {
  static constexpr const char* kNames[] = {"timm", "huggingface", "torchvision"};
  return kNames;
}

}  // namespace models

namespace detail {

/// timm's names are ours but for what only some of its models have.
inline constexpr WeightName kTimmNames[] = {
    {"cls_token", {"cls_token"}},
    {"dist_token", {"dist_token"}},
    {"reg_token", {"reg_token"}},
    {"pos_embed", {"pos_embed"}},
    {"patch_embed.proj", {"patch_embed.proj"}},
    {"norm_pre", {"norm_pre"}},
    {"blocks.#.norm1", {"blocks.#.norm1"}},
    {"blocks.#.attn.qkv", {"blocks.#.attn.qkv"}},
    {"blocks.#.attn.proj", {"blocks.#.attn.proj"}},
    {"blocks.#.ls1", {"blocks.#.ls1"}},
    {"blocks.#.norm2", {"blocks.#.norm2"}},
    {"blocks.#.mlp.fc1", {"blocks.#.mlp.fc1"}},
    {"blocks.#.mlp.fc2", {"blocks.#.mlp.fc2"}},
    {"blocks.#.ls2", {"blocks.#.ls2"}},
    {"norm", {"norm"}},
    {"fc_norm", {"fc_norm"}},
    {"head_hidden.0", {"pre_logits.fc"}},
    {"head", {"head"}},
    {"head_dist", {"head_dist"}},
};

inline constexpr WeightName kTorchvisionNames[] = {
    {"cls_token", {"class_token"}},
    {"pos_embed", {"encoder.pos_embedding"}},
    {"patch_embed.proj", {"conv_proj"}},
    {"blocks.#.norm1", {"encoder.layers.encoder_layer_#.ln_1"}},
    {"blocks.#.attn.qkv.weight", {"encoder.layers.encoder_layer_#.self_attention.in_proj_weight"}},
    {"blocks.#.attn.qkv.bias", {"encoder.layers.encoder_layer_#.self_attention.in_proj_bias"}},
    {"blocks.#.attn.proj", {"encoder.layers.encoder_layer_#.self_attention.out_proj"}},
    {"blocks.#.norm2", {"encoder.layers.encoder_layer_#.ln_2"}},
    {"blocks.#.mlp.fc1", {"encoder.layers.encoder_layer_#.mlp.0"}},
    {"blocks.#.mlp.fc2", {"encoder.layers.encoder_layer_#.mlp.3"}},
    {"norm", {"encoder.ln"}},
    {"head_hidden.0", {"heads.pre_logits"}},
    {"head", {"heads.head"}},
};

inline constexpr std::string_view kHuggingFacePatches = "embeddings.patch_embeddings.projection";

/// ViT and DeiT; the table of DINOv2 follows.
inline constexpr WeightName kHuggingFaceNames[] = {
    {"", {"embeddings.mask_token"}},  // of pretraining alone
    {"cls_token", {"embeddings.cls_token"}},
    {"reg_token", {"embeddings.distillation_token"}},
    {"pos_embed", {"embeddings.position_embeddings"}},
    {"patch_embed.proj", {kHuggingFacePatches}},
    {"blocks.#.norm1", {"encoder.layer.#.layernorm_before"}},
    {"blocks.#.attn.qkv",
     {"encoder.layer.#.attention.attention.query", "encoder.layer.#.attention.attention.key",
      "encoder.layer.#.attention.attention.value"}},
    {"blocks.#.attn.proj", {"encoder.layer.#.attention.output.dense"}},
    {"blocks.#.norm2", {"encoder.layer.#.layernorm_after"}},
    {"blocks.#.mlp.fc1", {"encoder.layer.#.intermediate.dense"}},
    {"blocks.#.mlp.fc2", {"encoder.layer.#.output.dense"}},
    {"norm", {"layernorm"}},
    {"head_hidden.0", {"pooler.dense"}},
    {"head", {"classifier"}},
    {"head", {"cls_classifier"}},
    {"head_dist", {"distillation_classifier"}},
};

inline constexpr WeightName kDinoV2Names[] = {
    {"", {"embeddings.mask_token"}},  // of pretraining alone
    {"cls_token", {"embeddings.cls_token"}},
    {"reg_token", {"embeddings.register_tokens"}},
    {"pos_embed", {"embeddings.position_embeddings"}},
    {"patch_embed.proj", {kHuggingFacePatches}},
    {"blocks.#.norm1", {"encoder.layer.#.norm1"}},
    {"blocks.#.attn.qkv",
     {"encoder.layer.#.attention.attention.query", "encoder.layer.#.attention.attention.key",
      "encoder.layer.#.attention.attention.value"}},
    {"blocks.#.attn.proj", {"encoder.layer.#.attention.output.dense"}},
    {"blocks.#.ls1.gamma", {"encoder.layer.#.layer_scale1.lambda1"}},
    {"blocks.#.norm2", {"encoder.layer.#.norm2"}},
    {"blocks.#.mlp", {"encoder.layer.#.mlp"}},
    {"blocks.#.ls2.gamma", {"encoder.layer.#.layer_scale2.lambda1"}},
    {"norm", {"layernorm"}},
};

}  // namespace detail
}  // namespace eigengrad
