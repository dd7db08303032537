// SPDX-License-Identifier: MIT
#include <eigengrad/nn/linear.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn linear: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const Tensor<T> x({1, 2}, {1, 2});
  const nn::Linear<T> layer({.in_features = 2, .out_features = 3}, rng);
  layer.load_state_dict({{"weight", NdArray<T>({3, 2}, {1, 0, 0, 1, -1, -1})},
                         {"bias", NdArray<T>({3}, {10, 20, 1})}});
  CHECK_CLOSE(layer(x).value(), NdArray<T>({1, 3}, {11, 22, -2}), 1e-6);
  CHECK_CLOSE(layer(x, Tensor<T>({1, 3}, {1, 2, 3})).value(), NdArray<T>({1, 3}, {12, 24, 1}),
              1e-6);
  const nn::Linear<T> active(
      {.in_features = 2, .out_features = 3, .bias = false, .activation = eg::Activation::kRelu},
      rng);
  active.load_state_dict({{"weight", layer.weight().value()}});
  CHECK_CLOSE(active(x).value(), NdArray<T>({1, 3}, {1, 2, 0}), 1e-6);
}

TEST_CASE("nn linear: parameters and their gradients") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 3, 5}));
  for (const auto activation : {eg::Activation::kNone, eg::Activation::kGelu}) {
    const nn::Linear<double> layer({.in_features = 5, .out_features = 7, .activation = activation},
                                   rng);
    CHECK(test::names(layer.named_parameters()) == test::Names{"weight", "bias"});
    CHECK(layer.weight().shape() == eg::Shape{7, 5});
    CHECK(layer.bias().shape() == eg::Shape{7});
    CHECK(test::parameter_gradients(layer, [&] { return layer(x); }) == "");
  }
}

TEST_CASE("nn linear: first weights") {
  eg::Generator rng(1);
  const nn::Linear<double> usual({.in_features = 100, .out_features = 50}, rng);
  CHECK(usual.weight().value().array().abs().maxCoeff() <= 0.1);
  CHECK(usual.bias().value().array().abs().maxCoeff() > 0.08);
  const nn::Linear<double> small(
      {.in_features = 100, .out_features = 50, .init = {nn::Init::kTruncNormal, 0.02}}, rng);
  CHECK(small.weight().value().array().abs().maxCoeff() <= 0.04);
  CHECK_SAME(small.bias().value(), NdArray<double>::zeros({50}));
}

TEST_CASE("nn linear: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::Linear<float>({.in_features = 3}, rng), eg::ValueError,
              "[linear] sizes must be positive: in_features 3, out_features 0");
}
