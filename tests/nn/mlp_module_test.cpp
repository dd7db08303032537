// SPDX-License-Identifier: MIT
#include <eigengrad/nn/mlp.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("mlp: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const nn::Mlp<T> mlp({.in = 2, .hidden = 2, .out = 1, .activation = eg::Activation::kRelu}, rng);
  mlp.load_state_dict({{"fc1.weight", NdArray<T>({2, 2}, {1, 0, 0, -1})},
                       {"fc1.bias", NdArray<T>({2}, {1, 1})},
                       {"fc2.weight", NdArray<T>({1, 2}, {10, 100})},
                       {"fc2.bias", NdArray<T>({1}, {3})}});
  const Tensor<T> x({2, 2}, {1, 2, 3, 0});  // hidden (2, 0) and (4, 1)
  CHECK_CLOSE(mlp(x).value(), NdArray<T>({2, 1}, {23, 143}), 1e-6);
  CHECK_CLOSE(mlp(x, Tensor<T>({2, 1}, {1, 2})).value(), NdArray<T>({2, 1}, {24, 145}), 1e-6);
}

TEST_CASE("mlp: names, sizes and gradients") {
  eg::Generator rng(1);
  const nn::Mlp<double> mlp({.in = 3}, rng);
  CHECK(test::names(mlp.named_parameters()) ==
        test::Names{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
  CHECK(mlp.state_dict().at("fc1.weight").shape() == eg::Shape{12, 3});
  CHECK(mlp.state_dict().at("fc2.weight").shape() == eg::Shape{3, 12});
  const Tensor<double> x(test::random({2, 4, 3}));
  CHECK(test::parameter_gradients(mlp, [&] { return mlp(x, x); }) == "");
}

TEST_CASE("mlp: dropout leaves the residual alone") {
  eg::Generator rng(1);
  const nn::Mlp<double> mlp({.in = 3, .dropout = 0.5}, rng);
  const Tensor<double> x(test::random({2, 4, 3}));
  const auto generators = mlp.named_generators();
  REQUIRE(generators.size() == 2);
  const auto rewind = [&, a = generators[0].second->state(), b = generators[1].second->state()] {
    generators[0].second->set_state(a);
    generators[1].second->set_state(b);
  };
  const NdArray<double> y = mlp(x).value();
  rewind();
  CHECK_CLOSE(mlp(x, x).value(),
              NdArray<double>(y.matrix() + x.value().matrix()).reshape({2, 4, 3}), 1e-12);
  CHECK((y.array() == 0).count() > 4);
  mlp.eval();
  CHECK((mlp(x).value().array() == 0).count() == 0);
}

TEST_CASE("mlp: a branch that begins at nothing") {
  eg::Generator rng(1);
  const nn::Mlp<double> mlp({.in = 3, .init = {nn::Init::kTruncNormal, 0.02}, .output_scale = 0},
                            rng);
  const Tensor<double> x(test::random({2, 3}));
  CHECK_SAME(mlp(x, x).value(), x.value());
}

TEST_CASE("mlp: an activation on the result too") {
  eg::Generator rng(1);
  const nn::Mlp<double> mlp({.in = 3, .activation = eg::Activation::kRelu, .activate_output = true},
                            rng);
  eg::Generator again(1);
  const nn::Mlp<double> plain({.in = 3, .activation = eg::Activation::kRelu}, again);
  const Tensor<double> x(test::random({4, 3}, 2)), residual(test::random({4, 3}, 3));
  CHECK_SAME(mlp(x).value(), eg::relu(plain(x)).value());
  CHECK_CLOSE(mlp(x, residual).value(), (residual + eg::relu(plain(x))).value(), 1e-14);
  CHECK(test::parameter_gradients(mlp, [&] { return mlp(x, residual); }) == "");
}

TEST_CASE("mlp: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::Mlp<float>({}, rng), eg::ValueError,
              "[linear] sizes must be positive: in_features 0, out_features 0");
}
