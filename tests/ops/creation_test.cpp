// SPDX-License-Identifier: MIT
#include <eigengrad/ops/creation.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("creation: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4}, true);
  CHECK_SAME(eg::full_like(x, 3).value(), NdArray<T>({2, 2}, {3, 3, 3, 3}));
  CHECK_SAME(eg::zeros_like(x).value(), NdArray<T>({2, 2}, {0, 0, 0, 0}));
  CHECK_SAME(eg::ones_like(x.value()), NdArray<T>({2, 2}, {1, 1, 1, 1}));
  CHECK(!eg::ones_like(x).requires_grad());
  CHECK_SAME(eg::one_hot<T>(NdArray<int>({2}, {2, 0}), 3), NdArray<T>({2, 3}, {0, 0, 1, 1, 0, 0}));
}

TEST_CASE("creation: edge") {
  CHECK(eg::zeros_like(NdArray<Index>({0, 3})).shape() == Shape{0, 3});
  CHECK(eg::one_hot(NdArray<Index>(Shape{0}), 3).shape() == Shape{0, 3});
  CHECK(eg::one_hot(NdArray<Index>(Shape{0}), 0).shape() == Shape{0, 0});
  CHECK_SAME(eg::one_hot<bool>(NdArray<Index>::scalar(1), 2), NdArray<bool>({2}, {false, true}));
}

TEST_CASE("creation: error") {
  CHECK_ERROR(eg::one_hot(NdArray<Index>({2}, {0, 3}), 3), eg::ValueError,
              "[one_hot] index 3 at (1) must be in [0, 3): indices (2)");
  CHECK_ERROR(eg::one_hot(NdArray<Index>(Shape{0}), -1), eg::ValueError,
              "[one_hot] classes must not be negative: -1");
  CHECK_ERROR(eg::one_hot(NdArray<Index>(), 2), eg::ValueError, "[one_hot] indices are undefined");
}

TEMPLATE_TEST_CASE("creation: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("creation");
  CHECK_SAME(eg::one_hot<T>(reference.get<Index>("indices"), 5), reference.get<T>("one_hot"));
  CHECK_SAME(NdArray<T>::arange(1, 4, T(0.75)), reference.get<T>("arange"));
  CHECK_SAME(NdArray<T>::arange(3, -4, -2), reference.get<T>("down"));
  CHECK_CLOSE(NdArray<T>::linspace(-1, 2, 7), reference.get<T>("linspace"), 1e-15);
  CHECK_SAME(NdArray<T>::eye(3, 5), reference.get<T>("eye"));
  CHECK_SAME(NdArray<T>::eye(3), reference.get<T>("square"));
}
