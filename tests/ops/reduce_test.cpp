// SPDX-License-Identifier: MIT
#include <eigengrad/ops/reduce.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

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
}

TEST_CASE("reduce: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> x = test::random({3, n, 5}, 5, -3, 3);
    for (const Shape& axes : kAxes) {
      for (const bool keepdim : {false, true}) {
        INFO(x.shape().str() << " over " << axes.str());
        CHECK_GRADIENT(eg::sum(x[0], axes, keepdim), {x});
        CHECK_GRADIENT(eg::mean(x[0], axes, keepdim), {x});
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
  SECTION("the result is no view of the input") {
    const auto x = Tensor<T>::ones({2, 1});
    CHECK(eg::sum(x, {1}).value().data() != x.value().data());
  }
}

TEST_CASE("reduce: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::sum(x, {2}), eg::ShapeError, "[sum] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::mean(x, {1, -1}), eg::ShapeError, "[mean] axis -1 is given twice in (1, -1)");
}
