// SPDX-License-Identifier: MIT
#include <eigengrad/nn/patch_embedding.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("patch_embedding: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  for (const auto method : {nn::PatchMethod::kUnfold, nn::PatchMethod::kConv2d}) {
    const nn::PatchEmbedding<T> embed(
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
  const nn::PatchEmbeddingOptions options{.channels_in = 3, .patch_size = 2, .dim = 5};
  auto by_convolution = options;
  by_convolution.method = nn::PatchMethod::kConv2d;
  const nn::PatchEmbedding<double> a(options, rng), b(by_convolution, rng);
  b.load_state_dict(a.state_dict());
  CHECK(test::names(a.named_parameters()) == test::Names{"proj.weight", "proj.bias"});
  const Tensor<double> x(test::random({2, 3, 4, 6}));
  CHECK_CLOSE(a(x).value(), b(x).value(), 1e-12);
  CHECK(test::parameter_gradients(a, [&] { return a(x); }) == "");
  CHECK(test::parameter_gradients(b, [&] { return b(x); }) == "");
  CHECK_CLOSE(a.proj().weight().grad(), b.proj().weight().grad(), 1e-12);
}

TEST_CASE("patch_embedding: error") {
  eg::Generator rng(1);
  const nn::PatchEmbedding<float> embed({.patch_size = 4, .dim = 2}, rng);
  CHECK_ERROR(embed(Tensor<float>::ones({1, 3, 8, 6})), eg::ShapeError,
              "[patch_embedding] images must be (B, 3, H, W) with sides divisible by 4: x (1, 3, "
              "8, 6)");
  CHECK_ERROR(nn::PatchEmbedding<float>({.patch_size = 0, .dim = 2}, rng), eg::ValueError,
              "[conv2d] sizes must be positive: in_channels 3, out_channels 2, kernel (0, 0)");
}
