// SPDX-License-Identifier: MIT
#include <eigengrad/ops/cumsum.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("cumsum: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::cumsum(x, 1).value(), NdArray<T>({2, 3}, {1, 3, 6, 4, 9, 15}));
  CHECK_SAME(eg::cumsum(x, -2).value(), NdArray<T>({2, 3}, {1, 2, 3, 5, 7, 9}));
}

TEST_CASE("cumsum: gradient") {
  for (const Index n : {1, 7, 70}) {
    const NdArray<double> x = test::random({2, 3, n}, 5);
    for (const Index axis : {0, 1, 2}) CHECK_GRADIENT(eg::cumsum(x[0], axis), {x});
  }
}

TEST_CASE("cumsum: edge") {
  CHECK(eg::cumsum(Tensor<float>::zeros({2, 0}), 1).shape() == Shape{2, 0});
  CHECK(eg::cumsum(Tensor<float>::zeros({2, 0}), 0).shape() == Shape{2, 0});
  SECTION("the sum of many floats is the float next to it") {
    const Index n = 200000;
    const auto y = eg::cumsum(Tensor<float>::full({n}, 0.1f), 0);
    CHECK(y.value()(n - 1) == static_cast<float>(static_cast<double>(0.1f) * n));
  }
  SECTION("infinity and NaN stay to the end") {
    const float inf = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    CHECK_SAME(eg::cumsum(Tensor<float>({4}, {1, inf, 2, -inf}), 0).value(),
               NdArray<float>({4}, {1, inf, inf, nan}));
  }
  SECTION("the same bits on any number of threads") {
    const NdArray<float> x = test::random<float>({40, 30, 150}, 2);
    for (const Index axis : {0, 1, 2}) {
      test::check_threads([&] {
        const Tensor<float> p(x, true);
        const Tensor<float> y = eg::cumsum(p, axis);
        y.backward(y.value());
        return std::vector{y.value(), p.grad()};
      });
    }
  }
}

TEST_CASE("cumsum: error") {
  CHECK_ERROR(eg::cumsum(Tensor<float>::zeros({2, 3}), 2), eg::ShapeError,
              "[cumsum] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("cumsum: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rearrange");
  for (const Index axis : {0, 1, 2}) {
    reference.check<T>("cumsum" + std::to_string(axis), sizeof(T) == 4 ? 1e-6 : 1e-14,
                       [&](const auto& x) { return eg::cumsum(x[0], axis); });
  }
}
