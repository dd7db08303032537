// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <examples/vit_cifar10/model.hpp>

/// Where a model looks: maps over the grid of its tokens.
namespace vit::report {

/// The attention of one batch of images.
///
/// A map says how much each token of the grid counts in the vector that the head classifies. That
/// vector is a mean of the last layer's tokens with weights p: all on the class token, equal ones,
/// or, with sequence pooling, those that the pooling has learned, which are attention too. So every
/// map is p times a matrix of attention: that of one head, or the rollout of all layers.
class AttentionMaps {
 public:
  /// `images` (B, 3, S, S) as the model takes them. **Throws** ValueError when the model has no
  /// layer of attention or flattens its tokens.
  AttentionMaps(const Model& model, const eg::Tensor<float>& images);

  Index layers() const { return static_cast<Index>(weights_.size()); }
  Index heads() const { return weights_.front().dim(1); }

  /// Through all layers. **Shapes** result (grid, grid).
  eg::NdArray<float> rollout(Index image) const;
  /// Through one head of one layer, both from 0. **Shapes** result (grid, grid).
  eg::NdArray<float> head(Index image, Index layer, Index head) const;
  /// Through one layer, the mean of its heads. **Shapes** result (grid, grid).
  eg::NdArray<float> layer(Index image, Index layer) const;

 private:
  /// p (T) . attention (T, T), without the class token, as a grid.
  eg::NdArray<float> map(Index image, const float* attention) const;

  std::vector<eg::Tensor<float>> weights_;  ///< a layer each, (B, H, T, T)
  eg::NdArray<float> rollout_;              ///< (B, T, T)
  eg::NdArray<float> pooling_;              ///< (B, T)
  Index grid_;
};

}  // namespace vit::report
