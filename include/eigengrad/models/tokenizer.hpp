// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

#include <eigengrad/models/conv_tokenizer.hpp>
#include <eigengrad/models/patch_embedding.hpp>
#include <eigengrad/models/shifted_patches.hpp>

/// The layers that make tokens of images. Each is chosen by the type of its options.
namespace eigengrad::models {

using TokenizerOptions =
    std::variant<PatchEmbeddingOptions, ShiftedPatchEmbeddingOptions, ConvTokenizerOptions>;

template <class T>
using Tokenizer = std::variant<PatchEmbedding<T>, ShiftedPatchEmbedding<T>, ConvTokenizer<T>>;

/// Side of a patch in pixels; 0 for convolutions, which have none.
inline Index patch_size(const TokenizerOptions& options) {
  return std::visit(
      [](const auto& o) -> Index {
        if constexpr (requires { o.patch_size; }) {
          return o.patch_size;
        } else {
          return 0;
        }
      },
      options);
}

}  // namespace eigengrad::models
