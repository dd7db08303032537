// SPDX-License-Identifier: MIT
#include <eigengrad/models/patch_embedding.hpp>
#include <eigengrad/models/patches.hpp>
#include <eigengrad/ops/linear.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;

TEST_CASE("patches: where each pixel goes") {
  // Two channels of 2 x 4 pixels, numbered, in two patches of 2 x 2.
  const Tensor<float> image(NdArray<float>::arange(16).reshape({1, 2, 2, 4}));
  const Tensor<float> patches = models::to_patches(image, 2);
  CHECK_SAME(patches.value(), NdArray<float>({1, 2, 8}, {0, 1, 4, 5, 8, 9, 12, 13,  //
                                                         2, 3, 6, 7, 10, 11, 14, 15}));
  CHECK_SAME(models::from_patches(patches, {2, 2, 4}, 2).value(), image.value());
}

TEST_CASE("patches: there and back") {
  for (const Index p : {1, 2, 3, 6}) {
    const Tensor<double> images(test::random({3, 2, 6, 12}));
    const Tensor<double> patches = models::to_patches(images, p);
    CHECK(patches.shape() == eg::Shape{3, 72 / (p * p), 2 * p * p});
    CHECK_SAME(models::from_patches(patches, {2, 6, 12}, p).value(), images.value());
  }
}

TEST_CASE("patches: times the filters of a patch embedding they are its tokens") {
  eg::Generator rng(1);
  const models::PatchEmbedding<double> embed({.channels_in = 3, .patch_size = 4, .dim = 5}, rng);
  const Tensor<double> images(test::random({2, 3, 8, 12}));
  const Tensor<double> tokens = eg::linear(
      models::to_patches(images, 4), eg::flatten(embed.proj().weight(), 1), embed.proj().bias());
  CHECK_CLOSE(tokens.value(), embed(images).value(), 1e-12);
}

TEST_CASE("patches: gradcheck") {
  CHECK_GRADIENT(models::to_patches(x[0], 2), {test::random({2, 2, 4, 2})});
  CHECK_GRADIENT(models::from_patches(x[0], {2, 4, 2}, 2), {test::random({2, 2, 8})});
}

TEST_CASE("patches: no images") {
  const auto patches = models::to_patches(Tensor<float>::zeros({0, 3, 8, 8}), 4);
  CHECK(patches.shape() == eg::Shape{0, 4, 48});
  CHECK(models::from_patches(patches, {3, 8, 8}, 4).shape() == eg::Shape{0, 3, 8, 8});
}

TEST_CASE("patches: error") {
  CHECK_ERROR(models::to_patches(Tensor<float>::zeros({1, 3, 8, 6}), 4), eg::ShapeError,
              "[to_patches] images must be (B, C, H, W) with sides divisible by patch_size 4: "
              "images (1, 3, 8, 6)");
  CHECK_ERROR(models::to_patches(Tensor<float>::zeros({3, 8, 8}), 4), eg::ShapeError,
              "[to_patches] images must be (B, C, H, W) with sides divisible by patch_size 4: "
              "images (3, 8, 8)");
  CHECK_ERROR(models::to_patches(Tensor<float>::zeros({1, 3, 8, 8}), 0), eg::ShapeError,
              "[to_patches] images must be (B, C, H, W) with sides divisible by patch_size 0: "
              "images (1, 3, 8, 8)");
  const auto patches = Tensor<float>::zeros({1, 4, 48});
  CHECK_ERROR(models::from_patches(patches, {3, 8, 6}, 4), eg::ShapeError,
              "[from_patches] image must be (C, H, W) with sides divisible by patch_size 4: "
              "image (3, 8, 6)");
  CHECK_ERROR(models::from_patches(patches, {1, 8, 8}, 4), eg::ShapeError,
              "[from_patches] patches of size 4 of images (1, 8, 8) must be (B, 4, 16): "
              "patches (1, 4, 48)");
}
