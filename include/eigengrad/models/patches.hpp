// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>

/// Images as their square patches, and back: reshape and permute alone, so gradients pass.
namespace eigengrad::models {

/// The pixels of each patch, one patch per token: patches row by row of the image, and in a patch
/// channel by channel, row by row, as the filters of a `PatchEmbedding` lie.
///
/// **Shapes** images (B, C, H, W), result (B, H/P W/P, C P P).
/// **Throws** ShapeError unless P = `patch_size` divides H and W.
template <class T>
Tensor<T> to_patches(const Tensor<T>& images, Index patch_size) {
  const Index p = patch_size;
  if (images.rank() != 4 || p < 1 || images.dim(2) % p != 0 || images.dim(3) % p != 0) {
    throw ShapeError(detail::concat("[to_patches] images must be (B, C, H, W) with sides divisible",
                                    " by patch_size ", p, ": images ", images.shape()));
  }
  const Index batch = images.dim(0), channels = images.dim(1);
  const Index rows = images.dim(2) / p, columns = images.dim(3) / p;
  return reshape(
      permute(reshape(images, {batch, channels, rows, p, columns, p}), {0, 2, 4, 1, 3, 5}),
      {batch, rows * columns, channels * p * p});
}

/// The images whose patches these are: the inverse of `to_patches`.
///
/// **Shapes** patches (B, N, C P P), `image` (C, H, W), result (B, C, H, W).
/// **Throws** ShapeError unless P = `patch_size` divides H and W and the patches fill the image.
template <class T>
Tensor<T> from_patches(const Tensor<T>& patches, const Shape& image, Index patch_size) {
  const Index p = patch_size;
  if (image.rank() != 3 || p < 1 || image[1] % p != 0 || image[2] % p != 0) {
    throw ShapeError(detail::concat("[from_patches] image must be (C, H, W) with sides divisible",
                                    " by patch_size ", p, ": image ", image));
  }
  const Index channels = image[0], rows = image[1] / p, columns = image[2] / p;
  if (patches.rank() != 3 || patches.dim(1) != rows * columns ||
      patches.dim(2) != channels * p * p) {
    throw ShapeError(detail::concat("[from_patches] patches of size ", p, " of images ", image,
                                    " must be (B, ", rows * columns, ", ", channels * p * p,
                                    "): patches ", patches.shape()));
  }
  const Index batch = patches.dim(0);
  return reshape(
      permute(reshape(patches, {batch, rows, columns, channels, p, p}), {0, 3, 1, 4, 2, 5}),
      {batch, channels, image[1], image[2]});
}

}  // namespace eigengrad::models
