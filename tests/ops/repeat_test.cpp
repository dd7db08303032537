// SPDX-License-Identifier: MIT
#include <eigengrad/ops/repeat.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("repeat: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4});
  CHECK_SAME(eg::repeat(x, {1, 2}).value(), NdArray<T>({2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}));
  CHECK_SAME(eg::repeat(x, {2, 1}).value(), NdArray<T>({4, 2}, {1, 2, 3, 4, 1, 2, 3, 4}));
  CHECK_SAME(eg::repeat(Tensor<T>({2}, {1, 2}), {2, 2}).value(),
             NdArray<T>({2, 4}, {1, 2, 1, 2, 1, 2, 1, 2}));
  CHECK_SAME(eg::repeat_interleave(x, 2, 1).value(), NdArray<T>({2, 4}, {1, 1, 2, 2, 3, 3, 4, 4}));
  CHECK_SAME(eg::repeat_interleave(x, 2, -2).value(), NdArray<T>({4, 2}, {1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST_CASE("repeat: gradient") {
  const NdArray<double> x = test::random({2, 7, 3}, 5);
  CHECK_GRADIENT(eg::repeat(x[0], {2, 3, 1}), {x});
  CHECK_GRADIENT(eg::repeat(x[0], {2, 1, 1, 2}), {x});
  for (const Index axis : {0, 1, 2}) CHECK_GRADIENT(eg::repeat_interleave(x[0], 3, axis), {x});
}

TEST_CASE("repeat: edge") {
  const Tensor<float> x({2}, {1, 2}, true);
  const Tensor<float> once = eg::repeat(x, {1});
  CHECK(once.value().data() == x.value().data());  // nothing is repeated: no copy
  CHECK(eg::repeat(Tensor<float>::scalar(3), {}).item() == 3);
  CHECK_SAME(eg::repeat(Tensor<float>::scalar(3), {2}).value(), NdArray<float>({2}, {3, 3}));
  CHECK(eg::repeat(Tensor<float>::zeros({0, 2}), {3, 2}).shape() == Shape{0, 4});
  SECTION("no times at all") {
    const Tensor<float> y = eg::repeat(x, {3, 0});
    CHECK(y.shape() == Shape{3, 0});
    y.backward(NdArray<float>({3, 0}));
    eg::repeat_interleave(x, 0, 0).backward(NdArray<float>(Shape{0}));
    CHECK_SAME(x.grad(), NdArray<float>({2}, {0, 0}));
  }
  SECTION("the same bits on any number of threads") {
    const NdArray<float> big = test::random<float>({30, 60}, 2);
    test::check_threads([&] {
      const Tensor<float> p(big, true);
      const Tensor<float> y = eg::repeat(p, {7, 5});
      y.backward(y.value());
      return std::vector{y.value(), p.grad()};
    });
  }
}

TEST_CASE("repeat: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::repeat(x, {2}), eg::ShapeError,
              "[repeat] needs a number for each axis: repeats (2), x (2, 3)");
  CHECK_ERROR(eg::repeat(x, {2, -1}), eg::ValueError,
              "[repeat] repeats must not be negative: (2, -1)");
  CHECK_ERROR(eg::repeat_interleave(x, -1, 0), eg::ValueError,
              "[repeat_interleave] times must not be negative: -1");
  CHECK_ERROR(eg::repeat_interleave(x, 1, 2), eg::ShapeError,
              "[repeat_interleave] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("repeat: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rearrange");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  reference.check<T>("repeat", tolerance, [](const auto& x) {
    return eg::repeat(x[0], {2, 1, 3});
  });
  reference.check<T>("repeat_front", tolerance, [](const auto& x) {
    return eg::repeat(x[0], {2, 1, 2, 1});
  });
  for (const Index axis : {0, 1, 2}) {
    reference.check<T>("interleave" + std::to_string(axis), tolerance,
                       [&](const auto& x) { return eg::repeat_interleave(x[0], 3, axis); });
  }
}
