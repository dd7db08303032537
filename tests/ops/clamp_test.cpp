// SPDX-License-Identifier: MIT
#include <eigengrad/ops/clamp.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("clamp: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({5}, {-3, -1, 0.5, 2, 7});
  CHECK_SAME(eg::clamp(x, -1, 2).value(), NdArray<T>({5}, {-1, -1, T(0.5), 2, 2}));
}

TEST_CASE("clamp: gradient") {
  for (Index n : {1, 7, 8, 15, 16, 17, 33}) {
    CHECK_GRADIENT(eg::clamp(x[0], -0.5, 0.75), {test::random({2, n}, 5, -2, 2)});
  }
}

TEMPLATE_TEST_CASE("clamp: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> x({6}, {-inf, -1, 0, 1, inf, nan}, true);
  const Tensor<T> y = eg::clamp(x, -1, 1);
  CHECK_SAME(y.value(), NdArray<T>({6}, {-1, -1, 0, 1, 1, nan}));
  y.backward(NdArray<T>::full({6}, 3));
  CHECK_SAME(x.grad(), NdArray<T>({6}, {0, 3, 3, 3, 0, 0}));  // the bounds belong to the interval
  CHECK_SAME(eg::clamp(x, 0, inf).value(), NdArray<T>({6}, {0, 0, 0, 1, inf, nan}));
  CHECK_SAME(eg::clamp(Tensor<T>({2}, {0, 2}), 1, 1).value(), NdArray<T>({2}, {1, 1}));
  CHECK(eg::clamp(Tensor<T>::zeros({0}), 0, 1).numel() == 0);
}

TEST_CASE("clamp: error") {
  const auto x = Tensor<float>::zeros({2});
  CHECK_ERROR(eg::clamp(x, 2, 1), eg::ValueError,
              "[clamp] low must not exceed high: low 2, high 1");
  CHECK_ERROR(eg::clamp(x, NAN, 1), eg::ValueError,
              "[clamp] low must not exceed high: low nan, high 1");
}

TEMPLATE_TEST_CASE("clamp: reference", "", float, double) {
  test::Reference("clamp").check<TestType>("clamp", 1e-7,
                                           [](const auto& x) { return eg::clamp(x[0], -1, 1.5); });
}
