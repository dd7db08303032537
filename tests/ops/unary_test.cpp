// SPDX-License-Identifier: MIT
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/unary.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("unary: value", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-7 : 1e-15;
  const Tensor<T> x({3}, {0, 1, 4});
  const double e = 2.718281828459045;
  CHECK_CLOSE(eg::exp(x).value(), NdArray<double>({3}, {1, e, e * e * e * e}), tolerance);
  CHECK_CLOSE(eg::log(Tensor<T>({2}, {1, 8})).value(), NdArray<double>({2}, {0, 3 * std::log(2)}),
              tolerance);
  CHECK_SAME(eg::sqrt(x).value(), NdArray<T>({3}, {0, 1, 2}));
  CHECK_CLOSE(eg::rsqrt(Tensor<T>({3}, {1, 4, T(0.0625)})).value(), NdArray<T>({3}, {1, 0.5, 4}),
              tolerance);
  CHECK_CLOSE(eg::tanh(x).value(),
              NdArray<double>({3}, {0, (e * e - 1) / (e * e + 1), 0.9993292997390670}), tolerance);
  CHECK_CLOSE(eg::sigmoid(x).value(), NdArray<double>({3}, {0.5, e / (e + 1), 0.9820137900379085}),
              tolerance);
  CHECK_SAME(eg::abs(Tensor<T>({3}, {-2, 0, 3})).value(), NdArray<T>({3}, {2, 0, 3}));
  const double pi = std::acos(-1.);
  const Tensor<T> angles({3}, {0, T(pi / 6), T(pi / 2)});
  CHECK_CLOSE(eg::sin(angles).value(), NdArray<double>({3}, {0, 0.5, 1}), tolerance);
  CHECK_CLOSE(eg::cos(angles).value(), NdArray<double>({3}, {1, std::sqrt(0.75), 0}), tolerance);
  CHECK_CLOSE(eg::erf(Tensor<T>({2}, {0, 1})).value(),
              NdArray<double>({2}, {0, 0.8427007929497149}), tolerance);
}

TEST_CASE("unary: gradient") {
  for (Index n : {1, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> any = test::random({2, n}, 5, -3, 3);
    const NdArray<double> positive = test::random({2, n}, 6, 0.5, 3);
    CHECK_GRADIENT(eg::exp(x[0]), {any});
    CHECK_GRADIENT(eg::log(x[0]), {positive});
    CHECK_GRADIENT(eg::sqrt(x[0]), {positive});
    CHECK_GRADIENT(eg::rsqrt(x[0]), {positive});
    CHECK_GRADIENT(eg::tanh(x[0]), {any});
    CHECK_GRADIENT(eg::sigmoid(x[0]), {any});
    CHECK_GRADIENT(eg::abs(x[0]), {any});
    CHECK_GRADIENT(eg::sin(x[0]), {any});
    CHECK_GRADIENT(eg::cos(x[0]), {any});
    CHECK_GRADIENT(eg::erf(x[0]), {any});
  }
}

TEMPLATE_TEST_CASE("unary: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  SECTION("the ends of the range") {
    CHECK_SAME(eg::exp(Tensor<T>({4}, {-inf, -2000, 2000, nan})).value(),
               NdArray<T>({4}, {0, 0, inf, nan}));
    CHECK_SAME(eg::log(Tensor<T>({4}, {0, -1, inf, nan})).value(),
               NdArray<T>({4}, {-inf, nan, inf, nan}));
    CHECK_SAME(eg::sqrt(Tensor<T>({4}, {0, -1, inf, nan})).value(),
               NdArray<T>({4}, {0, nan, inf, nan}));
    CHECK_SAME(eg::rsqrt(Tensor<T>({4}, {0, -1, inf, nan})).value(),
               NdArray<T>({4}, {inf, nan, 0, nan}));
    CHECK_SAME(eg::tanh(Tensor<T>({5}, {-inf, -1000, 1000, inf, nan})).value(),
               NdArray<T>({5}, {-1, -1, 1, 1, nan}));
    CHECK_SAME(eg::sigmoid(Tensor<T>({5}, {-inf, -2000, 2000, inf, nan})).value(),
               NdArray<T>({5}, {0, 0, 1, 1, nan}));
    CHECK_SAME(eg::abs(Tensor<T>({3}, {-inf, inf, nan})).value(), NdArray<T>({3}, {inf, inf, nan}));
    CHECK_SAME(eg::sin(Tensor<T>({3}, {T(1e30), inf, nan})).value(),
               NdArray<T>({3}, {std::sin(T(1e30)), nan, nan}));
    CHECK_SAME(eg::cos(Tensor<T>({3}, {T(1e30), inf, nan})).value(),
               NdArray<T>({3}, {std::cos(T(1e30)), nan, nan}));
    CHECK_SAME(eg::erf(Tensor<T>({4}, {-inf, T(-1e30), inf, nan})).value(),
               NdArray<T>({4}, {-1, -1, 1, nan}));
  }
  SECTION("gradients where the function has a corner") {
    const Tensor<T> x({3}, {-2, 0, 2}, true);
    eg::abs(x).backward(NdArray<T>({3}, {5, 5, 5}));
    CHECK_SAME(x.grad(), NdArray<T>({3}, {-5, 0, 5}));
    const Tensor<T> zero({1}, {0}, true);
    eg::sqrt(zero).backward(NdArray<T>::ones({1}));
    CHECK(zero.grad().item() == inf);
  }
  SECTION("empty and scalar") {
    CHECK(eg::exp(Tensor<T>::zeros({0, 3})).shape() == test::Shape{0, 3});
    CHECK_SAME(eg::exp(Tensor<T>::scalar(0)).value(), NdArray<T>::scalar(1));
  }
  SECTION("a gradient that others read is not written to") {
    const Tensor<T> x({2}, {1, 2}, true);
    const NdArray<T> dout({2}, {3, 4});
    const Tensor<T> y = x + eg::tanh(x);
    y.backward(dout);
    CHECK_SAME(dout, NdArray<T>({2}, {3, 4}));
    const T t0 = std::tanh(T(1));
    const T t1 = std::tanh(T(2));
    CHECK_CLOSE(x.grad(), NdArray<T>({2}, {3 * (2 - t0 * t0), 4 * (2 - t1 * t1)}), 1e-6);
  }
}

TEST_CASE("unary: error") {
  const Tensor<float> none;
  CHECK_ERROR(eg::exp(none), eg::StateError, "[tensor] this tensor is empty; assign one first");
  const auto x = Tensor<float>::ones({2}, true);
  CHECK_ERROR(
      eg::exp(x).backward(), eg::ShapeError,
      "[backward] needs a scalar, shape is (2); reduce it with sum() or mean(), or pass its "
      "gradient");
}

TEMPLATE_TEST_CASE("unary: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("unary");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  using Op = Tensor<T> (*)(const Tensor<T>&);
  const std::pair<const char*, Op> ops[] = {
      {"exp", eg::exp},   {"log", eg::log},         {"sqrt", eg::sqrt}, {"rsqrt", eg::rsqrt},
      {"tanh", eg::tanh}, {"sigmoid", eg::sigmoid}, {"abs", eg::abs},   {"sin", eg::sin},
      {"cos", eg::cos},   {"erf", eg::erf}};
  for (const auto& [name, function] : ops) {
    reference.check<T>(name, tolerance, [f = function](const auto& x) { return f(x[0]); });
  }
}
