// SPDX-License-Identifier: MIT
#include <eigengrad/nn/conv2d.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn conv2d: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const Tensor<T> x({1, 1, 2, 2}, {1, 2, 3, 4});
  const nn::Conv2d<T> layer({.in_channels = 1, .out_channels = 1, .kernel = 2}, rng);
  layer.load_state_dict(
      {{"weight", NdArray<T>({1, 1, 2, 2}, {1, 10, 100, 1000})}, {"bias", NdArray<T>({1}, {5})}});
  CHECK_CLOSE(layer(x).value(), NdArray<T>({1, 1, 1, 1}, {4326}), 1e-6);
  const nn::Conv2d<T> wide({.in_channels = 1,
                            .out_channels = 2,
                            .kernel = {1, 3},
                            .stride = {2, 1},
                            .padding = {0, 1},
                            .bias = false},
                           rng);
  wide.load_state_dict({{"weight", NdArray<T>({2, 1, 1, 3}, {1, 1, 1, 0, 0, 1})}});
  CHECK_CLOSE(wide(x).value(), NdArray<T>({1, 2, 1, 2}, {3, 3, 2, 0}), 1e-6);
}

TEST_CASE("nn conv2d: parameters and their gradients") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 3, 5, 4}));
  const nn::Conv2d<double> layer(
      {.in_channels = 3, .out_channels = 2, .kernel = 3, .stride = 2, .padding = 1}, rng);
  CHECK(test::names(layer.named_parameters()) == test::Names{"weight", "bias"});
  CHECK(layer.weight().shape() == eg::Shape{2, 3, 3, 3});
  CHECK(test::parameter_gradients(layer, [&] { return layer(x); }) == "");
}

TEST_CASE("nn conv2d: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::Conv2d<float>({.in_channels = 3, .out_channels = 4, .kernel = {3, 0}}, rng),
              eg::ValueError,
              "[conv2d] sizes must be positive: in_channels 3, out_channels 4, kernel.h 3, "
              "kernel.w 0");
}
