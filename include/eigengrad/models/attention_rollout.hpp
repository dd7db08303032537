// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>

namespace eigengrad::models {

struct AttentionRolloutOptions {
  /// Share of a token that passes a layer by its residual connection, 0 to 1; the rest comes
  /// through the attention.
  double residual = 0.5;
};

/// How much each token after the last layer has drawn from each token before the first: the product
/// over the layers of r I + (1 - r) A, where A is a layer's attention averaged over its heads and r
/// the residual's share. It is a picture, not a derivative: MLPs and norms are left out, and there
/// is no gradient.
///
/// **Shapes** weights (B, H, T, T) for each layer, the first layer first, as
/// `VisionTransformer::attention_weights` returns them; result (B, T, T), each row a distribution.
/// **Throws** ValueError without a layer or for a share outside [0, 1]; ShapeError when the layers
/// differ in batch or tokens.
/// **Source** S. Abnar, W. Zuidema, "Quantifying attention flow in transformers", 2020.
template <class T>
NdArray<T> attention_rollout(const std::vector<Tensor<T>>& weights,
                             const AttentionRolloutOptions& options = {}) {
  if (weights.empty()) throw ValueError("[attention_rollout] needs the weights of a layer");
  if (!(options.residual >= 0 && options.residual <= 1)) {
    throw ValueError(
        detail::concat("[attention_rollout] residual must be from 0 to 1: ", options.residual));
  }
  const Shape first = weights.front().shape();
  for (const Tensor<T>& layer : weights) {
    const Shape& s = layer.shape();
    if (s.rank() != 4 || s[2] != s[3] || s[0] != first[0] || s[2] != first[2] || s[1] < 1) {
      throw ShapeError(detail::concat(
          "[attention_rollout] each layer's weights must be (B, H, T, T): first layer ", first,
          ", another ", s));
    }
  }
  const Index tokens = first[2];
  const T residual = static_cast<T>(options.residual);
  NdArray<T> out({first[0], tokens, tokens});
  for (Index b = 0; b < first[0]; ++b) {
    Matrix<T> product = Matrix<T>::Identity(tokens, tokens);
    for (const Tensor<T>& layer : weights) {
      const Index heads = layer.dim(1);
      Matrix<T> mixed = residual * Matrix<T>::Identity(tokens, tokens);
      for (Index h = 0; h < heads; ++h) {
        const T* head = layer.value().data() + (b * heads + h) * tokens * tokens;
        mixed += (1 - residual) / static_cast<T>(heads) * ConstMatrixMap<T>(head, tokens, tokens);
      }
      product = (mixed * product).eval();
    }
    MatrixMap<T>(out.data() + b * tokens * tokens, tokens, tokens) = product;
  }
  return out;
}

}  // namespace eigengrad::models
