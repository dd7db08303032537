// SPDX-License-Identifier: MIT
#include <eigengrad/ops/flip.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("flip: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::flip(x, 0).value(), NdArray<T>({2, 3}, {4, 5, 6, 1, 2, 3}));
  CHECK_SAME(eg::flip(x, -1).value(), NdArray<T>({2, 3}, {3, 2, 1, 6, 5, 4}));
  CHECK_SAME(eg::flip(x, {0, 1}).value(), NdArray<T>({2, 3}, {6, 5, 4, 3, 2, 1}));
  CHECK_SAME(eg::flip(x, {-1}).value(), NdArray<T>({2, 3}, {3, 2, 1, 6, 5, 4}));
  CHECK_SAME(eg::flip(x, {}).value(), NdArray<T>({2, 3}, {6, 5, 4, 3, 2, 1}));
  CHECK_SAME(eg::rot90(x).value(), NdArray<T>({3, 2}, {3, 6, 2, 5, 1, 4}));
  CHECK_SAME(eg::rot90(x, 2).value(), NdArray<T>({2, 3}, {6, 5, 4, 3, 2, 1}));
  CHECK_SAME(eg::rot90(x, -1).value(), NdArray<T>({3, 2}, {4, 1, 5, 2, 6, 3}));
  CHECK_SAME(eg::rot90(eg::rot90(x, 3)).value(), x.value());
}

TEST_CASE("flip: gradient") {
  const NdArray<double> x = test::random({2, 3, 4}, 5);
  for (const Index axis : {0, 1, 2}) CHECK_GRADIENT(eg::flip(x[0], axis), {x});
  CHECK_GRADIENT(eg::flip(x[0], {2, 0}), {x});
  for (const Index times : {0, 1, 2, 3}) CHECK_GRADIENT(eg::rot90(x[0], times), {x});
}

TEST_CASE("flip: edge") {
  CHECK(eg::flip(Tensor<float>::zeros({2, 0}), 1).shape() == eg::Shape{2, 0});
  CHECK(eg::rot90(Tensor<float>::zeros({0, 3})).shape() == eg::Shape{3, 0});
  SECTION("the same on any number of threads") {
    const Tensor<float> x(test::random<float>({60, 30, 50}, 2));
    test::check_threads([&] { return std::vector{eg::flip(x, 1).value(), eg::rot90(x).value()}; });
  }
}

TEST_CASE("flip: error") {
  CHECK_ERROR(eg::flip(Tensor<float>::zeros({2, 3}), 2), eg::ShapeError,
              "[flip] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::flip(Tensor<float>::zeros({2, 3}), {1, -1}), eg::ShapeError,
              "[flip] axis -1 is given twice in (1, -1)");
  CHECK_ERROR(eg::rot90(Tensor<float>::zeros({3})), eg::ShapeError,
              "[rot90] x must be (..., H, W): x (3)");
}

TEMPLATE_TEST_CASE("flip: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("sort");
  for (const Index axis : {0, 1, 2}) {
    reference.check<T>("flip" + std::to_string(axis), 0,
                       [&](const auto& x) { return eg::flip(x[0], axis); });
  }
  test::Reference("rearrange").check<T>("flip", 1e-7, [](const auto& x) {
    return eg::flip(x[0], {0, 2});
  });
  for (const Index times : {-1, 0, 1, 2, 3, 5}) {
    reference.check<T>("rot90_" + std::to_string(times), 0,
                       [&](const auto& x) { return eg::rot90(x[0], times); });
  }
}
