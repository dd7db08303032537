// SPDX-License-Identifier: MIT
#include <eigengrad/nn/flatten.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Shape;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn flatten: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 1, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_SAME(nn::Flatten<T>()(x).value(), NdArray<T>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(nn::Flatten<T>({.start = 0, .end = 2})(x).shape() == Shape{4, 2});
  CHECK_SAME(nn::Identity<T>()(x).value(), x.value());
  const nn::Sequential<T> both{nn::Identity<T>(), nn::Flatten<T>({.start = 0})};
  CHECK(both(x).shape() == Shape{8});
  CHECK(both.named_parameters().empty());
}

TEST_CASE("nn flatten: gradient") {
  const NdArray<double> in = test::random({2, 3, 2});
  CHECK_GRADIENT(nn::Flatten<double>()(nn::Identity<double>()(x[0])) * 2., {in});
}

TEST_CASE("nn flatten: error") {
  CHECK_ERROR(nn::Flatten<float>()(Tensor<float>::zeros({3})), eg::ShapeError,
              "[flatten] axis 1 is out of range for 1 axis");
}
