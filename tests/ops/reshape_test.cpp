// SPDX-License-Identifier: MIT
#include <eigengrad/ops/reshape.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Shape;
using test::Tensor;

TEST_CASE("reshape: value") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::reshape(x, {3, -1}).value(), NdArray<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
  CHECK_SAME(eg::flatten(x).value(), NdArray<float>({6}, {1, 2, 3, 4, 5, 6}));
  const auto same = eg::reshape(x, {6, 1, 1});
  CHECK(same.value().data() == x.value().data());
  const auto y = Tensor<float>::zeros({2, 3, 4, 5});
  CHECK(eg::flatten(y, 1).shape() == Shape{2, 60});
  CHECK(eg::flatten(y, 1, 2).shape() == Shape{2, 12, 5});
  CHECK(eg::flatten(y, -3, -2).shape() == Shape{2, 12, 5});
  CHECK(eg::flatten(y, 2, 2).shape() == y.shape());
  CHECK(eg::unsqueeze(x, 0).shape() == Shape{1, 2, 3});
  CHECK(eg::unsqueeze(x, 1).shape() == Shape{2, 1, 3});
  CHECK(eg::unsqueeze(x, -1).shape() == Shape{2, 3, 1});
  const auto z = Tensor<float>::zeros({1, 2, 1, 3});
  CHECK(eg::squeeze(z).shape() == Shape{2, 3});
  CHECK(eg::squeeze(z, 0).shape() == Shape{2, 1, 3});
  CHECK(eg::squeeze(z, -2).shape() == Shape{1, 2, 3});
  CHECK(eg::squeeze(z, 1).shape() == z.shape());
}

TEST_CASE("reshape: gradient") {
  const NdArray<double> x = test::random({2, 1, 3, 2});
  CHECK_GRADIENT(eg::reshape(x[0], {3, -1}), {x});
  CHECK_GRADIENT(eg::flatten(x[0], 1, 2), {x});
  CHECK_GRADIENT(eg::unsqueeze(x[0], 2), {x});
  CHECK_GRADIENT(eg::squeeze(x[0]), {x});
  CHECK_GRADIENT(eg::squeeze(x[0], 1), {x});

  SECTION("two uses of one tensor add up, and dout is not written to") {
    const Tensor<double> a({2, 2}, {1, 2, 3, 4}, true);
    const NdArray<double> dout({4}, {1, 10, 100, 1000});
    const Tensor<double> b = eg::flatten(a);
    b.backward(dout);
    eg::reshape(a, {4}).backward(dout);
    CHECK_SAME(a.grad(), NdArray<double>({2, 2}, {2, 20, 200, 2000}));
    CHECK_SAME(dout, NdArray<double>({4}, {1, 10, 100, 1000}));
  }
}

TEST_CASE("reshape: edge") {
  CHECK(eg::reshape(Tensor<float>::zeros({0, 3}), {3, -1}).shape() == Shape{3, 0});
  CHECK(eg::reshape(Tensor<float>::scalar(2), {1, 1}).shape() == Shape{1, 1});
  CHECK(eg::reshape(Tensor<float>::ones({1, 1}), {}).item() == 1);
  CHECK(eg::flatten(Tensor<float>::scalar(2)).shape() == Shape{1});
  CHECK(eg::flatten(Tensor<float>::zeros({2, 0, 3})).shape() == Shape{0});
  CHECK(eg::unsqueeze(Tensor<float>::scalar(2), 0).shape() == Shape{1});
  CHECK(eg::squeeze(Tensor<float>::scalar(2)).shape() == Shape{});
  CHECK(eg::squeeze(Tensor<float>::zeros({1, 0})).shape() == Shape{0});
}

TEST_CASE("reshape: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::reshape(x, {4, -1}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (4, -1)");
  CHECK_ERROR(eg::reshape(x, {-1, -1}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (-1, -1)");
  CHECK_ERROR(eg::flatten(x, 1, 0), eg::ShapeError,
              "[flatten] start must not be after end: start 1, end 0, x (2, 3)");
  CHECK_ERROR(eg::flatten(x, 0, 2), eg::ShapeError, "[flatten] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::unsqueeze(x, 3), eg::ShapeError, "[unsqueeze] axis 3 is out of range for 3 axes");
  CHECK_ERROR(eg::squeeze(x, -3), eg::ShapeError, "[squeeze] axis -3 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("reshape: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("reshape");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, auto op) {
    reference.check<T>(name, tolerance, op);
  };
  check("reshape", [](const auto& x) { return eg::reshape(x[0], {5, -1, 2}); });
  check("flatten", [](const auto& x) { return eg::flatten(x[0], 1, 2); });
  check("squeeze", [](const auto& x) { return eg::squeeze(x[0], 1); });
  check("unsqueeze", [](const auto& x) { return eg::unsqueeze(x[0], -2); });
}
