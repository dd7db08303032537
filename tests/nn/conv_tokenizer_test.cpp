// SPDX-License-Identifier: MIT
#include <eigengrad/nn/conv_tokenizer.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("conv_tokenizer: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const nn::ConvTokenizer<T> tokenizer({.channels_in = 1, .channels = {2}}, rng);
  // The first filter copies the pixel, the second negates it, which ReLU takes away.
  NdArray<T> weight = NdArray<T>::zeros({2, 1, 3, 3});
  weight(0, 0, 1, 1) = 1;
  weight(1, 0, 1, 1) = -1;
  tokenizer.load_state_dict({{"conv_layers.0.weight", weight}});
  // Windows of 3 around (0, 0), (0, 2), (2, 0), (2, 2).
  const Tensor<T> x({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_CLOSE(tokenizer(x).value(), NdArray<T>({1, 4, 2}, {5, 0, 6, 0, 8, 0, 9, 0}), 1e-6);
}

TEST_CASE("conv_tokenizer: sizes, names and gradients") {
  eg::Generator rng(1);
  const nn::ConvTokenizer<double> tokenizer({.channels_in = 3, .channels = {4, 5}}, rng);
  CHECK(test::names(tokenizer.named_parameters()) ==
        test::Names{"conv_layers.0.weight", "conv_layers.1.weight"});
  for (const Index side : {1, 4, 7, 16}) {
    const Index grid = tokenizer.output_side(side);
    CHECK(tokenizer(Tensor<double>::ones({1, 3, side, side})).shape() ==
          eg::Shape{1, grid * grid, 5});
  }
  CHECK(tokenizer.output_side(7) == 2);
  CHECK(tokenizer.output_side(16) == 4);
  const Tensor<double> x(test::random({2, 3, 6, 5}));
  CHECK(test::parameter_gradients(tokenizer, [&] { return tokenizer(x); }) == "");
}

TEST_CASE("conv_tokenizer: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::ConvTokenizer<float>({}, rng), eg::ValueError,
              "[conv_tokenizer] channels must name at least one layer");
  CHECK_ERROR(nn::ConvTokenizer<float>({.channels = {8, 0}}, rng), eg::ValueError,
              "[conv2d] sizes must be positive: in_channels 8, out_channels 0, kernel (3, 3)");
}
