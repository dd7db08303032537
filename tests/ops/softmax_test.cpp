// SPDX-License-Identifier: MIT
#include <eigengrad/ops/softmax.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("softmax: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {0, 0, 0, std::log(T(1)), std::log(T(2)), std::log(T(5))});
  CHECK_CLOSE(eg::softmax(x).value(),
              NdArray<double>({2, 3}, {1 / 3., 1 / 3., 1 / 3., 0.125, 0.25, 0.625}), 1e-6);
  CHECK_CLOSE(eg::softmax(x, 0).value(),
              NdArray<double>({2, 3}, {0.5, 1 / 3., 1 / 6., 0.5, 2 / 3., 5 / 6.}), 1e-6);
  CHECK_CLOSE(eg::log_softmax(x).value(),
              NdArray<double>({2, 3}, {std::log(1 / 3.), std::log(1 / 3.), std::log(1 / 3.),
                                       std::log(0.125), std::log(0.25), std::log(0.625)}),
              1e-6);
}

TEST_CASE("softmax: gradient") {
  for (test::Index n : {1, 2, 7, 16, 17, 33}) {
    const NdArray<double> x = test::random({3, n, 2}, 5, -3, 3);
    for (test::Index axis : {0, 1, 2, -1}) {
      CHECK_GRADIENT(eg::softmax(x[0], axis), {x});
      CHECK_GRADIENT(eg::log_softmax(x[0], axis), {x});
    }
  }
}

TEMPLATE_TEST_CASE("softmax: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("empty and single") {
    CHECK(eg::softmax(Tensor<T>::zeros({0, 3})).numel() == 0);
    CHECK(eg::softmax(Tensor<T>::zeros({3, 0})).numel() == 0);
    CHECK_SAME(eg::softmax(Tensor<T>({1}, {42})).value(), NdArray<T>({1}, {1}));
  }
  SECTION("large magnitudes do not overflow") {
    const Tensor<T> x({1, 3}, {T(1e30), T(1e30), T(-1e30)});
    CHECK_SAME(eg::softmax(x).value(), NdArray<T>({1, 3}, {T(0.5), T(0.5), 0}));
    CHECK_CLOSE(eg::log_softmax(Tensor<T>({2}, {1000, 0})).value(), NdArray<T>({2}, {0, -1000}),
                1e-6);
    CHECK_CLOSE(eg::log_softmax(Tensor<T>::full({2}, T(1 << 20))).value(),
                NdArray<double>::full({2}, -std::log(2.)), 1e-6);
  }
  SECTION("-inf takes no weight, alone it gives zeros, NaN stays") {
    CHECK_SAME(eg::softmax(Tensor<T>({3}, {-inf, 1, 1})).value(),
               NdArray<T>({3}, {0, T(0.5), T(0.5)}));
    CHECK_SAME(eg::softmax(Tensor<T>({2}, {-inf, -inf})).value(), NdArray<T>({2}, {0, 0}));
    CHECK(std::isnan(eg::softmax(Tensor<T>({3}, {T(NAN), 1, 1})).value()(1)));
  }
  SECTION("any length gives rows of sum one") {
    for (test::Index n = 1; n < 70; ++n) {
      const Tensor<T> y = eg::softmax(Tensor<T>(test::random<T>({4, n}, 3, -5, 5)));
      CHECK_CLOSE(NdArray<T>(y.value().matrix().rowwise().sum()), NdArray<T>::ones({4}), 1e-6);
    }
  }
}

TEST_CASE("softmax: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::softmax(x, 2), eg::ShapeError, "[softmax] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::log_softmax(x, -3), eg::ShapeError,
              "[log_softmax] axis -3 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("softmax: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("softmax");
  for (test::Index axis : {0, 1, 2}) {
    for (const bool log : {false, true}) {
      const std::string name = (log ? "log_softmax" : "softmax") + std::to_string(axis);
      reference.check<T>(name, tolerance, [&](const auto& x) {
        return log ? eg::log_softmax(x[0], axis) : eg::softmax(x[0], axis);
      });
    }
  }
}
