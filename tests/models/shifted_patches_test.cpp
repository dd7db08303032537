// SPDX-License-Identifier: MIT
#include <eigengrad/models/shifted_patches.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

TEST_CASE("shifted_patches: value") {
  eg::Generator rng(1);
  const models::ShiftedPatchEmbedding<double> embed(
      {.channels_in = 1, .patch_size = 2, .dim = 5, .norm_eps = 0}, rng);
  // The upper left pixel of each of the five copies.
  auto dict = embed.state_dict();
  dict.at("proj.bias").fill(0);
  dict.at("proj.weight").fill(0);
  for (eg::Index i = 0; i < 5; ++i) dict.at("proj.weight")(i, i, 0, 0) = 1;
  embed.load_state_dict(dict);
  const Tensor<double> x({1, 1, 4, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  // The patch at (0, 0) and its copies see, row by row:
  const double seen[20] = {1, 2, 5, 6, 0, 0, 0, 1, 0, 0, 2, 3, 0, 5, 0, 9, 6, 7, 10, 11};
  double mean = 0, square = 0;
  for (const double p : seen) mean += p / 20;
  for (const double p : seen) square += (p - mean) * (p - mean) / 20;
  const NdArray<double> y = embed(x).value();
  REQUIRE(y.shape() == eg::Shape{1, 4, 5});
  for (eg::Index i = 0; i < 5; ++i) {
    CHECK(y(0, 0, i) == Approx((seen[4 * i] - mean) / std::sqrt(square)));
  }
}

TEST_CASE("shifted_patches: names, shapes and gradients") {
  eg::Generator rng(1);
  for (const eg::Index p : {1, 2, 3}) {
    const models::ShiftedPatchEmbedding<double> embed({.channels_in = 2, .patch_size = p, .dim = 3},
                                                      rng);
    CHECK(test::names(embed.named_parameters()) ==
          test::Names{"proj.weight", "proj.bias", "norm.weight", "norm.bias"});
    CHECK(embed.proj().weight().shape() == eg::Shape{3, 10, p, p});
    const Tensor<double> x(test::random({2, 2, 2 * p, p}));
    CHECK(embed(x).shape() == eg::Shape{2, 2, 3});
    CHECK(test::parameter_gradients(embed, [&] { return embed(x); }) == "");
    CHECK_GRADIENT(embed(x[0]), {x.value()});
  }
}

TEST_CASE("shifted_patches: error") {
  eg::Generator rng(1);
  const models::ShiftedPatchEmbedding<float> embed({.channels_in = 3, .patch_size = 4, .dim = 2},
                                                   rng);
  CHECK_ERROR(embed(Tensor<float>::ones({1, 3, 8, 6})), eg::ShapeError,
              "[shifted_patch_embedding] images must be (B, 3, H, W) with sides divisible by 4: x "
              "(1, 3, 8, 6)");
  CHECK_ERROR(models::ShiftedPatchEmbedding<float>({.channels_in = 3}, rng), eg::ValueError,
              "[shifted_patch_embedding] sizes must be positive: channels_in 3, patch_size 4, dim "
              "0");
}
