// SPDX-License-Identifier: MIT
#include <eigengrad/ops/expand.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("expand: value", "", float, double) {
  using T = TestType;
  const Tensor<T> row({1, 2}, {1, 2});
  CHECK_SAME(eg::expand(row, {3, 2}).value(), NdArray<T>({3, 2}, {1, 2, 1, 2, 1, 2}));
  CHECK_SAME(eg::expand(row, {2, -1, -1}).value(), NdArray<T>({2, 1, 2}, {1, 2, 1, 2}));
  const Tensor<T> column({2, 1}, {1, 2});
  CHECK_SAME(eg::expand(column, {-1, 3}).value(), NdArray<T>({2, 3}, {1, 1, 1, 2, 2, 2}));
  CHECK_SAME(eg::expand(Tensor<T>::scalar(7), {2, 2}).value(), NdArray<T>({2, 2}, {7, 7, 7, 7}));
}

TEST_CASE("expand: gradient") {
  for (Index n : {1, 2, 7, 17, 33}) {
    CHECK_GRADIENT(eg::expand(x[0], {2, n, 3}), {test::random({2, 1, 3})});
    CHECK_GRADIENT(eg::expand(x[0], {n, 2, 3}), {test::random({1, 2, 1})});
    CHECK_GRADIENT(eg::expand(x[0], {2, n, -1, 3}), {test::random({4, 1})});
  }
  CHECK_GRADIENT(eg::expand(x[0], {2, 3}), {test::random({2, 3})});
  CHECK_GRADIENT(eg::expand(x[0], {2, 3}), {test::random({})});
}

TEST_CASE("expand: edge") {
  const Tensor<float> x({2, 1}, {1, 2});
  CHECK(eg::expand(x, {2, 0}).shape() == Shape{2, 0});
  CHECK(eg::expand(Tensor<float>::zeros({1, 0}), {5, -1}).shape() == Shape{5, 0});
  const auto same = eg::expand(x, {1, 2, 1});
  CHECK(same.value().data() == x.value().data());  // nothing grows: no copy
  CHECK(eg::expand(Tensor<float>::scalar(1), {}).item() == 1);

  SECTION("no repeats have an all-zero gradient") {
    const Tensor<float> p({2, 1}, {1, 2}, true);
    eg::expand(p, {2, 0}).backward(NdArray<float>({2, 0}));
    CHECK_SAME(p.grad(), NdArray<float>({2, 1}, {0, 0}));
  }
  SECTION("the same bits on any number of threads") {
    const NdArray<float> token = test::random<float>({1, 1, 130}, 1);
    const NdArray<float> dout = test::random<float>({64, 17, 130}, 2);
    test::check_threads([&] {
      const Tensor<float> p(token, true);
      const Tensor<float> y = eg::expand(p, dout.shape());
      y.backward(dout);
      return std::vector{y.value(), p.grad()};
    });
  }
}

TEST_CASE("expand: error") {
  const auto x = Tensor<float>::zeros({2, 1});
  CHECK_ERROR(eg::expand(x, {3, 4}), eg::ShapeError,
              "[expand] only axes of size 1 and new leading axes can grow: x (2, 1), shape (3, 4); "
              "-1 keeps a size of x");
  CHECK_ERROR(eg::expand(x, {2}), eg::ShapeError,
              "[expand] only axes of size 1 and new leading axes can grow: x (2, 1), shape (2); "
              "-1 keeps a size of x");
  CHECK_ERROR(eg::expand(x, {-1, 2, 1}), eg::ShapeError,
              "[expand] only axes of size 1 and new leading axes can grow: x (2, 1), shape "
              "(-1, 2, 1); -1 keeps a size of x");
  CHECK_ERROR(eg::expand(x, {2, -2}), eg::ShapeError,
              "[expand] only axes of size 1 and new leading axes can grow: x (2, 1), shape "
              "(2, -2); -1 keeps a size of x");
}

TEMPLATE_TEST_CASE("expand: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("expand");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, const Shape& shape) {
    reference.check<T>(name, tolerance, [&](const auto& x) { return eg::expand(x[0], shape); });
  };
  check("middle", {3, 4, 5});
  check("leading", {2, -1, 7, -1});
  check("last", {3, 1, 9});
}
