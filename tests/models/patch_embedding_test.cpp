// SPDX-License-Identifier: MIT
#include <eigengrad/models/patch_embedding.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("patch_embedding: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  for (const auto method : {models::PatchMethod::kUnfold, models::PatchMethod::kConv2d}) {
    const models::PatchEmbedding<T> embed(
        {.channels_in = 1, .patch_size = 2, .dim = 2, .method = method}, rng);
    embed.load_state_dict(
        {{"proj.weight", NdArray<T>({2, 1, 2, 2}, {1, 10, 100, 1000, 1, 1, 1, 1})},
         {"proj.bias", NdArray<T>({2}, {0, 5})}});
    const Tensor<T> x({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
    CHECK_CLOSE(embed(x).value(), NdArray<T>({1, 2, 2}, {6521, 19, 8743, 27}), 1e-6);
  }
}

TEST_CASE("patch_embedding: both methods give equal numbers and gradients") {
  eg::Generator rng(1);
  const models::PatchEmbeddingOptions options{.channels_in = 3, .patch_size = 2, .dim = 5};
  auto by_convolution = options;
  by_convolution.method = models::PatchMethod::kConv2d;
  const models::PatchEmbedding<double> a(options, rng), b(by_convolution, rng);
  b.load_state_dict(a.state_dict());
  CHECK(test::names(a.named_parameters()) == test::Names{"proj.weight", "proj.bias"});
  const Tensor<double> x(test::random({2, 3, 4, 6}));
  CHECK_CLOSE(a(x).value(), b(x).value(), 1e-12);
  CHECK(test::parameter_gradients(a, [&] { return a(x); }) == "");
  CHECK(test::parameter_gradients(b, [&] { return b(x); }) == "");
  CHECK_CLOSE(a.proj().weight().grad(), b.proj().weight().grad(), 1e-12);
}

TEST_CASE("patch_embedding: overlapping patches") {
  eg::Generator rng(1);
  const models::PatchEmbedding<double> sum(
      {.channels_in = 1, .patch_size = 3, .stride = 2, .padding = 1, .dim = 1}, rng);
  sum.load_state_dict({{"proj.weight", NdArray<double>::ones({1, 1, 3, 3})},
                       {"proj.bias", NdArray<double>::zeros({1})}});
  // Windows of 3 around (0, 0), (0, 2), (2, 0), (2, 2) of 3 x 3 pixels.
  const Tensor<double> nine({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_CLOSE(sum(nine).value(), NdArray<double>({1, 4, 1}, {12, 16, 24, 28}), 1e-12);
  const Tensor<double> x(test::random({2, 2, 7, 5}));
  for (const auto method : {models::PatchMethod::kUnfold, models::PatchMethod::kConv2d}) {
    const models::PatchEmbedding<double> embed(
        {.channels_in = 2, .patch_size = 3, .stride = 2, .padding = 1, .dim = 3, .method = method},
        rng);
    CHECK(embed(x).shape() == eg::Shape{2, 12, 3});
    CHECK(embed.output_side(7) * embed.output_side(5) == 12);
    CHECK(test::parameter_gradients(embed, [&] { return embed(x); }) == "");
    CHECK_GRADIENT(embed(x[0]), {x.value()});
    // Both are the convolution.
    CHECK_CLOSE(embed(x).value(), eg::transpose(eg::flatten(embed.proj()(x), 2), 1, 2).value(),
                1e-12);
  }
}

TEST_CASE("patch_embedding: error") {
  eg::Generator rng(1);
  const models::PatchEmbedding<float> embed({.channels_in = 3, .patch_size = 4, .dim = 2}, rng);
  CHECK_ERROR(embed(Tensor<float>::ones({1, 3, 8, 6})), eg::ShapeError,
              "[patch_embedding] images must be (B, 3, H, W) with sides divisible by 4: x (1, 3, "
              "8, 6)");
  CHECK_ERROR(models::PatchEmbedding<float>({.patch_size = 4, .dim = 2}, rng), eg::ValueError,
              "[patch_embedding] sizes must be positive: channels_in 0, patch_size 4, dim 2");
  CHECK_ERROR(models::PatchEmbedding<float>(
                  {.channels_in = 3, .patch_size = 4, .stride = -1, .dim = 2}, rng),
              eg::ValueError,
              "[patch_embedding] stride must be positive and padding not negative: stride -1, "
              "padding 0");
  const models::PatchEmbedding<float> overlap(
      {.channels_in = 3, .patch_size = 4, .stride = 2, .padding = 1, .dim = 2}, rng);
  CHECK_ERROR(overlap(Tensor<float>::ones({1, 3, 1, 8})), eg::ShapeError,
              "[patch_embedding] images must be (B, 3, H, W) with sides of 2 or more: x (1, 3, 1, "
              "8)");
}
