// SPDX-License-Identifier: MIT
#include <eigengrad/nn/dropout.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn dropout: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const Tensor<T> x = Tensor<T>::ones({100, 100});
  const nn::Dropout<T> drop({.p = 0.25}, rng);
  const NdArray<T> y = drop(x).value();
  int zeros = 0;
  for (const T value : y) {
    if (value == 0) {
      ++zeros;
    } else {
      REQUIRE(value == Approx(4 / 3.));
    }
  }
  CHECK(std::abs(zeros - 2500) < 200);
  drop.eval();
  CHECK_SAME(drop(x).value(), x.value());
  CHECK(!drop.active());

  const nn::StochasticDepth<T> depth({.p = 0.5}, rng);
  const NdArray<T> z = depth(x).value();
  int kept = 0;
  for (test::Index i = 0; i < 100; ++i) {
    kept += z(i, 0) != 0;
    for (test::Index j = 0; j < 100; ++j) REQUIRE(z(i, j) == z(i, 0));
    REQUIRE((z(i, 0) == 0 || z(i, 0) == 2));
  }
  CHECK(kept > 30);
  CHECK(kept < 70);
  depth.eval();
  CHECK_SAME(depth(x).value(), x.value());
}

TEST_CASE("nn dropout: whole channels") {
  eg::Generator rng(1);
  const nn::Dropout2d<float> drop({.p = 0.5}, rng);
  const Tensor<float> x = Tensor<float>::ones({10, 10, 2, 3});
  const NdArray<float> y = drop(x).value();
  int kept = 0;
  for (test::Index i = 0; i < y.numel(); ++i) {
    REQUIRE(y.data()[i] == y.data()[i / 6 * 6]);
    kept += y.data()[i] == 2;
  }
  CHECK(kept > 30 * 6);
  CHECK(kept < 70 * 6);
  drop.eval();
  CHECK_SAME(drop(x).value(), x.value());
  CHECK_ERROR(nn::Dropout2d<float>({.p = 1}, rng), eg::ValueError,
              "[dropout2d] p must be in [0, 1): 1");
}

TEST_CASE("nn dropout: the generator's state can be saved and restored") {
  eg::Generator rng(1);
  const Tensor<double> x = Tensor<double>::ones({50});
  const nn::Dropout<double> a({}, rng), b({}, rng);
  REQUIRE(test::names(a.named_generators()) == test::Names{"generator"});
  const auto state = a.named_generators()[0].second->state();
  const NdArray<double> first = a(x).value();
  CHECK(test::difference(a(x).value(), first, 0) != "");
  CHECK(test::difference(b(x).value(), first, 0) != "");
  a.named_generators()[0].second->set_state(state);
  CHECK_SAME(a(x).value(), first);
}

TEST_CASE("nn dropout: p = 0 draws nothing") {
  eg::Generator rng(1);
  const nn::Dropout<double> drop({.p = 0}, rng);
  const auto state = drop.generator().state();
  CHECK_SAME(drop(Tensor<double>::ones({5})).value(), NdArray<double>::ones({5}));
  CHECK(drop.generator().state() == state);
}

TEST_CASE("nn dropout: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::Dropout<float>({.p = 1}, rng), eg::ValueError,
              "[dropout] p must be in [0, 1): 1");
  CHECK_ERROR(nn::StochasticDepth<float>({.p = -0.1}, rng), eg::ValueError,
              "[stochastic_depth] p must be in [0, 1): -0.1");
}
