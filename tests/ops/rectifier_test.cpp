// SPDX-License-Identifier: MIT
#include <eigengrad/ops/rectifier.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("rectifier: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3}, {-1, 0, 2});
  const double e = std::exp(1.);
  CHECK_CLOSE(eg::leaky_relu(x).value(), NdArray<double>({3}, {-0.01, 0, 2}), 1e-7);
  CHECK_SAME(eg::leaky_relu(x, 0.25).value(), NdArray<T>({3}, {T(-0.25), 0, 2}));
  CHECK_CLOSE(eg::elu(x).value(), NdArray<double>({3}, {1 / e - 1, 0, 2}), 1e-7);
  CHECK_CLOSE(eg::elu(x, 3).value(), NdArray<double>({3}, {3 / e - 3, 0, 2}), 1e-6);
  CHECK_CLOSE(eg::softplus(x).value(),
              NdArray<double>({3}, {std::log(1 + 1 / e), std::log(2.), std::log(1 + e * e)}), 1e-6);
  CHECK_CLOSE(eg::softplus(x, 2).value(),
              NdArray<double>({3}, {std::log(1 + 1 / e / e) / 2, std::log(2.) / 2,
                                    std::log(1 + e * e * e * e) / 2}),
              1e-6);
  CHECK_CLOSE(eg::hardswish(x).value(), NdArray<double>({3}, {-1 / 3., 0, 5 / 3.}), 1e-6);
  CHECK_CLOSE(eg::mish(x).value(),
              NdArray<double>(
                  {3}, {-std::tanh(std::log(1 + 1 / e)), 0, 2 * std::tanh(std::log(1 + e * e))}),
              1e-6);
}

TEST_CASE("rectifier: gradient") {
  for (Index n : {1, 7, 8, 15, 17, 33}) {
    const NdArray<double> in = test::random({2, n}, 5, -4, 4);
    CHECK_GRADIENT(eg::leaky_relu(x[0], 0.2), {in});
    CHECK_GRADIENT(eg::elu(x[0], 1.5), {in});
    CHECK_GRADIENT(eg::softplus(x[0]), {in});
    CHECK_GRADIENT(eg::softplus(x[0], 2.5), {in});
    CHECK_GRADIENT(eg::hardswish(x[0]), {in});
    CHECK_GRADIENT(eg::mish(x[0]), {in});
  }
}

TEMPLATE_TEST_CASE("rectifier: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  using Op = Tensor<T> (*)(const Tensor<T>&);
  // Values and slopes at -inf, -1e30, 0, 1e30, inf and NaN.
  const auto check = [&](Op op, T at_low, T slope_low, T at_0, T slope_0) {
    const Tensor<T> x({6}, {-inf, T(-1e30), 0, T(1e30), inf, nan}, true);
    const Tensor<T> y = op(x);
    CHECK_CLOSE(
        y.value(),
        NdArray<T>({6}, {at_low, at_low == -inf ? T(-1e28) : at_low, at_0, T(1e30), inf, nan}),
        1e-6);
    y.backward(NdArray<T>::ones({6}));
    const NdArray<T> dx = x.grad();
    CHECK_CLOSE(NdArray<T>({5}, {dx(0), dx(1), dx(2), dx(3), dx(4)}),
                NdArray<T>({5}, {slope_low, slope_low, slope_0, 1, 1}), 1e-6);
  };
  SECTION("leaky_relu") {
    check([](const Tensor<T>& x) { return eg::leaky_relu(x); }, -inf, T(0.01), 0, T(0.01));
  }
  SECTION("elu") {
    check([](const Tensor<T>& x) { return eg::elu(x); }, -1, 0, 0, 1);
  }
  SECTION("softplus") {
    check([](const Tensor<T>& x) { return eg::softplus(x); }, 0, 0, std::log(T(2)), T(0.5));
  }
  SECTION("hardswish") {
    check([](const Tensor<T>& x) { return eg::hardswish(x); }, 0, 0, 0, T(0.5));
  }
  SECTION("mish") {
    check([](const Tensor<T>& x) { return eg::mish(x); }, 0, 0, 0, T(0.6));
  }
  SECTION("small results keep their digits") {
    const auto relative = [](const Tensor<T>& y, double expected) {
      return std::abs(static_cast<double>(y.item()) / expected - 1);
    };
    CHECK(relative(eg::softplus(Tensor<T>({1}, {-20})), std::log1p(std::exp(-20.))) < 1e-6);
    CHECK(relative(eg::elu(Tensor<T>({1}, {T(-1e-6)})), std::expm1(double(T(-1e-6)))) < 1e-6);
    const double u = std::exp(-20.);
    CHECK(relative(eg::mish(Tensor<T>({1}, {-20})), -20 * std::tanh(std::log1p(u))) < 1e-6);
  }
  SECTION("empty and scalar") {
    CHECK(eg::mish(Tensor<T>::zeros({0, 3})).shape() == test::Shape{0, 3});
    CHECK(eg::elu(Tensor<T>::scalar(2)).item() == 2);
  }
}

TEST_CASE("rectifier: error") {
  const auto x = Tensor<float>::zeros({2});
  CHECK_ERROR(eg::softplus(x, 0), eg::ValueError, "[softplus] beta must be positive: 0");
}

TEMPLATE_TEST_CASE("rectifier: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rectifier");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  const auto check = [&](const char* name, Tensor<T> (*op)(const Tensor<T>&)) {
    reference.check<T>(name, tolerance, [&](const auto& x) { return op(x[0]); });
  };
  check("leaky_relu", [](const Tensor<T>& x) { return eg::leaky_relu(x); });
  check("leaky_relu-0.3", [](const Tensor<T>& x) { return eg::leaky_relu(x, T(0.3)); });
  check("elu", [](const Tensor<T>& x) { return eg::elu(x); });
  check("elu-1.5", [](const Tensor<T>& x) { return eg::elu(x, T(1.5)); });
  check("softplus", [](const Tensor<T>& x) { return eg::softplus(x); });
  check("softplus-2", [](const Tensor<T>& x) { return eg::softplus(x, T(2)); });
  check("hardswish", [](const Tensor<T>& x) { return eg::hardswish(x); });
  check("mish", [](const Tensor<T>& x) { return eg::mish(x); });
}
