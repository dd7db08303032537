// SPDX-License-Identifier: MIT
#include <eigengrad/ops/argmax.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("argmax: value", "", float, double) {
  using T = TestType;
  const NdArray<T> x({2, 3}, {1, 5, 5, -1, -2, -1});
  CHECK_SAME(eg::argmax(x), NdArray<Index>({2}, {1, 0}));
  CHECK_SAME(eg::argmax(Tensor<T>(x), 0), NdArray<Index>({3}, {0, 0, 0}));
  CHECK_SAME(eg::argmin(x, 1), NdArray<Index>({2}, {0, 1}));
  CHECK_SAME(eg::argmax(x, 1, true), NdArray<Index>({2, 1}, {1, 0}));
  CHECK_SAME(eg::argmin(Tensor<T>(x), 0, true), NdArray<Index>({1, 3}, {1, 1, 1}));
  CHECK_SAME(eg::argmin(Tensor<T>(x), -2), NdArray<Index>({3}, {1, 1, 1}));
}

TEST_CASE("argmax: edge") {
  CHECK(eg::argmax(NdArray<float>({0, 3})).shape() == eg::Shape{0});
  CHECK_SAME(eg::argmax(NdArray<float>({4, 1})), NdArray<Index>::zeros({4}));
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_SAME(eg::argmax(NdArray<double>({3}, {-inf, -inf, -inf})), NdArray<Index>::scalar(0));
  SECTION("the same on any number of threads") {
    const NdArray<float> x = test::random<float>({40, 70, 50}, 2);
    test::check_threads([&] { return std::vector{eg::argmax(x, 1), eg::argmin(x, 2)}; });
  }
}

TEST_CASE("argmax: error") {
  CHECK_ERROR(eg::argmax(NdArray<float>({2, 0})), eg::ShapeError,
              "[argmax] axis 1 has no entry: x (2, 0)");
  CHECK_ERROR(eg::argmin(NdArray<float>({2, 3}), 2), eg::ShapeError,
              "[argmin] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("argmax: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("sort");
  const NdArray<T> x = reference.get<T>("sort0.in0");
  for (const Index axis : {0, 1, 2}) {
    const std::string number = std::to_string(axis);
    CHECK_SAME(eg::argmax(x, axis), reference.get<Index>("argmax" + number));
    CHECK_SAME(eg::argmin(x, axis), reference.get<Index>("argmin" + number));
  }
  CHECK_SAME(eg::argmax(reference.get<T>("nan")), reference.get<Index>("nan_argmax"));
  CHECK_SAME(eg::argmin(reference.get<T>("nan")), reference.get<Index>("nan_argmin"));
}
