// SPDX-License-Identifier: MIT
#include <eigengrad/ops/pow.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("pow: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3}, {1, 4, 9});
  CHECK_SAME(eg::pow(x, 2).value(), NdArray<T>({3}, {1, 16, 81}));
  CHECK_SAME(eg::pow(x, 3).value(), NdArray<T>({3}, {1, 64, 729}));
  CHECK_SAME(eg::pow(x, 0).value(), NdArray<T>({3}, {1, 1, 1}));
  CHECK_SAME(eg::pow(x, 0.5).value(), NdArray<T>({3}, {1, 2, 3}));
  CHECK_SAME(eg::pow(x, 1.5).value(), NdArray<T>({3}, {1, 8, 27}));
  CHECK_CLOSE(eg::pow(x, -1).value(), NdArray<double>({3}, {1, 0.25, 1 / 9.}), 1e-7);
  CHECK_CLOSE(eg::pow(x, -0.5).value(), NdArray<double>({3}, {1, 0.5, 1 / 3.}), 1e-7);
  CHECK_CLOSE(eg::pow(x, 0.1).value(),
              NdArray<double>({3}, {1, std::pow(4, 0.1), std::pow(9, 0.1)}), 1e-7);
  CHECK_SAME(eg::pow(Tensor<T>({3}, {-2, 2, -3}), Tensor<T>({3}, {3, -1, 2})).value(),
             NdArray<T>({3}, {-8, T(0.5), 9}));
  CHECK_SAME(eg::pow(Tensor<T>({2, 1}, {2, 3}), Tensor<T>({2}, {1, 2})).value(),
             NdArray<T>({2, 2}, {2, 4, 3, 9}));
}

TEST_CASE("pow: gradient") {
  for (Index n : {1, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> positive = test::random({2, n}, 5, 0.5, 2);
    const NdArray<double> any = test::random({2, n}, 6, -2, 2);
    for (double exponent : {2., 3., 1., 0.}) {
      CHECK_GRADIENT(eg::pow(x[0], exponent), {any});
    }
    for (double exponent : {-1., -2., 0.5, -0.5, 1.5, -2.5, 0.3, -1.7}) {
      CHECK_GRADIENT(eg::pow(x[0], exponent), {positive});
    }
    for (double exponent : {7., 16., -15.5, 17., 20.5}) {  // large ones amplify every step
      CHECK_GRADIENT(eg::pow(x[0], exponent), {test::random({2, n}, 9, 0.8, 1.2)});
    }
    CHECK_GRADIENT(eg::pow(x[0], x[1]), {positive, any});
    CHECK_GRADIENT(eg::pow(x[0], x[1]), {positive, test::random({n}, 7, -2, 2)});
    CHECK_GRADIENT(eg::pow(x[0], x[1]), {test::random({2, 1}, 8, 0.5, 2), any});
  }
}

TEMPLATE_TEST_CASE("pow: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const NdArray<T> points({5}, {0, 1, inf, -inf, nan});
  SECTION("as std::pow has it") {
    for (double e : {0., 1., 2., 3., -1., -2., 0.5, -0.5, 1.5, 0.3, -0.3}) {
      const NdArray<T> y = eg::pow(Tensor<T>(points), e).value();
      for (Index i = 0; i < points.numel(); ++i) {
        // The root of -inf is NaN, as in PyTorch; std::pow says inf.
        if (points(i) == -inf && e != 0.3 && e != -0.3 && e != std::floor(e)) continue;
        const T expected = std::pow(points(i), T(e));
        INFO(points(i) << " to the power " << e);
        CHECK((y(i) == expected || (std::isnan(y(i)) && std::isnan(expected))));
      }
    }
  }
  SECTION("gradients at 0") {
    const auto slope = [](double e) {
      const Tensor<T> x({1}, {0}, true);
      eg::pow(x, e).backward(NdArray<T>::ones({1}));
      return x.grad().item();
    };
    CHECK(slope(0) == 0);
    CHECK(slope(1) == 1);
    CHECK(slope(2) == 0);
    CHECK(slope(0.5) == inf);
    CHECK(slope(-1) == -inf);
    const Tensor<T> x({3}, {0, 0, 0}, true);
    const Tensor<T> y({3}, {0, 2, -1}, true);
    eg::pow(x, y).backward(NdArray<T>::ones({3}));
    CHECK_SAME(x.grad(), NdArray<T>({3}, {0, 0, -inf}));
    CHECK_SAME(y.grad(), NdArray<T>({3}, {0, 0, -inf}));
  }
  SECTION("large results overflow, small ones vanish") {
    const T large = std::numeric_limits<T>::max();
    CHECK_SAME(eg::pow(Tensor<T>({1}, {large}), 2).value(), NdArray<T>({1}, {inf}));
    CHECK_SAME(eg::pow(Tensor<T>({1}, {large}), -2).value(), NdArray<T>({1}, {0}));
    // A power of two that is not needed may overflow: it must not count.
    CHECK_CLOSE(eg::pow(Tensor<T>({1}, {T(1e30)}), 1).value(), NdArray<double>({1}, {1e30}), 1e-7);
  }
  CHECK(eg::pow(Tensor<T>::zeros({0, 2}), 2).shape() == Shape{0, 2});
}

TEST_CASE("pow: error") {
  CHECK_ERROR(eg::pow(Tensor<float>::zeros({2, 3}), Tensor<float>::zeros({4})), eg::ShapeError,
              "[pow] shapes do not broadcast: (2, 3), (4); aligned from the right, sizes must be "
              "equal or 1");
}

TEMPLATE_TEST_CASE("pow: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("pow");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  for (const double exponent : {-2.5, -1., -0.5, 0., 0.5, 1., 1.7, 2., 3.}) {
    reference.check<T>("scalar" + eg::detail::to_text(exponent), tolerance,
                       [&](const auto& x) { return eg::pow(x[0], exponent); });
  }
  reference.check<T>("tensor", tolerance, [](const auto& x) { return eg::pow(x[0], x[1]); });
}
