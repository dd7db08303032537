// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/unfold.hpp>

namespace eigengrad::models {

/// Both methods give the same numbers.
enum class PatchMethod {
  kUnfold,  ///< patches as rows, then one matrix product
  kConv2d,  ///< a convolution
};

inline std::span<const char* const> enum_names(PatchMethod) {
  static constexpr const char* kNames[] = {"unfold", "conv2d"};
  return kNames;
}

struct PatchEmbeddingOptions {
  static constexpr const char* kKind = "patch";

  /// Channels of the images; 0 in a model's options means the model's.
  Index channels_in = 0;
  /// Side of a patch in pixels.
  Index patch_size = 4;
  /// Pixels from one patch to the next; 0 means patch_size, less lets patches overlap.
  Index stride = 0;
  /// Pixels of zeros around the image.
  Index padding = 0;
  /// Width of the tokens; 0 in a model's options means the model's.
  Index dim = 0;
  PatchMethod method = PatchMethod::kUnfold;
  bool bias = true;
  nn::InitOptions init = {};

  /// Whether the patches touch, without overlap and padding, so that they must fill the image.
  bool tiles() const { return (stride == 0 || stride == patch_size) && padding == 0; }
};

template <class Visit>
void visit_fields(PatchEmbeddingOptions& o, Visit&& visit) {
  visit("channels_in", o.channels_in);
  visit("patch_size", o.patch_size);
  visit("stride", o.stride);
  visit("padding", o.padding);
  visit("dim", o.dim);
  visit("method", o.method);
  visit("bias", o.bias, true);
  visit("init", o.init);
}

/// Cuts images into patches and projects each to a token.
///
/// **Parameters** proj.weight (dim, C, P, P), proj.bias (dim).
/// **Shapes** x (B, C, H, W), result (B, T, dim), row by row; T = H/P * W/P, and in general
/// ((H + 2 padding - P) / stride + 1) times the same for W.
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
                                       .bias = options.bias,
                                       .init = options.init},
                                      rng),
                        {.place = ParameterPlace::kInput})) {}

  /// **Throws** ShapeError unless the images have C channels and hold a patch; and, where patches
  /// touch and there is no padding, unless P divides their sides.
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    const Index channels = options_.channels_in, p = options_.patch_size;
    const Index stride = options_.stride, padding = options_.padding;
    const bool tiles = options_.tiles();
    const auto fits = [&](Index side) {
      return side + 2 * padding >= p && (!tiles || side % p == 0);
    };
    if (x.rank() != 4 || x.dim(1) != channels || !fits(x.dim(2)) || !fits(x.dim(3))) {
      const std::string rule = tiles ? detail::concat("divisible by ", p)
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
    if (options.channels_in < 1 || options.patch_size < 1 || options.dim < 1) {
      throw ValueError(detail::concat("[patch_embedding] sizes must be positive: channels_in ",
                                      options.channels_in, ", patch_size ", options.patch_size,
                                      ", dim ", options.dim));
    }
    if (options.stride < 1 || options.padding < 0) {
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
