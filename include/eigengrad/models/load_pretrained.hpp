// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/models/pretrained/pretrained_file.hpp>
#include <eigengrad/models/pretrained/vit_names.hpp>
#include <eigengrad/models/pretrained/vit_options.hpp>
#include <eigengrad/models/pretrained/weight_names.hpp>
#include <eigengrad/models/resize_positions.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/state_dict.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/slice.hpp>

/// Vision transformers that timm, Hugging Face's transformers or torchvision saved.
namespace eigengrad {

namespace models {

struct PretrainedOptions {
  /// A head for another number of classes, drawn anew; 0 leaves the head out. Unset keeps the
  /// file's.
  std::optional<Index> classes = std::nullopt;
  /// Side of the images; learned positions are interpolated for it. 0 keeps the file's.
  Index image_size = 0;
  /// Number of heads, where neither config.json nor the width of a published model tells it.
  Index heads = 0;
  /// What the norms add to a variance; unset means config.json's, or the library's own default.
  std::optional<double> norm_eps = std::nullopt;
  /// How positions are interpolated.
  Interpolation positions = Interpolation::kBicubic;
  /// For the weights of a new head.
  std::uint64_t seed = 0;
};

}  // namespace models

namespace detail {

/// Weights of a known library, by our names.
template <class T>
struct PretrainedWeights {
  models::PretrainedFormat format;
  OwnWeights<T> weights;
};

/// DINOv2 adds positions before the registers come: the class token takes its own, so that neither
/// has any.
template <class T>
void fold_class_position(nn::StateDict<T>& dict) {
  if (!dict.contains("reg_token") || !dict.contains("cls_token")) return;
  const NoGrad no_grad;
  const Tensor<T> positions(need_weight(dict, "pos_embed", 3));
  dict["cls_token"] = (Tensor<T>(dict.at("cls_token")) + narrow(positions, 1, 0, 1)).value();
  dict["pos_embed"] = narrow(positions, 1, 1, positions.dim(1) - 1).value();
}

/// DeiT's second token is pooled where it has a head.
template <class T>
void rename_register(nn::StateDict<T>& dict) {
  if (!dict.contains("reg_token")) return;
  dict["dist_token"] = dict.at("reg_token");
  dict.erase("reg_token");
}

/// **Throws** ValueError when the names are of no known library.
template <class T>
PretrainedWeights<T> recognize(const nn::StateDict<T>& dict) {
  using enum models::PretrainedFormat;
  const std::string patches = std::string(kHuggingFacePatches) + ".weight";
  if (const auto prefix = prefix_before(dict, patches)) {
    const bool dino = dict.contains(*prefix + "encoder.layer.0.norm1.weight");
    PretrainedWeights<T> out{kHuggingFace, dino
                                               ? to_own_names<T>(dict, kDinoV2Names, *prefix)
                                               : to_own_names<T>(dict, kHuggingFaceNames, *prefix)};
    if (dino) fold_class_position(out.weights.dict);
    if (out.weights.dict.contains("head_dist.weight")) rename_register(out.weights.dict);
    return out;
  }
  if (const auto prefix = prefix_before<T>(dict, "conv_proj.weight")) {
    return {kTorchvision, to_own_names<T>(dict, kTorchvisionNames, *prefix)};
  }
  if (const auto prefix = prefix_before<T>(dict, "patch_embed.proj.weight")) {
    return {kTimm, to_own_names<T>(dict, kTimmNames, *prefix)};
  }
  throw ValueError(
      "its names are none of a vision transformer of timm (patch_embed.proj), Hugging Face "
      "(embeddings.patch_embeddings) or torchvision (conv_proj)");
}

/// The new values instead of the file's where the caller wants another head or another size.
template <class T>
void adapt(nn::StateDict<T>& dict, const models::VisionTransformer<T>& model,
           const models::PretrainedOptions& wanted) {
  const auto in_head = [](const std::string& name) {
    return name.starts_with("head.") || name.starts_with("head_dist.");
  };
  if (wanted.classes) {
    std::erase_if(dict, [&](const auto& entry) { return in_head(entry.first); });
    for (const auto& [name, parameter] : model.named_parameters()) {
      if (in_head(name)) dict[name] = parameter.value();
    }
  }
  if (const auto positions = dict.find("pos_embed"); positions != dict.end()) {
    const Index prefix = model.options().prefix_positions ? model.prefix_tokens() : 0;
    positions->second = resize_positions(positions->second, prefix, model.grid(), wanted.positions);
  }
}

/// The weights as a model. **Throws** ValueError for what it does not represent.
template <class T>
models::VisionTransformer<T> build_pretrained(const PretrainedFile<T>& file,
                                              const models::PretrainedOptions& wanted) {
  PretrainedWeights<T> found = recognize(file.weights);
  nn::StateDict<T>& dict = found.weights.dict;
  check_represented("VisionTransformer", found.weights.unknown);
  PretrainedHints hints;
  if (found.format == models::PretrainedFormat::kHuggingFace) {
    hints = huggingface_hints(file.config);
  }
  if (found.format == models::PretrainedFormat::kTimm) hints = timm_hints(file.config);
  if (wanted.heads > 0) hints.heads = wanted.heads;
  if (wanted.norm_eps) hints.norm_eps = wanted.norm_eps;
  models::VisionTransformerOptions options = vit_options(dict, hints);
  if (wanted.classes) options.classes = *wanted.classes;
  if (wanted.image_size > 0) options.image_size = wanted.image_size;
  if (options.pooling == models::Pooling::kMean && dict.contains("cls_token")) {
    std::vector<Tensor<T>> tokens{Tensor<T>(dict.at("cls_token"))};
    if (dict.contains("reg_token")) tokens.emplace_back(dict.at("reg_token"));
    const NoGrad no_grad;
    dict["reg_token"] = cat(tokens, 1).value();
    dict.erase("cls_token");
  }
  Generator rng(wanted.seed);
  models::VisionTransformer<T> model(options, rng);
  adapt(dict, model, wanted);
  model.load_state_dict(dict);
  return model;
}

}  // namespace detail

namespace models {

/// The vision transformer in a file of another library, in training mode: timm (ViT, DeiT),
/// Hugging Face (ViTModel, ViTForImageClassification, DeiT, DINOv2), torchvision. Which one it is
/// follows from the names of the weights, the model from their shapes and from the config.json that
/// timm and Hugging Face save with them.
///
///     auto vit = models::load_pretrained<float>("vit-base/model.safetensors", {.classes = 10});
///
/// `path` is a safetensors file, the index of several (model.safetensors.index.json), or the folder
/// that they are in. Options replace what the file has: a new head for `classes`, positions for
/// another `image_size`. Where no config.json tells the heads, those of the published model of the
/// same width are taken.
///
/// **Throws** IoError for what it cannot read, and for weights or settings that VisionTransformer
/// does not represent.
template <class T>
VisionTransformer<T> load_pretrained(const std::string& path,
                                     const PretrainedOptions& options = {}) {
  return detail::load_with<T>("load_pretrained", path, [&](const auto& file) {
    return detail::build_pretrained<T>(file, options);
  });
}

}  // namespace models
}  // namespace eigengrad
