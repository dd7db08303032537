// SPDX-License-Identifier: MIT
#include <eigengrad/ops/assign.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("assign: value", "", float, double) {
  using T = TestType;
  const Tensor<T> b({2}, {2, 4});
  Tensor<T> a({2}, {1, 2});
  a += b;
  CHECK_SAME(a.value(), NdArray<T>({2}, {3, 6}));
  a -= 1;
  CHECK_SAME(a.value(), NdArray<T>({2}, {2, 5}));
  a *= b;
  CHECK_SAME(a.value(), NdArray<T>({2}, {4, 20}));
  a /= b;
  CHECK_SAME(a.value(), NdArray<T>({2}, {2, 5}));
  (a *= 2) += Tensor<T>::scalar(1);
  CHECK_SAME(a.value(), NdArray<T>({2}, {5, 11}));
  (a += 1) /= 2;
  CHECK_SAME(a.value(), NdArray<T>({2}, {3, 6}));
  a -= a;
  CHECK_SAME(a.value(), NdArray<T>({2}, {0, 0}));
}

TEST_CASE("assign: gradient") {
  // Squares what the steps before have saved: an op in place would spoil it.
  const auto f = [](const Tensor<double>& x, const Tensor<double>& y) {
    Tensor<double> a = x * y;
    Tensor<double> sum = a * a;
    a += x;
    sum += a * a;
    a *= a;
    sum -= a * y;
    sum /= y;
    return sum;
  };
  CHECK_GRADIENT(f(x[0], x[1]), {test::random({3}, 1), test::random({3}, 2, 0.5, 2)});
}

TEST_CASE("assign: other handles keep the tensor that they were") {
  Tensor<float> a({2}, {1, 2});
  const Tensor<float> same = a;
  a += 1;
  CHECK_SAME(same.value(), NdArray<float>({2}, {1, 2}));
  CHECK_SAME(a.value(), NdArray<float>({2}, {2, 3}));
}

TEST_CASE("assign: error") {
  Tensor<float> weight = Tensor<float>::ones({2}, true);
  CHECK_ERROR(weight -= 1, eg::StateError,
              "[-=] the left side is a leaf that requires a gradient, which it would not receive; "
              "name the result, or write to mutable_value()");
  CHECK(weight.is_leaf());
  {
    const eg::NoGrad guard;  // where PyTorch would change the parameter
    CHECK_ERROR(weight *= weight, eg::StateError,
                "[*=] the left side is a leaf that requires a gradient, which it would not "
                "receive; name the result, or write to mutable_value()");
  }
  Tensor<float> a = Tensor<float>::ones({2});
  CHECK_ERROR(a += Tensor<float>::ones({3, 2}), eg::ShapeError,
              "[+=] the right side must broadcast to the left: left (2), result (3, 2)");
  CHECK_SAME(a.value(), NdArray<float>::ones({2}));
  Tensor<float> empty;
  CHECK_ERROR(empty += 1, eg::StateError, "[tensor] this tensor is empty; assign one first");
}
