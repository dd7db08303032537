// SPDX-License-Identifier: MIT
#include <eigengrad/ops/glu.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("glu: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 4}, {8, 3, 0, std::log(T(3)), 4, 1, -std::log(T(3)), 0});
  CHECK_CLOSE(eg::glu(x).value(), NdArray<double>({2, 2}, {4, 2.25, 1, 0.5}), 1e-6);
  const double s = 1 / (1 + std::exp(-4.));
  CHECK_CLOSE(eg::glu(Tensor<T>({2, 1}, {3, 4}), 0).value(), NdArray<double>({1, 1}, {3 * s}),
              1e-6);
}

TEST_CASE("glu: gradient") {
  for (Index n : {1, 7, 8, 15, 17}) {
    const NdArray<double> in = test::random({2, 2 * n, 2}, 5, -3, 3);
    for (Index axis : {0, 1, 2}) CHECK_GRADIENT(eg::glu(x[0], axis), {in});
  }
}

TEMPLATE_TEST_CASE("glu: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> x({10}, {1, inf, 2, T(1e30), nan, inf, 0, -1000, 1000, 0}, true);
  const Tensor<T> y = eg::glu(x);
  CHECK_CLOSE(y.value(), NdArray<T>({5}, {1, inf, 0, T(1e30), nan}), 1e-6);
  y.backward(NdArray<T>::ones({5}));
  CHECK_CLOSE(x.grad(), NdArray<T>({10}, {1, T(0.5), 0, 1, T(0.5), 0, inf, 0, 0, nan}), 1e-6);
  CHECK(eg::glu(Tensor<T>::zeros({3, 0})).shape() == test::Shape{3, 0});
  CHECK(eg::glu(Tensor<T>::zeros({0, 4})).shape() == test::Shape{0, 2});
}

TEST_CASE("glu: the same bits on any number of threads") {
  const NdArray<float> in = test::random<float>({3001, 34}, 1, -3, 3);
  test::check_threads([&] {
    const Tensor<float> x(in, true);
    const Tensor<float> y = eg::glu(x);
    y.backward(NdArray<float>::ones(y.shape()));
    return std::vector{y.value(), x.grad()};
  });
}

TEST_CASE("glu: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::glu(x), eg::ShapeError,
              "[glu] the axis must have an even size: axis -1, x (2, 3)");
  CHECK_ERROR(eg::glu(x, 2), eg::ShapeError, "[glu] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("glu: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("glu");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (Index axis : {0, 1, 2}) {
    reference.check<T>("axis" + std::to_string(axis), tolerance,
                       [&](const auto& x) { return eg::glu(x[0], axis); });
  }
}
