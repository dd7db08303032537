// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/models/pretrained/pretrained_file.hpp>
#include <eigengrad/models/pretrained/weight_names.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// The options of a published vision transformer, from its weights and the
/// configuration that comes with them.
namespace eigengrad::detail {

/// What shapes do not say; unset means that the configuration does not say it either.
struct PretrainedHints {
  std::optional<Index> heads = std::nullopt;
  std::optional<Index> image_size = std::nullopt;
  std::optional<double> norm_eps = std::nullopt;
  Activation activation = Activation::kGelu;
  bool mean_pooling = false;
};

inline PretrainedHints huggingface_hints(const io::Json& config) {
  PretrainedHints out;
  out.heads = integer_member(config, "num_attention_heads");
  out.image_size = side_member(config, "image_size");
  out.activation = activation_of(string_member(config, "hidden_act"));
  out.norm_eps = number_member(config, "layer_norm_eps").value_or(1e-12);
  return out;
}

inline PretrainedHints timm_hints(const io::Json& config) {
  PretrainedHints out;
  const io::Json* arguments = config.find("model_args");
  if (arguments != nullptr && arguments->is_object()) {
    out.heads = integer_member(*arguments, "num_heads");
    out.image_size = side_member(*arguments, "img_size");
    out.activation = activation_of(string_member(*arguments, "act_layer"));
  }
  if (string_member(config, "architecture").find("quickgelu") != std::string::npos) {
    out.activation = activation_of("quick_gelu");
  }
  out.mean_pooling = string_member(config, "global_pool") == "avg";
  return out;
}

/// The number of heads of the published models of this width; 0 if there is none.
inline Index published_heads(Index dim) {
  constexpr std::pair<Index, Index> kHeads[] = {{192, 3},   {320, 5},   {384, 6},   {512, 8},
                                                {640, 10},  {768, 12},  {1024, 16}, {1152, 16},
                                                {1280, 16}, {1408, 16}, {1664, 16}};
  for (const auto& [width, heads] : kHeads) {
    if (width == dim) return heads;
  }
  return 0;
}

/// The side of the square grid of this many tokens; 0 if they make none.
inline Index square_side(Index tokens) {
  if (tokens < 1) return 0;
  const Index side = std::llround(std::sqrt(static_cast<double>(tokens)));
  return side * side == tokens ? side : 0;
}

/// Finds the grid of the positions, and whether the tokens before it have positions too.
template <class T>
void set_grid(models::VisionTransformerOptions& o, const nn::StateDict<T>& weights,
              const PretrainedHints& hints, Index patch, Index prefix) {
  if (!weights.contains("pos_embed")) {
    if (!hints.image_size) throw ValueError("the size of the images is not known: no pos_embed");
    o.positions = models::Positions::kNone;
    o.image_size = *hints.image_size;
    return;
  }
  const Index rows = need_weight(weights, "pos_embed", 3).dim(1);
  const Index all = square_side(rows - prefix), image = square_side(rows);
  const bool fits = hints.image_size && image > 0 && image * patch == *hints.image_size;
  o.prefix_positions = prefix == 0 || (all > 0 && !fits);
  const Index side = o.prefix_positions ? all : image;
  if (side == 0) {
    throw ValueError(concat("the ", rows, " positions are no square grid, with or without the ",
                            prefix, " tokens before it; rectangular images are not represented"));
  }
  o.image_size = side * patch;
}

template <class T>
Index count_layers(const nn::StateDict<T>& weights) {
  Index depth = 0;
  while (weights.contains(concat("blocks.", depth, ".norm1.weight"))) ++depth;
  return depth;
}

/// The options of the model that has these weights, which have our names.
/// **Throws** ValueError when something is missing or not represented.
template <class T>
models::VisionTransformerOptions vit_options(const nn::StateDict<T>& weights,
                                             const PretrainedHints& hints) {
  const auto has = [&](const char* name) { return weights.contains(name); };
  models::VisionTransformerOptions o;
  const Shape patches = need_weight(weights, "patch_embed.proj.weight", 4).shape();
  if (patches[2] != patches[3]) throw ValueError(concat("patches are not square: ", patches));
  o.tokenizer =
      models::PatchEmbeddingOptions{.patch_size = patches[2], .bias = has("patch_embed.proj.bias")};
  o.dim = patches[0];
  o.channels_in = patches[1];
  o.depth = count_layers(weights);
  o.layer.heads = hints.heads.value_or(published_heads(o.dim));
  if (o.layer.heads == 0) {
    throw ValueError(concat("the number of heads follows neither from a config.json nor from the ",
                            "width ", o.dim, "; set PretrainedOptions::heads"));
  }
  o.layer.activation = hints.activation;
  o.layer.qkv_bias = has("blocks.0.attn.qkv.bias");
  if (has("blocks.0.ls1.gamma")) o.layer.layer_scale = 1;
  if (o.depth > 0) {
    const Index hidden = need_weight(weights, "blocks.0.mlp.fc1.weight", 2).dim(0);
    o.layer.mlp_ratio = static_cast<double>(hidden) / static_cast<double>(o.dim);
  }
  o.initial_norm = has("norm_pre.weight");
  o.final_norm = has("fc_norm.weight") ? models::FinalNorm::kAfterPooling
                 : has("norm.weight")  ? models::FinalNorm::kBeforePooling
                                       : models::FinalNorm::kNone;
  const bool token = has("cls_token");
  const bool mean = !token || hints.mean_pooling || has("fc_norm.weight");
  o.pooling = mean ? models::Pooling::kMean : models::Pooling::kClassToken;
  o.distilled = has("dist_token");
  o.registers = has("reg_token") ? need_weight(weights, "reg_token", 3).dim(1) : 0;
  if (has("head_hidden.0.weight")) {
    o.head_hidden = {need_weight(weights, "head_hidden.0.weight", 2).dim(0)};
    o.head_tanh = true;
  }
  o.classes = has("head.weight") ? need_weight(weights, "head.weight", 2).dim(0) : 0;
  o.norm_eps = hints.norm_eps.value_or(o.initial_norm ? 1e-5 : 1e-6);
  const Index prefix = (token ? 1 : 0) + (o.distilled ? 1 : 0) + o.registers;
  set_grid(o, weights, hints, patches[2], prefix);
  if (token && mean) ++o.registers;  // a class token that is not pooled is one more register
  return o;
}

}  // namespace eigengrad::detail
