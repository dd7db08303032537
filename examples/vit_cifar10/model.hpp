// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/vit_cifar10/data_settings.hpp>
#include <examples/vit_cifar10/settings.hpp>

/// Builds the model that the settings describe, and keeps both in one safetensors file.
namespace vit {

using Model = eg::models::VisionTransformer<float>;

inline eg::models::ConvTokenizerOptions convolutions(const ModelSettings& m) {
  eg::models::ConvTokenizerOptions out;
  out.whitening = {.kernel = m.whitening, .bias = false};
  std::vector<Index> channels = parse_list("channels", m.channels, 65536);
  channels.push_back(m.dim);
  const std::vector<Index> convs = parse_stages("convs", m.convs, 16, channels.size());
  const std::vector<Index> pool = parse_stages("conv-pool", m.conv_pool, 15, channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    out.stages.push_back({.channels = channels[i],
                          .convs = convs[i],
                          .kernel = m.conv_kernel,
                          .pool = pool[i] > 1 ? pool[i] : 0,
                          .pool_padding = (pool[i] - 1) / 2,
                          .batch_norm = m.conv_norm == "batch",
                          .activation = m.conv_activation == "relu"   ? eg::Activation::kRelu
                                        : m.conv_activation == "gelu" ? eg::Activation::kGelu
                                                                      : eg::Activation::kSilu,
                          .residual = m.conv_residual});
  }
  return out;
}

inline eg::models::TokenizerOptions tokenizer_options(const ModelSettings& m) {
  if (m.tokenizer == "conv") return convolutions(m);
  if (m.tokenizer == "shifted") {
    if (m.patch_stride != 0 || m.patch_padding != 0) {
      throw cli::UsageError("--tokenizer shifted has neither --patch-stride nor --patch-padding");
    }
    return eg::models::ShiftedPatchEmbeddingOptions{.patch_size = m.patch_size};
  }
  return eg::models::PatchEmbeddingOptions{
      .patch_size = m.patch_size, .stride = m.patch_stride, .padding = m.patch_padding};
}

inline eg::models::VisionTransformerOptions model_options(const ModelSettings& m) {
  return {.image_size = m.image_size,
          .classes = m.classes,
          .tokenizer = tokenizer_options(m),
          .dim = m.dim,
          .depth = m.depth,
          .layer = {.heads = m.heads,
                    .mlp_ratio = m.mlp_ratio,
                    .locality = m.locality,
                    .dropout = m.dropout},
          .pooling = m.pooling == "cls"    ? eg::models::Pooling::kClassToken
                     : m.pooling == "mean" ? eg::models::Pooling::kMean
                                           : eg::models::Pooling::kSequence,
          .rotary_base = m.rotary_base,
          .position_dropout = m.dropout,
          .patch_dropout = m.patch_dropout,
          .stochastic_depth = m.stochastic_depth};
}

inline Model build_model(const ModelSettings& m, eg::Generator& rng) {
  return Model(model_options(m), rng);
}

/// A trained model and what is needed to use it.
struct Checkpoint {
  eg::data::Normalization normalization;
  std::vector<std::string> class_names;
  DataSettings data;  ///< what it was trained on
  Model model;
};

/// Any program gets the model back with `eg::models::load_vision_transformer`.
inline void save_checkpoint(const std::string& path, const Checkpoint& c) {
  Json description = Json::object();
  description["mean"] = Json(c.normalization.mean);
  description["std"] = Json(c.normalization.stddev);
  description["class_names"] = Json(c.class_names);
  description["data"] = to_json(c.data);
  eg::models::save_model(path, c.model, {{"vit_cifar10", description.dump()}});
}

/// **Throws** UsageError without a path; IoError when the file is no checkpoint of this program, or
/// its weights are not those of the model that it describes.
inline Checkpoint load_checkpoint(const std::string& path) {
  if (path.empty()) {
    throw cli::UsageError("--checkpoint FILE is required: the model.safetensors of a run");
  }
  const eg::io::SafetensorsFile file(path);
  const auto found = file.metadata().find("vit_cifar10");
  if (found == file.metadata().end()) {
    throw eg::IoError("[checkpoint] " + path +
                      " does not describe its model; it must be a model.safetensors that "
                      "`vit_cifar10 train` wrote");
  }
  const Json description = Json::parse(found->second, path);
  eg::data::Normalization normalization{
      .mean = eg::io::from_json<std::vector<float>>(description.at("mean"), {.path = "mean"}),
      .stddev = eg::io::from_json<std::vector<float>>(description.at("std"), {.path = "std"})};
  auto names = eg::io::from_json<std::vector<std::string>>(description.at("class_names"),
                                                           {.path = "class_names"});
  return {std::move(normalization), std::move(names), data_from_json(description.at("data")),
          eg::models::load_vision_transformer<float>(file)};
}

}  // namespace vit
