// SPDX-License-Identifier: MIT
#include <eigengrad/ops/compare.hpp>
#include <eigengrad/ops/mask.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

using Mask = NdArray<bool>;

}  // namespace

TEMPLATE_TEST_CASE("mask: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4});
  CHECK_SAME(eg::masked_fill(x, x > 2, -1).value(), NdArray<T>({2, 2}, {1, 2, -1, -1}));
  CHECK_SAME(eg::masked_fill(x, Mask({2}, {true, false}), 0.5).value(),
             NdArray<T>({2, 2}, {0.5, 2, 0.5, 4}));
  CHECK(eg::any(x > 3));
  CHECK(!eg::all(x > 3));
  CHECK(eg::all(x < 5));
  CHECK(!eg::any(x < 1));
}

TEST_CASE("mask: logic") {
  const Mask a({2, 2}, {true, true, false, false}), b({2}, {true, false});
  CHECK_SAME(eg::logical_and(a, b), Mask({2, 2}, {true, false, false, false}));
  CHECK_SAME(eg::logical_or(a, b), Mask({2, 2}, {true, true, true, false}));
  CHECK_SAME(eg::logical_xor(a, b), Mask({2, 2}, {false, true, true, false}));
  CHECK_SAME(eg::logical_not(b), Mask({2}, {false, true}));
  CHECK_SAME(eg::any(a, {1}), Mask({2}, {true, false}));
  CHECK_SAME(eg::all(a, {0}), Mask({2}, {false, false}));
  CHECK_SAME(eg::all(a, {-1}, true), Mask({2, 1}, {true, false}));
  CHECK_SAME(eg::any(a, {0, 1}), Mask::scalar(true));
  CHECK_SAME(eg::all(a, {}), Mask::scalar(false));
}

TEST_CASE("mask: gradient") {
  for (const Index n : {1, 7, 8, 17, 33}) {
    const NdArray<double> x = test::random({3, n}, 5);
    for (const Shape& shape : {Shape{3, n}, Shape{n}, Shape{3, 1}}) {
      const Mask mask = test::random(shape, 3, -1, 2) > 0;
      CHECK_GRADIENT(eg::masked_fill(x[0], mask, 3), {x});
    }
  }
}

TEMPLATE_TEST_CASE("mask: edge", "", float, double) {
  using T = TestType;
  SECTION("nothing passes where the mask is true") {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const Tensor<T> x({3}, {nan, 1, nan}, true);
    const Tensor<T> y = eg::masked_fill(x, eg::isnan(x), 0);
    CHECK_SAME(y.value(), NdArray<T>({3}, {0, 1, 0}));
    y.backward(NdArray<T>({3}, {nan, 2, std::numeric_limits<T>::infinity()}));
    CHECK_SAME(x.grad(), NdArray<T>({3}, {0, 2, 0}));
  }
  SECTION("minus infinity, as for attention scores") {
    const T inf = std::numeric_limits<T>::infinity();
    CHECK_SAME(eg::masked_fill(Tensor<T>({2}, {1, 2}), Mask({2}, {false, true}), -inf).value(),
               NdArray<T>({2}, {1, -inf}));
  }
  SECTION("empty masks") {
    CHECK(!eg::any(Mask(Shape{0})));
    CHECK(eg::all(Mask(Shape{0})));
    CHECK_SAME(eg::any(Mask({0, 2}), {0}), Mask({2}, {false, false}));
    CHECK_SAME(eg::all(Mask({0, 2}), {0}), Mask({2}, {true, true}));
    CHECK(eg::masked_fill(Tensor<T>::zeros({0, 3}), Mask({3}, {true, true, true}), 1).shape() ==
          Shape{0, 3});
  }
}

TEST_CASE("mask: the caller may refill the mask before backward") {
  Mask mask({4}, {true, false, false, true});
  CHECK_REFILL(test::random({4}), mask, false,
               [](const auto& x, const auto& m) { return eg::masked_fill(x, m, 1); });
}

TEST_CASE("mask: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::masked_fill(x, Mask({4, 2, 3}), 1), eg::ShapeError,
              "[masked_fill] the mask must broadcast to x: mask (4, 2, 3), x (2, 3)");
  CHECK_ERROR(eg::masked_fill(x, Mask(Shape{2}), 1), eg::ShapeError,
              "[masked_fill] shapes do not broadcast: (2), (2, 3); aligned from the right, sizes "
              "must be equal or 1");
  CHECK_ERROR(eg::masked_fill(x, Mask(), 1), eg::ValueError, "[masked_fill] mask is undefined");
  CHECK_ERROR(eg::logical_and(Mask({2, 3}), Mask(Shape{2})), eg::ShapeError,
              "[logical_and] shapes do not broadcast: (2, 3), (2); aligned from the right, sizes "
              "must be equal or 1");
  CHECK_ERROR(eg::any(Mask()), eg::ValueError, "[any] mask is undefined");
  CHECK_ERROR(eg::all(Mask({2, 3}), {2}), eg::ShapeError,
              "[all] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("mask: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("compare");
  const Mask p = reference.get<bool>("p"), q = reference.get<bool>("q");
  CHECK_SAME(eg::logical_and(p, q), reference.get<bool>("logical_and"));
  CHECK_SAME(eg::logical_or(p, q), reference.get<bool>("logical_or"));
  CHECK_SAME(eg::logical_xor(p, q), reference.get<bool>("logical_xor"));
  CHECK_SAME(eg::logical_not(p), reference.get<bool>("logical_not"));
  const Mask some = reference.get<bool>("some");
  for (const Index axis : {0, 1, 2}) {
    CHECK_SAME(eg::any(some, {axis}), reference.get<bool>("any" + std::to_string(axis)));
    CHECK_SAME(eg::all(some, {axis}, true), reference.get<bool>("all" + std::to_string(axis)));
  }
  for (const std::string kind : {"same", "row", "column"}) {
    const Mask mask = reference.get<bool>("mask_" + kind);
    reference.check<T>("fill_" + kind, {.value = 1e-7, .gradient = 1e-7},
                       [&](const auto& x) { return eg::masked_fill(x[0], mask, -7.5); });
  }
}
