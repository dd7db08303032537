// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/attention_rollout.hpp>
#include <eigengrad/models/vision_transformer.hpp>

/// Where in an image a vision transformer looks: maps over the grid of its tokens.
///
///     const NdArray<float> map = models::attention_map(vit, images);       // all layers
///     const models::AttentionMaps<float> maps(vit, images);
///     const NdArray<float> third = maps.head(maps.layers() - 1, 2);        // one head
namespace eigengrad::models {

/// The attention that a model pays to a batch of images, computed once for any number of maps.
///
/// A map says how much each token of the grid counts in the vector that the head classifies. That
/// vector is a mean of the last layer's tokens with weights p: all on the class token, equal ones,
/// or those that sequence pooling has learned. So every map is p times a matrix of attention: that
/// of one head, or the rollout of all layers. A map sums to 1, less what falls on the class token.
///
/// **Shapes** images (B, C, S, S) as the model takes them; each map (B, grid, grid).
/// **Source** rollout: S. Abnar, W. Zuidema, "Quantifying attention flow in transformers", 2020.
template <class T>
class AttentionMaps {
 public:
  /// Runs the model in evaluation mode, without gradients, and leaves its mode as it was.
  /// **Throws** ValueError when the model has no encoder layer or flattens its tokens.
  AttentionMaps(const VisionTransformer<T>& model, const Tensor<T>& images) : grid_(model.grid()) {
    if (model.options().depth == 0) {
      throw ValueError("[attention_map] the model has no encoder layer, so no attention");
    }
    if (model.options().pooling == Pooling::kFlatten) {
      throw ValueError("[attention_map] the model flattens its tokens, so none has a weight");
    }
    const NoGrad no_grad;
    const EvaluationMode evaluation(model);
    weights_ = model.attention_weights(images);
    pooling_ = model.pooling_weights(images).value();
  }

  Index layers() const { return static_cast<Index>(weights_.size()); }
  Index heads() const { return weights_.front().dim(1); }

  /// Through all layers.
  NdArray<T> rollout(const AttentionRolloutOptions& options = {}) const {
    const NdArray<T> attention = attention_rollout(weights_, options);
    return map([&](Index image) { return attention.data() + image * tokens() * tokens(); });
  }
  /// Through one layer, counted from 0: the mean of its heads.
  NdArray<T> layer(Index layer) const {
    NdArray<T> out = NdArray<T>::zeros({pooling_.dim(0), grid_, grid_});
    for (Index h = 0; h < heads(); ++h) {
      out.array() += head(layer, h).array() / static_cast<T>(heads());
    }
    return out;
  }
  /// Through one head of one layer, both counted from 0.
  NdArray<T> head(Index layer, Index head) const {
    if (layer < 0 || layer >= layers() || head < 0 || head >= heads()) {
      throw ValueError(detail::concat("[attention_map] the model has ", layers(), " layers of ",
                                      heads(), " heads: layer ", layer, ", head ", head));
    }
    const NdArray<T>& attention = weights_[static_cast<std::size_t>(layer)].value();
    return map([&](Index image) {
      return attention.data() + (image * heads() + head) * tokens() * tokens();
    });
  }

 private:
  Index tokens() const { return pooling_.dim(1); }

  /// p (T) . attention (T, T) of each image, without the class token, as a grid.
  template <class AttentionOf>
  NdArray<T> map(const AttentionOf& attention_of) const {
    const Index batch = pooling_.dim(0), cells = grid_ * grid_;
    NdArray<T> out({batch, grid_, grid_});
    for (Index b = 0; b < batch; ++b) {
      const ConstMatrixMap<T> p(pooling_.data() + b * tokens(), 1, tokens());
      const ConstMatrixMap<T> attention(attention_of(b), tokens(), tokens());
      MatrixMap<T>(out.data() + b * cells, 1, cells) = (p * attention).rightCols(cells);
    }
    return out;
  }

  std::vector<Tensor<T>> weights_;  ///< (B, H, T, T) for each layer
  NdArray<T> pooling_;              ///< (B, T)
  Index grid_;
};

/// How much each token of the grid counts in what the model says of each image, through all layers.
/// `AttentionMaps` has single layers and heads too.
///
/// **Shapes** images (B, C, S, S), result (B, grid, grid).
/// **Throws** ValueError when the model has no encoder layer or flattens its tokens.
template <class T>
NdArray<T> attention_map(const VisionTransformer<T>& model, const Tensor<T>& images) {
  return AttentionMaps<T>(model, images).rollout();
}

}  // namespace eigengrad::models
