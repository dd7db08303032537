// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/unfold.hpp>

namespace eigengrad::nn {

/// Two ways to the same numbers.
enum class PatchMethod {
  kUnfold,  ///< patches as rows, then one matrix product
  kConv2d,  ///< a convolution whose stride is its kernel
};

struct PatchEmbeddingOptions {
  Index channels_in = 3;
  /// Side of a patch in pixels.
  Index patch_size = 4;
  Index dim = 0;
  PatchMethod method = PatchMethod::kUnfold;
  InitOptions init = {};
};

/// Cuts images into patches and projects each to a token.
///
/// **Parameters** proj.weight (dim, C, P, P), proj.bias (dim).
/// **Shapes** x (B, C, H, W), result (B, T, dim) with T = H/P * W/P, row by row.
/// **Source** A. Dosovitskiy et al., "An image is worth 16x16 words", 2020.
template <class T>
class PatchEmbedding : public Module<T> {
 public:
  /// **Throws** ValueError unless all sizes are positive.
  PatchEmbedding(const PatchEmbeddingOptions& options, Generator& rng)
      : Module<T>("PatchEmbedding"),
        options_(options),
        proj_(this->add("proj", Conv2d<T>({.in_channels = options.channels_in,
                                           .out_channels = options.dim,
                                           .kernel = options.patch_size,
                                           .stride = options.patch_size,
                                           .init = options.init},
                                          rng))) {}

  /// **Throws** ShapeError unless the images have C channels and P divides their sides.
  Tensor<T> operator()(const Tensor<T>& x) const {
    const Index p = options_.patch_size;
    if (x.rank() != 4 || x.dim(1) != options_.channels_in || x.dim(2) % p != 0 ||
        x.dim(3) % p != 0) {
      throw ShapeError(detail::concat("[patch_embedding] images must be (B, ", options_.channels_in,
                                      ", H, W) with sides divisible by ", p, ": x ", x.shape()));
    }
    if (options_.method == PatchMethod::kConv2d) {
      return transpose(flatten(proj_(x), 2), 1, 2);
    }
    const Tensor<T> patches = transpose(unfold(x, {.kernel = p, .stride = p}), 1, 2);
    return linear(patches, flatten(proj_.weight(), 1), proj_.bias());
  }

  const Conv2d<T>& proj() const { return proj_; }

 private:
  PatchEmbeddingOptions options_;
  Conv2d<T> proj_;
};

EIGENGRAD_INSTANTIATE(class PatchEmbedding<float>)
EIGENGRAD_INSTANTIATE(class PatchEmbedding<double>)

}  // namespace eigengrad::nn
