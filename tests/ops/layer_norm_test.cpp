// SPDX-License-Identifier: MIT
#include <eigengrad/ops/layer_norm.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("layer_norm: value", "", float, double) {
  using T = TestType;
  // Mean 2, variance 2/3 and mean 0, variance 8.
  const Tensor<T> x({2, 3}, {1, 2, 3, -4, 2, 2});
  const double a = std::sqrt(1.5);
  const double b = std::sqrt(0.5);
  CHECK_CLOSE(eg::layer_norm(x, {}, {}, 0).value(),
              NdArray<double>({2, 3}, {-a, 0, a, -2 * b, b, b}), 1e-6);
  const Tensor<T> weight({3}, {1, 10, 100});
  const Tensor<T> bias({3}, {5, 6, 7});
  CHECK_CLOSE(eg::layer_norm(x, weight, bias, 0).value(),
              NdArray<double>({2, 3}, {5 - a, 6, 7 + 100 * a, 5 - 2 * b, 6 + 10 * b, 7 + 100 * b}),
              1e-6);
  // eps counts: 1 / sqrt(2/3 + 1/3) = 1 and 1 / sqrt(8 + 1) = 1/3.
  CHECK_CLOSE(eg::layer_norm(Tensor<T>({3}, {1, 2, 3}), {}, {}, 1 / 3.).value(),
              NdArray<double>({3}, {-1, 0, 1}), 1e-6);
  CHECK_CLOSE(eg::layer_norm(Tensor<T>({3}, {-4, 2, 2}), {}, bias, 1.0).value(),
              NdArray<double>({3}, {5 - 4 / 3., 6 + 2 / 3., 7 + 2 / 3.}), 1e-6);
}

TEST_CASE("layer_norm: gradient") {
  for (test::Index n : {1, 2, 7, 8, 15, 16, 17, 33}) {
    for (test::Index rows : {1, 3, 6}) {
      const NdArray<double> x = test::random({rows, n}, 5, -3, 3);
      const NdArray<double> w = test::random({n}, 6);
      const NdArray<double> b = test::random({n}, 7);
      CHECK_GRADIENT(eg::layer_norm(x[0], x[1], x[2]), {x, w, b});
      CHECK_GRADIENT(eg::layer_norm(x[0], x[1]), {x, w});
      CHECK_GRADIENT(eg::layer_norm(x[0], {}, x[1], 0.5), {x, b});
      CHECK_GRADIENT(eg::layer_norm(x[0]), {x});
      const Tensor<double> fixed(x);
      CHECK_GRADIENT(eg::layer_norm(fixed, x[0], x[1]), {w, b});
    }
  }
}

TEST_CASE("layer_norm: gradient is added to what x already has") {
  const NdArray<double> x = test::random({5, 9}, 5, -3, 3);
  auto residual = [](const Tensor<double>& x) {
    const Tensor<double> y = eg::layer_norm(x);
    return eg::make_result(
        "add", NdArray<double>(x.value().matrix() + y.value().matrix()),
        [](eg::BackwardContext<double>& context) {
          context.accumulate(0, context.dout());
          context.accumulate(1, context.dout());
        },
        x, y);
  };
  CHECK_GRADIENT(residual(x[0]), {x});
}

TEMPLATE_TEST_CASE("layer_norm: edge", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  SECTION("empty and single") {
    for (const test::Shape& shape : {test::Shape{0, 3}, test::Shape{3, 0}}) {
      const Tensor<T> x = Tensor<T>::zeros(shape, true);
      const Tensor<T> weight = Tensor<T>::ones({shape.back()}, true);
      const Tensor<T> y = eg::layer_norm(x, weight, weight);
      CHECK(y.shape() == shape);
      y.backward(NdArray<T>(shape));
      CHECK(x.grad().shape() == shape);
      CHECK_SAME(weight.grad(), NdArray<T>::zeros({shape.back()}));
    }
    CHECK_SAME(eg::layer_norm(Tensor<T>({1}, {42})).value(), NdArray<T>({1}, {0}));
  }
  SECTION("a constant row gives the bias") {
    const Tensor<T> x = Tensor<T>::full({2, 5}, T(0.1));
    CHECK_SAME(eg::layer_norm(x, Tensor<T>::ones({5}), Tensor<T>::full({5}, T(3))).value(),
               NdArray<T>::full({2, 5}, 3));
  }
  SECTION("a large mean loses nothing") {
    // Integers near 2^20 are exact, their sums in float are not.
    NdArray<T> near({7, 101});
    for (test::Index i = 0; i < near.numel(); ++i) near.data()[i] = static_cast<T>(i * 37 % 53);
    NdArray<T> far(near.shape());
    far.array() = near.array() + T(1 << 20);
    const NdArray<T> dout = test::random<T>(near.shape(), 8);
    const Tensor<T> weight(test::random<T>({101}, 9));
    const Tensor<T> a(near, true);
    const Tensor<T> b(far, true);
    const Tensor<T> y = eg::layer_norm(a, weight);
    const Tensor<T> z = eg::layer_norm(b, weight);
    CHECK_CLOSE(z.value(), y.value(), tolerance);
    y.backward(dout);
    z.backward(dout);
    CHECK_CLOSE(b.grad(), a.grad(), tolerance);
  }
  SECTION("first elements far from the others cost few digits") {
    NdArray<T> x = test::random<T>({7, 192}, 4, -1, 1);
    for (test::Index i = 0; i < 7 * 4; ++i) x.data()[i / 4 * 192 + i % 4] += T(1000);
    NdArray<double> wanted(x.shape());
    for (test::Index r = 0; r < 7; ++r) {
      const Eigen::ArrayXd row = x.matrix().row(r).template cast<double>();
      const double variance = (row - row.mean()).square().mean();
      wanted.matrix().row(r) = (row - row.mean()) / std::sqrt(variance);
    }
    CHECK_CLOSE(eg::layer_norm(Tensor<T>(x), {}, {}, 0).value(), wanted, tolerance);
  }
  SECTION("any length gives rows of mean 0 and variance 1") {
    for (test::Index n = 2; n < 70; ++n) {
      const Tensor<T> y = eg::layer_norm(Tensor<T>(test::random<T>({9, n}, 3, -50, 50)), {}, {}, 0);
      CHECK_CLOSE(NdArray<T>(y.value().matrix().rowwise().mean()), NdArray<T>::zeros({9}),
                  tolerance);
      CHECK_CLOSE(NdArray<T>(y.value().matrix().rowwise().squaredNorm() / T(n)),
                  NdArray<T>::ones({9}), tolerance);
    }
  }
  SECTION("NaN stays in its row") {
    const Tensor<T> y = eg::layer_norm(Tensor<T>({2, 2}, {T(NAN), 1, 1, 3}));
    CHECK((std::isnan(y.value()(0, 0)) && std::isnan(y.value()(0, 1))));
    CHECK(y.value()(1, 1) > T(0.9));
  }
}

TEST_CASE("layer_norm: the same bits on any number of threads") {
  const test::Shape shape{1037, 33};
  test::check_threads([&] {
    const Tensor<float> x(test::random<float>(shape, 1, -3, 3), true);
    const Tensor<float> weight(test::random<float>({33}, 3), true);
    const Tensor<float> bias(test::random<float>({33}, 4), true);
    const Tensor<float> y = eg::layer_norm(x, weight, bias);
    y.backward(test::random<float>(shape, 2));
    return std::vector{y.value(), x.grad(), weight.grad(), bias.grad()};
  });
}

TEST_CASE("layer_norm: error") {
  const auto x = Tensor<double>::zeros({2, 4});
  const auto three = Tensor<double>::zeros({3});
  CHECK_ERROR(eg::layer_norm(x, three), eg::ShapeError,
              "[layer_norm] weight must have the size of the last axis: weight (3), x (2, 4)");
  CHECK_ERROR(eg::layer_norm(x, {}, three), eg::ShapeError,
              "[layer_norm] bias must have the size of the last axis: bias (3), x (2, 4)");
  CHECK_ERROR(eg::layer_norm(Tensor<double>::scalar(1)), eg::ShapeError,
              "[layer_norm] needs at least one axis: x ()");
  CHECK_ERROR(eg::layer_norm(x, {}, {}, -1), eg::ValueError,
              "[layer_norm] eps must not be negative: -1");
}

TEMPLATE_TEST_CASE("layer_norm: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("layer_norm");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  reference.check<T>("affine", tolerance,
                     [](const auto& x) { return eg::layer_norm(x[0], x[1], x[2]); });
  reference.check<T>("plain", tolerance,
                     [](const auto& x) { return eg::layer_norm(x[0], {}, {}, 0.1); });
  reference.check<T>("weight", tolerance, [](const auto& x) { return eg::layer_norm(x[0], x[1]); });
}
