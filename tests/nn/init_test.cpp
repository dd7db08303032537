// SPDX-License-Identifier: MIT
#include <eigengrad/nn/init.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
namespace nn = eg::nn;
namespace init = eg::nn::init;

namespace {

struct Moments {
  double mean, stddev, largest;
};

template <class T>
Moments moments(const NdArray<T>& a) {
  const Eigen::ArrayXd x = a.array().template cast<double>();
  const double mean = x.mean();
  return {mean, std::sqrt((x - mean).square().mean()), x.abs().maxCoeff()};
}

}  // namespace

TEMPLATE_TEST_CASE("init: value", "", float, double) {
  using T = TestType;
  CHECK_SAME(init::zeros<T>({2}), NdArray<T>({2}, {0, 0}));
  CHECK_SAME(init::ones<T>({2}), NdArray<T>({2}, {1, 1}));
  CHECK_SAME(init::constant<T>({1, 2}, 3), NdArray<T>({1, 2}, {3, 3}));

  // 120,000 draws: the standard error of a deviation is about 0.2 %.
  eg::Generator rng(3);
  const eg::Shape weight{100, 300, 2, 2};  // fan_in 1200, fan_out 400
  const auto check = [&](const NdArray<T>& a, double stddev, double largest) {
    CHECK(a.shape() == weight);
    const Moments m = moments(a);
    CHECK(std::abs(m.mean) < 0.01 * stddev);
    CHECK(m.stddev == Approx(stddev).epsilon(0.01));
    CHECK(m.largest <= largest * (1 + 1e-6));
    CHECK(m.largest > 0.99 * std::min(largest, 3.5 * stddev));
  };
  const double any = 1e9;
  const double root3 = std::sqrt(3.);
  check(init::trunc_normal<T>(weight, 0.02, rng), 0.02 * 0.87963, 0.04);
  check(init::xavier_uniform<T>(weight, rng), std::sqrt(2 / 1600.), root3 * std::sqrt(2 / 1600.));
  check(init::xavier_normal<T>(weight, rng, 2), 2 * std::sqrt(2 / 1600.), any);
  check(init::kaiming_uniform<T>(weight, rng), std::sqrt(2 / 1200.), root3 * std::sqrt(2 / 1200.));
  check(init::kaiming_normal<T>(weight, rng), std::sqrt(2 / 1200.), any);
  check(init::make<T>(weight, {}, rng), 1 / std::sqrt(3 * 1200.), 1 / std::sqrt(1200.));
}

TEST_CASE("init: make follows the rule") {
  const eg::Shape shape{3, 4};
  const auto same = [&](nn::Init rule, double scale, auto expected) {
    eg::Generator a(5), b(5);
    CHECK_SAME(init::make<double>(shape, {rule, scale}, a), expected(b));
  };
  using G = eg::Generator;
  same(nn::Init::kZeros, 1, [&](G&) { return NdArray<double>::zeros(shape); });
  same(nn::Init::kTruncNormal, 0.5,
       [&](G& g) { return init::trunc_normal<double>(shape, 0.5, g); });
  same(nn::Init::kXavierUniform, 2,
       [&](G& g) { return init::xavier_uniform<double>(shape, g, 2); });
  same(nn::Init::kXavierNormal, 2, [&](G& g) { return init::xavier_normal<double>(shape, g, 2); });
  same(nn::Init::kKaimingUniform, 1, [&](G& g) { return init::kaiming_uniform<double>(shape, g); });
  same(nn::Init::kKaimingNormal, 1, [&](G& g) { return init::kaiming_normal<double>(shape, g); });
}

TEST_CASE("init: convolutions that copy") {
  const NdArray<double> w = init::dirac<double>({3, 2, 3, 2});
  for (eg::Index i = 0; i < w.numel(); ++i) {
    // Filters 0 and 1 at their own channel, row 1 and column 1; filter 2 has no channel.
    CHECK(w.data()[i] == (i == 3 || i == 12 + 6 + 3 ? 1 : 0));
  }
  eg::Generator rng(3);
  const NdArray<double> made = init::make<double>({50, 2, 3, 3}, {nn::Init::kDirac, 0.5}, rng);
  const NdArray<double> copies = init::dirac<double>({50, 2, 3, 3});
  double most = 0;
  for (eg::Index i = 0; i < made.numel(); ++i) {
    if (i < 36) CHECK(made.data()[i] == copies.data()[i]);
    if (i >= 36) most = std::max(most, std::abs(made.data()[i]));
  }
  CHECK(most <= 0.5 / std::sqrt(18.));
  CHECK(most > 0.49 / std::sqrt(18.));
  CHECK_SAME(init::make_bias<double>({3, 2, 1, 1}, {nn::Init::kDirac}, rng),
             NdArray<double>::zeros({3}));
  CHECK_ERROR(init::dirac<float>({3, 2}), eg::ShapeError,
              "[init] dirac needs a weight (O, C, kh, kw): (3, 2)");
}

TEST_CASE("init: normal and uniform rules take their scale") {
  eg::Generator rng(2);
  const NdArray<double> normal = init::make<double>({1, 50, 40}, {nn::Init::kNormal, 3}, rng);
  CHECK(std::sqrt(normal.array().square().mean()) == Approx(3).margin(0.2));
  CHECK(normal.array().abs().maxCoeff() > 7);  // not cut off
  const NdArray<double> uniform = init::make<double>({1, 50, 40}, {nn::Init::kUniform, 3}, rng);
  CHECK(uniform.array().minCoeff() >= 0);
  CHECK(uniform.array().maxCoeff() < 3);
  CHECK(uniform.array().mean() == Approx(1.5).margin(0.1));
}

TEST_CASE("init: bias") {
  eg::Generator rng(2);
  const NdArray<double> bias = init::make_bias<double>({1000, 4}, {}, rng);
  CHECK(bias.shape() == eg::Shape{1000});
  CHECK(moments(bias).largest <= 0.5);
  CHECK(moments(bias).largest > 0.49);
  CHECK_SAME(init::make_bias<double>({3, 4}, {nn::Init::kTruncNormal, 1}, rng),
             NdArray<double>::zeros({3}));
}

TEST_CASE("init: edge") {
  eg::Generator rng(2);
  CHECK(init::make<float>({0, 4}, {}, rng).numel() == 0);
  CHECK(init::make<float>({4, 0}, {}, rng).numel() == 0);
}

TEST_CASE("init: error") {
  eg::Generator rng(2);
  CHECK_ERROR(init::kaiming_normal<float>({3}, rng), eg::ShapeError,
              "[init] needs a weight of 2 axes or more: (3)");
}
