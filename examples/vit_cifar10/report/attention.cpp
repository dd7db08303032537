// SPDX-License-Identifier: MIT
#include <examples/vit_cifar10/report/attention.hpp>

namespace vit::report {

AttentionMaps::AttentionMaps(const Model& model, const eg::Tensor<float>& images)
    : grid_(model.grid()) {
  const eg::NoGrad no_grad;
  const bool was_training = model.training();
  model.eval();
  weights_ = model.attention_weights(images);
  rollout_ = eg::models::attention_rollout(weights_);
  pooling_ = model.pooling_weights(images).value();
  model.train(was_training);
}

eg::NdArray<float> AttentionMaps::rollout(Index image) const {
  const Index tokens = rollout_.dim(1);
  return map(image, rollout_.data() + image * tokens * tokens);
}

eg::NdArray<float> AttentionMaps::head(Index image, Index layer, Index head) const {
  const eg::NdArray<float>& w = weights_[static_cast<std::size_t>(layer)].value();
  const Index tokens = w.dim(2);
  return map(image, w.data() + (image * heads() + head) * tokens * tokens);
}

eg::NdArray<float> AttentionMaps::layer(Index image, Index layer) const {
  eg::NdArray<float> out = eg::NdArray<float>::zeros({grid_, grid_});
  for (Index h = 0; h < heads(); ++h) {
    out.array() += head(image, layer, h).array() / static_cast<float>(heads());
  }
  return out;
}

eg::NdArray<float> AttentionMaps::map(Index image, const float* attention) const {
  const Index tokens = pooling_.dim(1);
  const eg::ConstMatrixMap<float> p(pooling_.data() + image * tokens, 1, tokens);
  const eg::ConstMatrixMap<float> a(attention, tokens, tokens);
  eg::NdArray<float> out({grid_, grid_});
  eg::MatrixMap<float>(out.data(), 1, grid_ * grid_) = (p * a).rightCols(grid_ * grid_);
  return out;
}

}  // namespace vit::report
