// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/models/resize_model.hpp>
#include <examples/vit_cifar10/settings.hpp>

/// Builds the model that the settings describe.
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

inline eg::models::Pooling pooling(const ModelSettings& m) {
  return m.pooling == "cls"       ? eg::models::Pooling::kClassToken
         : m.pooling == "mean"    ? eg::models::Pooling::kMean
         : m.pooling == "flatten" ? eg::models::Pooling::kFlatten
                                  : eg::models::Pooling::kSequence;
}

inline eg::nn::InitOptions init_options(const ModelSettings& m) {
  if (m.init == "default") return {};
  if (m.init == "xavier-uniform") return {eg::nn::Init::kXavierUniform, 1};
  return {eg::nn::Init::kTruncNormal, 0.02};
}

inline eg::models::VisionTransformerOptions model_options(const ModelSettings& m) {
  using eg::models::FinalNorm;
  using eg::models::Positions;
  const eg::models::VisionTransformerOptions defaults;
  const bool uniform = m.position_init == "uniform";
  const eg::nn::InitOptions from_0_to_1{eg::nn::Init::kUniform, 1};
  return {.image_size = m.image_size,
          .classes = m.classes,
          .tokenizer = tokenizer_options(m),
          .dim = m.dim,
          .depth = m.depth,
          .layer = {.heads = m.heads,
                    .head_dim = m.head_dim,
                    .mlp_ratio = m.mlp_ratio,
                    .activate_output = m.activate_output,
                    .norm_first = m.norm == "before",
                    .locality = m.locality,
                    .dropout = m.dropout,
                    .attention_dropout = m.attention_dropout},
          .shared_layers = m.shared_layers,
          .pooling = pooling(m),
          .final_norm = m.final_norm == "tokens"   ? FinalNorm::kBeforePooling
                        : m.final_norm == "pooled" ? FinalNorm::kAfterPooling
                                                   : FinalNorm::kNone,
          .token_init = uniform ? from_0_to_1 : defaults.token_init,
          .positions = m.positions == "learned"  ? Positions::kLearned
                       : m.positions == "sincos" ? Positions::kSinCos2d
                                                 : Positions::kNone,
          .position_count = m.position_count,
          .position_init = uniform ? from_0_to_1 : defaults.position_init,
          .rotary_base = m.rotary_base,
          .position_dropout = m.dropout,
          .patch_dropout = m.patch_dropout,
          .stochastic_depth = m.stochastic_depth,
          .head_hidden = parse_list("head-hidden", m.head_hidden, 65536),
          .head_dropout = m.head_dropout,
          .init = init_options(m),
          .checkpoint = m.checkpoint};
}

inline Model build_model(const ModelSettings& m, eg::Generator& rng) {
  return Model(model_options(m), rng);
}

/// The model in a file, with a new head for the classes and positions for the images of `m`.
inline Model pretrained_model(const std::string& path, const ModelSettings& m, eg::Generator& rng) {
  Model model = eg::models::load_vision_transformer<float>(path);
  if (model.options().image_size != m.image_size) {
    model = eg::models::resize_model(model, {.image_size = m.image_size});
  }
  return eg::models::with_classes(model, m.classes, rng);
}

}  // namespace vit
