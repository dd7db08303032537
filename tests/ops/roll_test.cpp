// SPDX-License-Identifier: MIT
#include <eigengrad/ops/roll.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("roll: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::roll(x, 1, 1).value(), NdArray<T>({2, 3}, {3, 1, 2, 6, 4, 5}));
  CHECK_SAME(eg::roll(x, -1, -1).value(), NdArray<T>({2, 3}, {2, 3, 1, 5, 6, 4}));
  CHECK_SAME(eg::roll(x, 1, 0).value(), NdArray<T>({2, 3}, {4, 5, 6, 1, 2, 3}));
  CHECK_SAME(eg::roll(x, {1, 2}, {0, 1}).value(), NdArray<T>({2, 3}, {5, 6, 4, 2, 3, 1}));
}

TEST_CASE("roll: gradient") {
  const NdArray<double> x = test::random({3, 17, 2}, 5);
  for (const Index axis : {0, 1, 2}) CHECK_GRADIENT(eg::roll(x[0], 4, axis), {x});
  CHECK_GRADIENT(eg::roll(x[0], {1, -5, 1}, {0, 1, 2}), {x});
}

TEST_CASE("roll: edge") {
  const Tensor<float> x({3}, {1, 2, 3});
  const Tensor<float> same = eg::roll(x, 3, 0), none = eg::roll(x, {}, {});
  CHECK(same.value().data() == x.value().data());  // nothing moves: no copy
  CHECK(none.value().data() == x.value().data());
  CHECK_SAME(eg::roll(x, -100, 0).value(), NdArray<float>({3}, {2, 3, 1}));
  CHECK_SAME(eg::roll(x, {1, 1}, {0, 0}).value(), eg::roll(x, 2, 0).value());
  CHECK(eg::roll(Tensor<float>::zeros({2, 0}), 1, 1).shape() == Shape{2, 0});
  SECTION("the same on any number of threads") {
    const Tensor<float> big(test::random<float>({60, 30, 50}, 2));
    test::check_threads([&] { return std::vector{eg::roll(big, {7, -3}, {0, 1}).value()}; });
  }
}

TEST_CASE("roll: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::roll(x, 1, 2), eg::ShapeError, "[roll] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::roll(x, {1, 2}, {0}), eg::ValueError,
              "[roll] needs one shift per axis: shifts (1, 2), axes (0)");
}

TEMPLATE_TEST_CASE("roll: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rearrange");
  for (const Index shift : {-7, -1, 2}) {
    reference.check<T>("roll" + std::to_string(shift), 1e-7,
                       [&](const auto& x) { return eg::roll(x[0], shift, 1); });
  }
  reference.check<T>("roll_both", 1e-7, [](const auto& x) {
    return eg::roll(x[0], {1, -2}, {0, 2});
  });
}
