// SPDX-License-Identifier: MIT
#include <eigengrad/ops/rms_norm.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("rms_norm: value", "", float, double) {
  using T = TestType;
  // Root mean squares 5 and 2.
  const Tensor<T> x({2, 2}, {1, 7, -2, 2});
  CHECK_CLOSE(eg::rms_norm(x, {}, 0).value(), NdArray<double>({2, 2}, {0.2, 1.4, -1, 1}), 1e-6);
  CHECK_CLOSE(eg::rms_norm(x, Tensor<T>({2}, {10, 100}), 0).value(),
              NdArray<double>({2, 2}, {2, 140, -10, 100}), 1e-6);
  // eps counts: sqrt(25 + 11) = 6.
  CHECK_CLOSE(eg::rms_norm(Tensor<T>({2}, {1, 7}), {}, 11).value(),
              NdArray<double>({2}, {1 / 6., 7 / 6.}), 1e-6);
}

TEST_CASE("rms_norm: gradient") {
  for (test::Index n : {1, 2, 7, 8, 15, 16, 17, 33}) {
    for (test::Index rows : {1, 3, 6}) {
      const NdArray<double> x = test::random({rows, n}, 5, 0.5, 3);
      const NdArray<double> w = test::random({n}, 6);
      CHECK_GRADIENT(eg::rms_norm(x[0], x[1]), {x, w});
      CHECK_GRADIENT(eg::rms_norm(x[0], {}, 0.5), {x});
      const Tensor<double> fixed(x);
      CHECK_GRADIENT(eg::rms_norm(fixed, x[0]), {w});
    }
  }
}

TEMPLATE_TEST_CASE("rms_norm: edge", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  SECTION("empty and single") {
    for (const test::Shape& shape : {test::Shape{0, 3}, test::Shape{3, 0}}) {
      const Tensor<T> x = Tensor<T>::zeros(shape, true);
      const Tensor<T> weight = Tensor<T>::ones({shape.back()}, true);
      const Tensor<T> y = eg::rms_norm(x, weight);
      CHECK(y.shape() == shape);
      y.backward(NdArray<T>(shape));
      CHECK(x.grad().shape() == shape);
      CHECK_SAME(weight.grad(), NdArray<T>::zeros({shape.back()}));
    }
    CHECK_SAME(eg::rms_norm(Tensor<T>({1}, {-4}), {}, 0).value(), NdArray<T>({1}, {-1}));
  }
  SECTION("zeros stay zeros, with a finite gradient") {
    const Tensor<T> x = Tensor<T>::zeros({2, 5}, true);
    const Tensor<T> y = eg::rms_norm(x, {}, 0.25);
    CHECK_SAME(y.value(), NdArray<T>::zeros({2, 5}));
    y.backward(NdArray<T>::ones({2, 5}));
    CHECK_SAME(x.grad(), NdArray<T>::full({2, 5}, 2));
  }
  SECTION("any length gives rows of mean square 1") {
    for (test::Index n = 1; n < 70; ++n) {
      const Tensor<T> y = eg::rms_norm(Tensor<T>(test::random<T>({9, n}, 3, -50, 50)), {}, 0);
      CHECK_CLOSE(NdArray<T>(y.value().matrix().rowwise().squaredNorm() / T(n)),
                  NdArray<T>::ones({9}), tolerance);
    }
  }
}

TEST_CASE("rms_norm: the same bits on any number of threads") {
  const test::Shape shape{1037, 33};
  test::check_threads([&] {
    const Tensor<float> x(test::random<float>(shape, 1, -3, 3), true);
    const Tensor<float> weight(test::random<float>({33}, 3), true);
    const Tensor<float> y = eg::rms_norm(x, weight);
    y.backward(test::random<float>(shape, 2));
    return std::vector{y.value(), x.grad(), weight.grad()};
  });
}

TEST_CASE("rms_norm: error") {
  const auto x = Tensor<double>::zeros({2, 4});
  CHECK_ERROR(eg::rms_norm(x, Tensor<double>::zeros({4, 1})), eg::ShapeError,
              "[rms_norm] weight must have the size of the last axis: weight (4, 1), x (2, 4)");
  CHECK_ERROR(eg::rms_norm(Tensor<double>::scalar(1)), eg::ShapeError,
              "[rms_norm] needs at least one axis: x ()");
  CHECK_ERROR(eg::rms_norm(x, {}, -0.5), eg::ValueError,
              "[rms_norm] eps must not be negative: -0.5");
}

TEMPLATE_TEST_CASE("rms_norm: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rms_norm");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  reference.check<T>("weight", tolerance, [](const auto& x) { return eg::rms_norm(x[0], x[1]); });
  reference.check<T>("plain", tolerance, [](const auto& x) { return eg::rms_norm(x[0], {}, 0.1); });
}
