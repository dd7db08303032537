// SPDX-License-Identifier: MIT
#include <eigengrad/ops/embedding.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("embedding: value", "", float, double) {
  using T = TestType;
  const Tensor<T> weight({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::embedding(NdArray<Index>({2, 2}, {2, 0, 1, 2}), weight).value(),
             NdArray<T>({2, 2, 2}, {5, 6, 1, 2, 3, 4, 5, 6}));
  CHECK_SAME(eg::embedding(NdArray<Index>::scalar(1), weight).value(), NdArray<T>({2}, {3, 4}));
}

TEST_CASE("embedding: gradient") {
  const NdArray<Index> indices({2, 3}, {2, 0, 2, 2, 3, 0});
  for (Index width : {1, 7, 8, 15, 16, 17, 33}) {
    CHECK_GRADIENT(eg::embedding(indices, x[0]), {test::random({5, width})});
  }
  SECTION("rows that are not used get zeros, repeated ones a sum") {
    const Tensor<double> weight({3, 1}, {1, 2, 3}, true);
    eg::embedding(NdArray<Index>({3}, {2, 0, 2}), weight)
        .backward(NdArray<double>({3, 1}, {1, 10, 100}));
    CHECK_SAME(weight.grad(), NdArray<double>({3, 1}, {10, 0, 101}));
  }
}

TEST_CASE("embedding: edge") {
  const auto weight = Tensor<float>::ones({3, 2});
  CHECK(eg::embedding(NdArray<Index>({0, 4}), weight).shape() == Shape{0, 4, 2});
  CHECK(eg::embedding(NdArray<Index>({1}, {0}), Tensor<float>::ones({1, 0})).shape() ==
        Shape{1, 0});

  SECTION("the same bits on any number of threads") {
    eg::Generator rng(3);
    NdArray<Index> indices({40, 30});
    for (Index& i : indices) i = rng.integer(20);
    const NdArray<float> table = rng.normal<float>({20, 100});
    const NdArray<float> dout = rng.normal<float>({40, 30, 100});
    test::check_threads([&] {
      const Tensor<float> p(table, true);
      eg::embedding(indices, p).backward(dout);
      return std::vector{p.grad()};
    });
  }
}

TEST_CASE("embedding: the caller may refill the indices before backward") {
  NdArray<Index> indices({3}, {2, 0, 2});
  CHECK_REFILL(test::random({3, 2}), indices, Index{1},
               [](const auto& weight, const auto& i) { return eg::embedding(i, weight); });
}

TEST_CASE("embedding: error") {
  const auto weight = Tensor<float>::zeros({3, 2});
  CHECK_ERROR(eg::embedding(NdArray<Index>({2, 2}, {0, 1, 3, 9}), weight), eg::ValueError,
              "[embedding] index 3 at (1, 0) must be in [0, 3): weight (3, 2)");
  CHECK_ERROR(eg::embedding(NdArray<Index>::scalar(-1), weight), eg::ValueError,
              "[embedding] index -1 at () must be in [0, 3): weight (3, 2)");
  CHECK_ERROR(eg::embedding(NdArray<Index>(), weight), eg::ValueError,
              "[embedding] indices are undefined");
  CHECK_ERROR(eg::embedding(NdArray<Index>({1}, {0}), Tensor<float>::zeros({3})), eg::ShapeError,
              "[embedding] weight must be (V, C): (3)");
}

TEMPLATE_TEST_CASE("embedding: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("embedding");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto indices = reference.get<Index>("indices");
  reference.check<T>("embedding", tolerance,
                     [&](const auto& x) { return eg::embedding(indices, x[0]); });
}
