// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/unfold.hpp>

namespace eigengrad::models {

/// Two ways to the same numbers.
enum class PatchMethod {
  kUnfold,  ///< patches as rows, then one matrix product
  kConv2d,  ///< a convolution
};

struct PatchEmbeddingOptions {
  Index channels_in = 3;
  /// Side of a patch in pixels.
  Index patch_size = 4;
  /// From one patch to the next in pixels; 0 means patch_size, less lets patches overlap.
  Index stride = 0;
  /// Zeros around the image in pixels.
  Index padding = 0;
  Index dim = 0;
  PatchMethod method = PatchMethod::kUnfold;
  nn::InitOptions init = {};
};

/// Cuts images into patches and projects each to a token.
///
/// **Parameters** proj.weight (dim, C, P, P), proj.bias (dim).
/// **Shapes** x (B, C, H, W), result (B, T, dim), row by row; T = H/P * W/P, and in general
/// ((H + 2 padding - P) / stride + 1) times the same of W.
/// **Source** A. Dosovitskiy et al., "An image is worth 16x16 words", 2020.
template <class T>
class PatchEmbedding : public nn::Module<T> {
 public:
  /// **Throws** ValueError on sizes out of range.
  PatchEmbedding(const PatchEmbeddingOptions& options, Generator& rng)
      : nn::Module<T>("PatchEmbedding"),
        options_(check(options)),
        proj_(this->add("proj",
                        nn::Conv2d<T>({.in_channels = options.channels_in,
                                       .out_channels = options.dim,
                                       .kernel = options.patch_size,
                                       .stride = options_.stride,
                                       .padding = options_.padding,
                                       .init = options.init},
                                      rng),
                        {.place = ParameterPlace::kInput})) {}

  /// **Throws** ShapeError unless the images have C channels and hold a patch; and, where patches
  /// lie side by side without padding, unless P divides their sides.
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    const Index channels = options_.channels_in, p = options_.patch_size;
    const Index stride = options_.stride, padding = options_.padding;
    const bool side_by_side = stride == p && padding == 0;
    const auto fits = [&](Index side) {
      return side + 2 * padding >= p && (!side_by_side || side % p == 0);
    };
    if (x.rank() != 4 || x.dim(1) != channels || !fits(x.dim(2)) || !fits(x.dim(3))) {
      const std::string rule = side_by_side ? detail::concat("divisible by ", p)
                                            : detail::concat("of ", p - 2 * padding, " or more");
      throw ShapeError(detail::concat("[patch_embedding] images must be (B, ", channels,
                                      ", H, W) with sides ", rule, ": x ", x.shape()));
    }
    if (options_.method == PatchMethod::kConv2d) {
      return transpose(flatten(proj_(x), 2), 1, 2);
    }
    const Tensor<T> patches =
        transpose(unfold(x, {.kernel = p, .stride = stride, .padding = padding}), 1, 2);
    return linear(patches, flatten(proj_.weight(), 1), proj_.bias());
  }

  /// Side of the grid of tokens that an image of this side becomes.
  Index output_side(Index side) const {
    return (side + 2 * options_.padding - options_.patch_size) / options_.stride + 1;
  }

  const nn::Conv2d<T>& proj() const { return proj_; }

 private:
  static PatchEmbeddingOptions check(PatchEmbeddingOptions options) {
    if (options.stride == 0) options.stride = options.patch_size;
    if (options.patch_size > 0 && (options.stride < 1 || options.padding < 0)) {
      throw ValueError(detail::concat("[patch_embedding] stride must be positive and padding not ",
                                      "negative: stride ", options.stride, ", padding ",
                                      options.padding));
    }
    return options;
  }

  PatchEmbeddingOptions options_;
  nn::Conv2d<T> proj_;
};

EIGENGRAD_INSTANTIATE(class PatchEmbedding<float>)
EIGENGRAD_INSTANTIATE(class PatchEmbedding<double>)

}  // namespace eigengrad::models
