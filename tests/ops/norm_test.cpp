// SPDX-License-Identifier: MIT
#include <eigengrad/ops/norm.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

}  // namespace

TEMPLATE_TEST_CASE("norm: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {3, -4, 0, -2});
  CHECK_CLOSE(eg::norm(x, {1}).value(), NdArray<T>({2}, {5, 2}), 1e-6);
  CHECK_CLOSE(eg::norm(x).value(), NdArray<double>::scalar(std::sqrt(29.)), 1e-6);
  CHECK_SAME(eg::norm(x, {1}, {.p = 1, .keepdim = true}).value(), NdArray<T>({2, 1}, {7, 2}));
  CHECK_SAME(eg::norm(x, {0}, {.p = kInf}).value(), NdArray<T>({2}, {3, 4}));
  // mean 4: 9 + 4 + 1 + 0 + 1 + 25 = 40
  const Tensor<T> y({2, 3}, {1, 2, 3, 4, 5, 9});
  CHECK_CLOSE(eg::std(y).value(), NdArray<double>::scalar(std::sqrt(8.)), 1e-6);
  CHECK_CLOSE(eg::std(y, {}, {.correction = 0, .keepdim = true}).value(),
              NdArray<double>({1, 1}, {std::sqrt(40 / 6.)}), 1e-6);
  const Tensor<T> z({2, 2}, {0, std::log(T(3)), 1, 1});
  CHECK_CLOSE(eg::logsumexp(z, {1}).value(), NdArray<double>({2}, {std::log(4.), 1 + std::log(2.)}),
              1e-6);
  CHECK(eg::logsumexp(z, {1}, true).shape() == Shape{2, 1});
}

TEST_CASE("norm: gradient") {
  for (Index n : {2, 7, 17}) {
    const NdArray<double> in = test::random({3, n, 2}, 5, -3, 3);
    for (const Shape& axes : {Shape{}, Shape{0}, Shape{1}, Shape{0, -1}}) {
      for (const double p : {1., 2., kInf}) {
        CHECK_GRADIENT(eg::norm(x[0], axes, {.p = p}), {in});
      }
      CHECK_GRADIENT(eg::norm(x[0], axes, {.keepdim = true}), {in});
      CHECK_GRADIENT(eg::std(x[0], axes, {.keepdim = true}), {in});
      CHECK_GRADIENT(eg::std(x[0], axes, {.correction = 0}), {in});
      CHECK_GRADIENT(eg::logsumexp(x[0], axes), {in});
      CHECK_GRADIENT(eg::logsumexp(x[0], axes, true), {in});
    }
  }
}

TEMPLATE_TEST_CASE("norm: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T big = sizeof(T) == 4 ? T(1e30) : T(1e200);
  SECTION("squares neither overflow nor vanish") {
    const Tensor<T> x({2, 2}, {3 * big, -4 * big, 3 / big, 4 / big}, true);
    const Tensor<T> y = eg::norm(x, {1});
    CHECK(std::abs(y.value()(0) / (5 * big) - 1) < T(1e-6));
    CHECK(std::abs(y.value()(1) * big / 5 - 1) < T(1e-6));
    y.backward(NdArray<T>::ones({2}));
    CHECK_CLOSE(x.grad(), NdArray<double>({2, 2}, {0.6, -0.8, 0.6, 0.8}), 1e-6);
  }
  SECTION("zeros, infinities and NaN") {
    const Tensor<T> x({4, 2}, {0, 0, inf, 1, nan, 1, -inf, inf}, true);
    eg::norm(x, {1}).backward(NdArray<T>::ones({4}));
    CHECK_SAME(eg::norm(x, {1}).value(), NdArray<T>({4}, {0, inf, nan, inf}));
    CHECK_SAME(x.grad(), NdArray<T>({4, 2}, {0, 0, nan, 0, nan, nan, nan, nan}));
    CHECK_SAME(eg::norm(x, {1}, {.p = kInf}).value(), NdArray<T>({4}, {0, inf, nan, inf}));
  }
  SECTION("equal largest elements share the gradient of the infinity norm") {
    const Tensor<T> x({3}, {2, -2, 1}, true);
    eg::norm(x, {}, {.p = kInf}).backward();
    CHECK_SAME(x.grad(), NdArray<T>({3}, {T(0.5), T(-0.5), 0}));
  }
  SECTION("no elements") {
    CHECK_SAME(eg::norm(Tensor<T>::zeros({2, 0}), {1}).value(), NdArray<T>::zeros({2}));
    CHECK(std::isnan(eg::std(Tensor<T>::zeros({0})).item()));
    CHECK(eg::logsumexp(Tensor<T>::zeros({0})).item() == -inf);
  }
  SECTION("equal elements have no deviation, and the gradient there is 0; one alone has none") {
    for (const T value : {T(0), T(0.1), T(1e10)}) {
      const Tensor<T> x = Tensor<T>::full({7}, value, true);
      const Tensor<T> y = eg::std(x);
      CHECK(y.item() <= value * T(1e-6));
      y.backward();
      CHECK_CLOSE(x.grad(), NdArray<T>::zeros({7}), 1e-6);
    }
    CHECK(std::isnan(eg::std(Tensor<T>({1}, {5})).item()));
  }
  SECTION("logsumexp of any magnitude") {
    const Tensor<T> x({5, 2}, {big, 0, -big, -big, -inf, 1, -inf, -inf, inf, 1}, true);
    const Tensor<T> y = eg::logsumexp(x, {1});
    CHECK_CLOSE(y.value(), NdArray<T>({5}, {big, -big, 1, -inf, inf}), 1e-6);
    y.backward(NdArray<T>::ones({5}));
    CHECK_SAME(x.grad(), NdArray<T>({5, 2}, {1, 0, 1, 1, 0, 1, 0, 0, nan, 0}));
    CHECK(std::isnan(eg::logsumexp(Tensor<T>({2}, {1, nan})).item()));
  }
}

TEST_CASE("norm: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::norm(x, {2}), eg::ShapeError, "[norm] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::norm(x, {}, {.p = 3}), eg::ValueError, "[norm] p must be 1, 2 or infinity: 3");
  CHECK_ERROR(eg::std(x, {1, -1}), eg::ShapeError, "[std] axis -1 is given twice in (1, -1)");
  CHECK_ERROR(eg::logsumexp(x, {-3}), eg::ShapeError,
              "[logsumexp] axis -3 is out of range for 2 axes");
}

TEST_CASE("norm: the same bits on any number of threads") {
  const NdArray<float> in = test::random<float>({70, 50, 30}, 1, -2, 2);
  for (const Shape& axes : {Shape{}, Shape{1}}) {
    test::check_threads([&] {
      std::vector<NdArray<float>> out;
      const auto run = [&](const auto& op) {
        const Tensor<float> x(in, true);
        const Tensor<float> y = op(x);
        y.backward(NdArray<float>::ones(y.shape()));
        out.push_back(y.value());
        out.push_back(x.grad());
      };
      run([&](const auto& x) { return eg::norm(x, axes); });
      run([&](const auto& x) { return eg::std(x, axes); });
      run([&](const auto& x) { return eg::logsumexp(x, axes); });
      return out;
    });
  }
}

TEMPLATE_TEST_CASE("norm: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("norm");
  for (const Shape& axes : {Shape{0}, Shape{2}, Shape{0, 2}, Shape{0, 1, 2}}) {
    const auto check = [&](std::string name, const auto& op) {
      name += "@";
      for (Index axis : axes) name += std::to_string(axis);
      reference.check<T>(name, tolerance, [&](const auto& x) { return op(x[0]); });
    };
    using X = Tensor<T>;
    check("norm1", [&](const X& x) { return eg::norm(x, axes, {.p = 1}); });
    check("norm2", [&](const X& x) { return eg::norm(x, axes); });
    check("norminf", [&](const X& x) { return eg::norm(x, axes, {.p = kInf}); });
    check("std", [&](const X& x) { return eg::std(x, axes); });
    check("std-0", [&](const X& x) { return eg::std(x, axes, {.correction = 0}); });
    check("logsumexp", [&](const X& x) { return eg::logsumexp(x, axes); });
  }
}
