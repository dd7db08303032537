// SPDX-License-Identifier: MIT
#include <eigengrad/ops/reduce.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

const Shape kAxes[] = {{}, {0}, {1}, {2}, {0, 1}, {1, 2}, {0, -1}, {0, 1, 2}};

}  // namespace

TEMPLATE_TEST_CASE("reduce: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 9});
  CHECK_SAME(eg::sum(x).value(), NdArray<T>::scalar(24));
  CHECK_SAME(eg::sum(x, {0}).value(), NdArray<T>({3}, {5, 7, 12}));
  CHECK_SAME(eg::sum(x, {1}, true).value(), NdArray<T>({2, 1}, {6, 18}));
  CHECK_SAME(eg::sum(x, {-1, 0}, true).value(), NdArray<T>({1, 1}, {24}));
  CHECK_SAME(eg::mean(x).value(), NdArray<T>::scalar(4));
  CHECK_SAME(eg::mean(x, {0}).value(), NdArray<T>({3}, {T(2.5), T(3.5), 6}));
  CHECK_SAME(eg::max(x).value(), NdArray<T>::scalar(9));
  CHECK_SAME(eg::max(x, {1}).value(), NdArray<T>({2}, {3, 9}));
  CHECK_SAME(eg::min(x, {0}, true).value(), NdArray<T>({1, 3}, {1, 2, 3}));
  // mean 4: 9 + 4 + 1 + 0 + 1 + 25 = 40
  CHECK_CLOSE(eg::var(x).value(), NdArray<T>::scalar(8), 1e-6);
  CHECK_CLOSE(eg::var(x, {}, {.correction = 0, .keepdim = true}).value(),
              NdArray<double>({1, 1}, {40 / 6.}), 1e-6);
  CHECK_CLOSE(eg::var(x, {1}).value(), NdArray<T>({2}, {1, 7}), 1e-6);
}

TEST_CASE("reduce: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> x = test::random({3, n, 5}, 5, -3, 3);
    for (const Shape& axes : kAxes) {
      for (const bool keepdim : {false, true}) {
        INFO(x.shape().str() << " over " << axes.str());
        CHECK_GRADIENT(eg::sum(x[0], axes, keepdim), {x});
        CHECK_GRADIENT(eg::mean(x[0], axes, keepdim), {x});
        CHECK_GRADIENT(eg::max(x[0], axes, keepdim), {x});
        CHECK_GRADIENT(eg::min(x[0], axes, keepdim), {x});
        CHECK_GRADIENT(eg::var(x[0], axes, {.correction = 0, .keepdim = keepdim}), {x});
        if (n > 1) CHECK_GRADIENT(eg::var(x[0], axes, {.keepdim = keepdim}), {x});
      }
    }
  }
}

TEMPLATE_TEST_CASE("reduce: edge", "", float, double) {
  using T = TestType;
  SECTION("nothing to add") {
    const auto x = Tensor<T>::zeros({0, 3}, true);
    CHECK_SAME(eg::sum(x).value(), NdArray<T>::scalar(0));
    CHECK_SAME(eg::sum(x, {0}).value(), NdArray<T>::zeros({3}));
    CHECK(eg::sum(x, {1}).shape() == Shape{0});
    CHECK(std::isnan(eg::mean(x).item()));
    eg::sum(x).backward();
    CHECK(x.grad().shape() == Shape{0, 3});
  }
  SECTION("a scalar") {
    const auto x = Tensor<T>::scalar(7, true);
    CHECK_SAME(eg::sum(x).value(), NdArray<T>::scalar(7));
    eg::mean(x).backward();
    CHECK_SAME(x.grad(), NdArray<T>::scalar(1));
  }
  SECTION("ties share the gradient evenly") {
    const Tensor<T> x({2, 4}, {3, 1, 3, 3, 5, 4, 4, 5}, true);
    eg::max(x, {1}).backward(NdArray<T>({2}, {6, 6}));
    CHECK_SAME(x.grad(), NdArray<T>({2, 4}, {2, 0, 2, 2, 3, 0, 0, 3}));
    const Tensor<T> z({2, 2}, {1, 2, 1, 1}, true);
    eg::min(z).backward(NdArray<T>::scalar(6));
    CHECK_SAME(z.grad(), NdArray<T>({2, 2}, {2, 0, 2, 2}));
  }
  SECTION("infinities and NaN") {
    const T inf = std::numeric_limits<T>::infinity();
    const Tensor<T> x({3}, {-inf, -inf, -inf}, true);
    const Tensor<T> y = eg::max(x);
    CHECK(y.item() == -inf);
    y.backward();
    CHECK_SAME(x.grad(), NdArray<T>::full({3}, T(1) / 3));
    const Tensor<T> bad({3}, {1, T(NAN), 2}, true);
    eg::max(bad).backward();
    CHECK(std::isnan(eg::max(bad).item()));
    CHECK(std::isnan(bad.grad()(0)));
  }
  SECTION("a large offset costs the variance no digits") {
    // 0, 1, 2, 3 again and again: the variance is 1.25 and its gradient 2 (x - 1.5) / n.
    for (const T offset : {T(0), T(1e4), T(1e6)}) {
      NdArray<T> x({4000, 25});
      for (Index i = 0; i < x.numel(); ++i) x.data()[i] = offset + T(i % 4);
      const Tensor<T> leaf(x, true);
      const Tensor<T> y = eg::var(leaf, {}, {.correction = 0});
      CHECK(std::abs(static_cast<double>(y.item()) - 1.25) < 2e-6);
      y.backward();
      for (Index i = 0; i < 8; ++i) {
        const double expected = 2 * (double(i % 4) - 1.5) / 1e5;
        CHECK(std::abs(static_cast<double>(leaf.grad().data()[i]) - expected) < 1e-10);
      }
    }
  }
  SECTION("the variance of fewer elements than the correction is NaN") {
    CHECK(std::isnan(eg::var(Tensor<T>({1}, {5})).item()));
    CHECK(eg::var(Tensor<T>({1}, {5}), {}, {.correction = 0}).item() == 0);
    CHECK(std::isnan(eg::var(Tensor<T>::zeros({0})).item()));
  }
  SECTION("the result is no view of the input") {
    const auto x = Tensor<T>::ones({2, 1});
    const auto y = eg::sum(x, {1});
    CHECK(y.value().data() != x.value().data());
  }
}

TEST_CASE("reduce: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::sum(x, {2}), eg::ShapeError, "[sum] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::mean(x, {1, -1}), eg::ShapeError, "[mean] axis -1 is given twice in (1, -1)");
  CHECK_ERROR(eg::var(x, {-3}), eg::ShapeError, "[var] axis -3 is out of range for 2 axes");
  CHECK_ERROR(eg::max(Tensor<double>::zeros({2, 0}), {1}), eg::ValueError,
              "[max] needs at least one element to choose from: x (2, 0)");
  CHECK_ERROR(eg::min(Tensor<double>::zeros({0})), eg::ValueError,
              "[min] needs at least one element to choose from: x (0)");
}

TEST_CASE("reduce: the same bits on any number of threads") {
  for (const Shape& axes : kAxes) {
    test::check_threads([&] {
      const Tensor<float> x(test::random<float>({70, 50, 30}, 1, -2, 2), true);
      const Tensor<float> y = eg::var(x, axes);
      y.backward(NdArray<float>::ones(y.shape()));
      return std::vector{y.value(), x.grad(), eg::mean(x, axes).value()};
    });
  }
}

TEMPLATE_TEST_CASE("reduce: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("reduce");
  for (const Shape& axes : {Shape{0}, Shape{1}, Shape{2}, Shape{0, 2}, Shape{0, 1, 2}}) {
    for (const std::string op : {"sum", "mean", "var", "var-0", "max", "min"}) {
      std::string name = op + "@";
      for (Index axis : axes) name += std::to_string(axis);
      reference.check<T>(name, tolerance, [&](const auto& x) {
        return op == "sum"     ? eg::sum(x[0], axes)
               : op == "mean"  ? eg::mean(x[0], axes)
               : op == "var"   ? eg::var(x[0], axes)
               : op == "var-0" ? eg::var(x[0], axes, {.correction = 0})
               : op == "max"   ? eg::max(x[0], axes)
                               : eg::min(x[0], axes);
      });
    }
  }
}
