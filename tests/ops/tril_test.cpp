// SPDX-License-Identifier: MIT
#include <eigengrad/ops/tril.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("tril: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::tril(x).value(), NdArray<T>({2, 3}, {1, 0, 0, 4, 5, 0}));
  CHECK_SAME(eg::tril(x, 1).value(), NdArray<T>({2, 3}, {1, 2, 0, 4, 5, 6}));
  CHECK_SAME(eg::triu(x).value(), NdArray<T>({2, 3}, {1, 2, 3, 0, 5, 6}));
  CHECK_SAME(eg::triu(x, -1).value(), x.value());
  CHECK_SAME(eg::tril(NdArray<bool>::ones({2, 2})),
             NdArray<bool>({2, 2}, {true, false, true, true}));
}

TEST_CASE("tril: gradient") {
  const NdArray<double> x = test::random({2, 3, 5}, 5);
  for (const Index diagonal : {-1, 0, 2}) {
    CHECK_GRADIENT(eg::tril(x[0], diagonal), {x});
    CHECK_GRADIENT(eg::triu(x[0], diagonal), {x});
  }
}

TEST_CASE("tril: edge") {
  const Index far = std::numeric_limits<Index>::max();
  const Tensor<float> x = Tensor<float>::ones({2, 2});
  CHECK_SAME(eg::tril(x, far).value(), x.value());
  CHECK_SAME(eg::tril(x, -far).value(), NdArray<float>::zeros({2, 2}));
  CHECK_SAME(eg::triu(x, far).value(), NdArray<float>::zeros({2, 2}));
  CHECK(eg::triu(Tensor<float>::zeros({3, 0, 2})).shape() == Shape{3, 0, 2});
  SECTION("what is dropped may be NaN") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    CHECK_SAME(eg::tril(NdArray<float>({2, 2}, {1, nan, 2, 3})),
               NdArray<float>({2, 2}, {1, 0, 2, 3}));
  }
  SECTION("the same on any number of threads") {
    const NdArray<float> big = test::random<float>({40, 30, 50}, 2);
    test::check_threads([&] { return std::vector{eg::tril(big, 2), eg::triu(big, -3)}; });
  }
}

TEST_CASE("tril: error") {
  CHECK_ERROR(eg::tril(Tensor<float>::zeros({3})), eg::ShapeError,
              "[tril] x must be (..., M, N): x (3)");
  CHECK_ERROR(eg::triu(NdArray<float>::scalar(1)), eg::ShapeError,
              "[triu] x must be (..., M, N): x ()");
}

TEMPLATE_TEST_CASE("tril: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rearrange");
  for (const Index diagonal : {-5, -2, 0, 1, 4}) {
    const std::string number = std::to_string(diagonal);
    reference.check<T>("tril" + number, 1e-7,
                       [&](const auto& x) { return eg::tril(x[0], diagonal); });
    reference.check<T>("triu" + number, 1e-7,
                       [&](const auto& x) { return eg::triu(x[0], diagonal); });
  }
}
