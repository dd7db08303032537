// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/layer_norm.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/pad.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/unfold.hpp>

namespace eigengrad::models {

struct ShiftedPatchEmbeddingOptions {
  static constexpr const char* kKind = "shifted";

  /// Channels of the images; 0 in a model's options means the model's.
  Index channels_in = 0;
  /// Side of a patch in pixels.
  Index patch_size = 4;
  /// Width of the tokens; 0 in a model's options means the model's.
  Index dim = 0;
  double norm_eps = 1e-5;
  nn::InitOptions init = {};
};

template <class Visit>
void visit_fields(ShiftedPatchEmbeddingOptions& o, Visit&& visit) {
  visit("channels_in", o.channels_in);
  visit("patch_size", o.patch_size);
  visit("dim", o.dim);
  visit("norm_eps", o.norm_eps);
  visit("init", o.init);
}

/// Makes tokens of patches that see beyond their edges: the image and four copies of it, shifted by
/// half a patch to the lower right, lower left, upper right and upper left, with zeros moved in, as
/// channels; then patches, a norm of each, and a projection to a token.
///
/// **Parameters** norm.weight (5 C P P) of ones, norm.bias (5 C P P), proj.weight (dim, 5 C, P, P),
/// proj.bias (dim).
/// **Shapes** x (B, C, H, W), result (B, T, dim) with T = H/P * W/P, row by row.
/// **Source** S. H. Lee, S. Lee, B. C. Song, "Vision transformer for small-size datasets", 2021.
template <class T>
class ShiftedPatchEmbedding : public nn::Module<T> {
 public:
  /// **Throws** ValueError unless all sizes are positive.
  ShiftedPatchEmbedding(const ShiftedPatchEmbeddingOptions& options, Generator& rng)
      : nn::Module<T>("ShiftedPatchEmbedding"),
        options_(check(options)),
        proj_(this->add("proj",
                        nn::Conv2d<T>({.in_channels = 5 * options.channels_in,
                                       .out_channels = options.dim,
                                       .kernel = options.patch_size,
                                       .stride = options.patch_size,
                                       .init = options.init},
                                      rng),
                        {.place = ParameterPlace::kInput})),
        norm_(this->add("norm", nn::LayerNorm<T>({5 * options.channels_in * options.patch_size *
                                                      options.patch_size,
                                                  options.norm_eps}))) {}

  /// **Throws** ShapeError unless the images have C channels and P divides their sides.
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    const Index p = options_.patch_size;
    if (x.rank() != 4 || x.dim(1) != options_.channels_in || x.dim(2) % p != 0 ||
        x.dim(3) % p != 0) {
      throw ShapeError(detail::concat("[shifted_patch_embedding] images must be (B, ",
                                      options_.channels_in, ", H, W) with sides divisible by ", p,
                                      ": x ", x.shape()));
    }
    const Tensor<T> patches =
        transpose(unfold(with_shifts(x, p / 2), {.kernel = p, .stride = p}), 1, 2);
    return linear(norm_(patches), flatten(proj_.weight(), 1), proj_.bias());
  }

  /// Side of the grid of tokens that an image of this side becomes.
  Index output_side(Index side) const { return side / options_.patch_size; }

  const nn::Conv2d<T>& proj() const { return proj_; }

 private:
  static const ShiftedPatchEmbeddingOptions& check(const ShiftedPatchEmbeddingOptions& options) {
    if (options.channels_in < 1 || options.patch_size < 1 || options.dim < 1) {
      throw ValueError(detail::concat(
          "[shifted_patch_embedding] sizes must be positive: channels_in ", options.channels_in,
          ", patch_size ", options.patch_size, ", dim ", options.dim));
    }
    return options;
  }
  static Tensor<T> with_shifts(const Tensor<T>& x, Index shift) {
    const Tensor<T> wide = pad(x, {{0, 0}, {0, 0}, {shift, shift}, {shift, shift}});
    const auto part = [&](Index row, Index column) {
      return narrow(narrow(wide, 2, row, x.dim(2)), 3, column, x.dim(3));
    };
    const Index end = 2 * shift;
    return cat({x, part(0, 0), part(0, end), part(end, 0), part(end, end)}, 1);
  }

  ShiftedPatchEmbeddingOptions options_;
  nn::Conv2d<T> proj_;
  nn::LayerNorm<T> norm_;
};

EIGENGRAD_INSTANTIATE(class ShiftedPatchEmbedding<float>)
EIGENGRAD_INSTANTIATE(class ShiftedPatchEmbedding<double>)

}  // namespace eigengrad::models
