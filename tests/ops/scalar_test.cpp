// SPDX-License-Identifier: MIT
#include <eigengrad/ops/scalar.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("scalar: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3}, {1, 2, 4});
  // Literals of any type convert to the tensor's.
  CHECK_SAME((x + 0.5).value(), NdArray<T>({3}, {T(1.5), T(2.5), T(4.5)}));
  CHECK_SAME((1 + x).value(), NdArray<T>({3}, {2, 3, 5}));
  CHECK_SAME((x - 1.f).value(), NdArray<T>({3}, {0, 1, 3}));
  CHECK_SAME((1 - x).value(), NdArray<T>({3}, {0, -1, -3}));
  CHECK_SAME((x * 3).value(), NdArray<T>({3}, {3, 6, 12}));
  CHECK_SAME((0.5 * x).value(), NdArray<T>({3}, {T(0.5), 1, 2}));
  CHECK_SAME((x / 2).value(), NdArray<T>({3}, {T(0.5), 1, 2}));
  CHECK_SAME((1 / x).value(), NdArray<T>({3}, {1, T(0.5), T(0.25)}));
  CHECK_SAME((-x).value(), NdArray<T>({3}, {-1, -2, -4}));
}

TEST_CASE("scalar: gradient") {
  for (Index n : {1, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> x = test::random({n}, 5, 0.5, 2);
    CHECK_GRADIENT(x[0] + 3, {x});
    CHECK_GRADIENT(3 + x[0], {x});
    CHECK_GRADIENT(x[0] - 3, {x});
    CHECK_GRADIENT(3 - x[0], {x});
    CHECK_GRADIENT(x[0] * 3, {x});
    CHECK_GRADIENT(3 * x[0], {x});
    CHECK_GRADIENT(x[0] / 3, {x});
    CHECK_GRADIENT(3 / x[0], {x});
    CHECK_GRADIENT(-x[0], {x});
    CHECK_GRADIENT(1 - 2 / (1 + x[0] * 3), {x});
  }
}

TEMPLATE_TEST_CASE("scalar: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  CHECK((Tensor<T>::zeros({0, 3}) * 2).numel() == 0);
  CHECK_SAME((1 / Tensor<T>({3}, {0, inf, -inf})).value(), NdArray<T>({3}, {inf, 0, 0}));
  SECTION("a gradient that others share is not written to") {
    const auto x = Tensor<T>::ones({3}, true);
    const NdArray<T> dout = NdArray<T>::ones({3});
    const Tensor<T> y = x * 2;
    (y * 3).backward(dout);
    CHECK_SAME(x.grad(), NdArray<T>::full({3}, 6));
    CHECK_SAME(dout, NdArray<T>::ones({3}));
  }
  SECTION("x + 1 passes its gradient on without a copy") {
    const auto x = Tensor<T>::ones({3}, true);
    auto y = 1 + x - 2;
    y.retain_grad();
    y.backward(NdArray<T>::ones({3}));
    CHECK(x.grad().data() == y.grad().data());
  }
}

TEST_CASE("scalar: error") {
  const Tensor<float> none;
  CHECK_ERROR(none + 1, eg::StateError, "[tensor] this tensor is empty; assign one first");
}
