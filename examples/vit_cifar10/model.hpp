// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <eigengrad/eigengrad.hpp>
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

}  // namespace vit
