// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>

/// The vision transformer of a tutorial in which the class token did not learn, with its three
/// faults as switches.
namespace class_token {

namespace eg = eigengrad;
using Tensor = eg::Tensor<float>;

/// What a variant still has of the faults, and what its head sees.
struct Variant {
  std::string name;   ///< on the command line and in the CSV
  std::string label;  ///< in the picture
  bool attends_across_images = false;
  bool normalized_residual = false;
  bool softmax_before_loss = false;
  bool mean_of_patches = false;  ///< no class token
};

/// Each has one fault less than the one before; the last has none.
inline const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {
      {"as-published", "as published", true, true, true},
      {"tokens-mended", "+ attention across tokens", false, true, true},
      {"residual-mended", "+ residual around the norm", false, false, true},
      {"loss-mended", "+ one softmax", false, false, false},
      {"mean", "mean of the patches", false, false, false, true}};
  return all;
}

/// The tutorial's sizes, but for the width: it prints 100, which 3 heads do not divide.
inline constexpr eg::Index kDim = 102, kHeads = 3, kDepth = 2, kPatch = 4, kClasses = 10;
inline constexpr double kDropout = 0.1;

/// Norm, attention, norm, MLP. **Shapes** x (B, T, C), result (B, T, C).
class Block : public eg::nn::Module<float> {
 public:
  Block(const Variant& variant, eg::Generator& rng)
      : Module("Block"),
        variant_(variant),
        norm1_(add("norm1", eg::nn::LayerNorm<float>({.dim = kDim}))),
        attn_(add("attn", eg::nn::MultiHeadAttention<float>({.dim = kDim, .heads = kHeads}, rng))),
        norm2_(add("norm2", eg::nn::LayerNorm<float>({.dim = kDim}))),
        mlp_(add("mlp", eg::nn::Mlp<float>({.in = kDim, .dropout = kDropout}, rng))) {}

  Tensor operator()(const Tensor& in) const {
    const auto call = this->call();
    Tensor x = in;
    if (variant_.normalized_residual) {
      x = norm1_(x);
      x = x + attend(x);
      x = norm2_(x);
      return x + mlp_(x);
    }
    x = x + attend(norm1_(x));
    return x + mlp_(norm2_(x));
  }

 private:
  Tensor attend(const Tensor& x) const {
    if (!variant_.attends_across_images) return attn_(x);
    return transpose(attn_(transpose(x, 0, 1)), 0, 1);  // token t of each image to all tokens t
  }

  Variant variant_;
  eg::nn::LayerNorm<float> norm1_;
  eg::nn::MultiHeadAttention<float> attn_;
  eg::nn::LayerNorm<float> norm2_;
  eg::nn::Mlp<float> mlp_;
};

/// **Shapes** images (B, 3, 32, 32), result (B, 10).
class Model : public eg::nn::Module<float> {
 public:
  Model(const Variant& variant, eg::Generator& rng)
      : Module("Model"),
        mean_(variant.mean_of_patches),
        patches_(add("patches", eg::models::PatchEmbedding<float>(
                                    {.channels_in = 3, .patch_size = kPatch, .dim = kDim}, rng))),
        norm_(add("norm", eg::nn::LayerNorm<float>({.dim = kDim}))),
        head_(add("head",
                  eg::nn::Linear<float>({.in_features = kDim, .out_features = kClasses}, rng))) {
    const eg::nn::InitOptions uniform{.rule = eg::nn::Init::kUniform};
    const eg::Index grid = patches_.output_side(32);
    for (eg::Index i = 0; i < kDepth; ++i) blocks_.append(Block(variant, rng));
    add("blocks", blocks_);
    if (!mean_) {
      token_ = add_parameter("token", eg::nn::init::make<float>({1, 1, kDim}, uniform, rng),
                             {eg::ParameterKind::kToken});
    }
    const eg::Index tokens = grid * grid + (mean_ ? 0 : 1);
    positions_ =
        add_parameter("positions", eg::nn::init::make<float>({1, tokens, kDim}, uniform, rng),
                      {eg::ParameterKind::kPosition});
  }

  Tensor operator()(const Tensor& images) const {
    const auto call = this->call();
    Tensor x = patches_(images);
    if (!mean_) x = eg::cat({expand(token_, {x.dim(0), 1, kDim}), x}, 1);
    x = x + positions_;
    for (const Block& block : blocks_) x = block(x);
    x = norm_(x);
    return head_(mean_ ? mean(x, {1}) : select(x, 1, 0));
  }

 private:
  bool mean_;
  eg::models::PatchEmbedding<float> patches_;
  eg::nn::LayerNorm<float> norm_;
  eg::nn::Linear<float> head_;
  eg::nn::ModuleList<Block> blocks_;
  Tensor token_;
  Tensor positions_;
};

}  // namespace class_token
