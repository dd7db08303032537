// SPDX-License-Identifier: MIT
#include <eigengrad/ops/sort.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("sort: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 4}, {3, 1, 3, 2, 0, 0, -1, 0});
  const auto up = eg::sort(x);
  CHECK_SAME(up.values.value(), NdArray<T>({2, 4}, {1, 2, 3, 3, -1, 0, 0, 0}));
  CHECK_SAME(up.indices, NdArray<Index>({2, 4}, {1, 3, 0, 2, 2, 0, 1, 3}));
  const auto down = eg::sort(x, -1, true);
  CHECK_SAME(down.values.value(), NdArray<T>({2, 4}, {3, 3, 2, 1, 0, 0, 0, -1}));
  CHECK_SAME(down.indices, NdArray<Index>({2, 4}, {0, 2, 3, 1, 0, 1, 3, 2}));
  CHECK_SAME(eg::argsort(x, 0), NdArray<Index>({2, 4}, {1, 1, 1, 1, 0, 0, 0, 0}));
  const auto [values, indices] = eg::topk(x, 2);
  CHECK_SAME(values.value(), NdArray<T>({2, 2}, {3, 3, 0, 0}));
  CHECK_SAME(indices, NdArray<Index>({2, 2}, {0, 2, 0, 1}));
}

TEST_CASE("sort: gradient") {
  for (const Index axis : {0, 1, 2}) {
    const NdArray<double> x = test::random({3, 4, 2}, 5);
    CHECK_GRADIENT(eg::sort(x[0], axis).values, {x});
    CHECK_GRADIENT(eg::sort(x[0], axis, true).values, {x});
    CHECK_GRADIENT(eg::topk(x[0], 2, axis).values, {x});
  }
}

TEST_CASE("sort: edge") {
  CHECK(eg::sort(Tensor<float>::zeros({2, 0})).values.shape() == eg::Shape{2, 0});
  CHECK(eg::topk(Tensor<float>::zeros({2, 3}), 0).indices.shape() == eg::Shape{2, 0});
  CHECK(eg::topk(Tensor<float>::zeros({0, 3}), 2).values.shape() == eg::Shape{0, 2});
  SECTION("the same on any number of threads") {
    const Tensor<float> x(test::random<float>({40, 70, 5}, 2));
    test::check_threads([&] { return std::vector{eg::argsort(x, 1), eg::topk(x, 3, 0).indices}; });
  }
}

TEST_CASE("sort: error") {
  const Tensor<float> x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::topk(x, 4), eg::ValueError, "[topk] k must be in [0, 3]: k 4, x (2, 3)");
  CHECK_ERROR(eg::topk(x, -1), eg::ValueError, "[topk] k must be in [0, 3]: k -1, x (2, 3)");
  CHECK_ERROR(eg::sort(x, 2), eg::ShapeError, "[sort] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::argsort(x, -3), eg::ShapeError, "[argsort] axis -3 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("sort: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("sort");
  for (const Index axis : {0, 1, 2}) {
    const std::string n = std::to_string(axis);
    reference.check<T>("sort" + n, 0, [&](const auto& x) { return eg::sort(x[0], axis).values; });
    reference.check<T>("topk" + n, 0,
                       [&](const auto& x) { return eg::topk(x[0], 3, axis).values; });
    const Tensor<T> x(reference.get<T>("sort0.in0"));
    CHECK_SAME(eg::argsort(x, axis), reference.get<Index>("up" + n));
    CHECK_SAME(eg::argsort(x, axis, true), reference.get<Index>("down" + n));
    CHECK_SAME(eg::topk(x, 3, axis).indices, reference.get<Index>("top" + n));
  }
  CHECK_SAME(eg::argsort(reference.get<T>("nan")), reference.get<Index>("nan_up"));
  CHECK_SAME(eg::argsort(reference.get<T>("nan"), -1, true), reference.get<Index>("nan_down"));
}
