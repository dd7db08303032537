// SPDX-License-Identifier: MIT
#include <eigengrad/ops/group_norm.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("group_norm: value", "", float, double) {
  using T = TestType;
  // Groups of two channels: 0, 2, 4, 6 has mean 3 and variance 5; 1, 1, 3, 3 has 2 and 1.
  const Tensor<T> x({1, 4, 2}, {0, 2, 4, 6, 1, 1, 3, 3});
  const T s = std::sqrt(T(5));
  CHECK_CLOSE(eg::group_norm(x, 2, {}, {}, 0).value(),
              NdArray<T>({1, 4, 2}, {-3 / s, -1 / s, 1 / s, 3 / s, -1, -1, 1, 1}), 1e-6);
  const Tensor<T> weight({4}, {s, 2 * s, 3, 4});
  const Tensor<T> bias({4}, {0, 10, 20, 30});
  CHECK_CLOSE(eg::group_norm(x, 2, weight, bias, 0).value(),
              NdArray<T>({1, 4, 2}, {-3, -1, 12, 16, 17, 17, 34, 34}), 1e-6);
}

TEST_CASE("group_norm: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> in = test::random({2, 4, n}, 5, -3, 3);
    const NdArray<double> w = test::random({4}, 6);
    const NdArray<double> b = test::random({4}, 7);
    for (Index groups : {1, 2, 4}) {
      // With eps, since a group of two values always becomes -1 and 1 without.
      CHECK_GRADIENT(eg::group_norm(x[0], groups, x[1], x[2], 0.5), {in, w, b});
      CHECK_GRADIENT(eg::group_norm(x[0], groups, {}, {}, 0.5), {in});
    }
  }
}

TEMPLATE_TEST_CASE("group_norm: edge", "", float, double) {
  using T = TestType;
  SECTION("an empty batch, and a group of equal values") {
    CHECK(eg::group_norm(Tensor<T>::zeros({0, 4, 3}), 2).shape() == test::Shape{0, 4, 3});
    CHECK_SAME(eg::group_norm(Tensor<T>::full({1, 2, 3}, 7), 1).value(),
               NdArray<T>::zeros({1, 2, 3}));
  }
  SECTION("a large offset changes little, a NaN stays in its group") {
    const T offset = T(1 << 16);
    const NdArray<T> in({1, 2, 4}, {0, 1, 2, 3, 3, 1, 2, 0});
    NdArray<T> far = in.clone();
    for (T& v : far) v += offset;
    CHECK_CLOSE(eg::group_norm(Tensor<T>(far), 2).value(), eg::group_norm(Tensor<T>(in), 2).value(),
                1e-5);
    NdArray<T> bad = in.clone();
    bad(0, 0, 1) = T(NAN);
    const NdArray<T> y = eg::group_norm(Tensor<T>(bad), 2).value();
    CHECK(std::isnan(y(0, 0, 0)));
    CHECK(y(0, 1, 0) == eg::group_norm(Tensor<T>(in), 2).value()(0, 1, 0));
  }
}

TEST_CASE("group_norm: the same bits on any number of threads") {
  const NdArray<float> in = test::random<float>({7, 12, 9, 11}, 1, -3, 3);
  test::check_threads([&] {
    const Tensor<float> x(in, true);
    const Tensor<float> weight(test::random<float>({12}, 3), true);
    const Tensor<float> bias(test::random<float>({12}, 4), true);
    const Tensor<float> y = eg::group_norm(x, 3, weight, bias);
    y.backward(test::random<float>(in.shape(), 2));
    return std::vector{y.value(), x.grad(), weight.grad(), bias.grad()};
  });
}

TEST_CASE("group_norm: error") {
  const auto x = Tensor<double>::zeros({2, 4, 3});
  const auto three = Tensor<double>::zeros({3});
  CHECK_ERROR(eg::group_norm(three, 1), eg::ShapeError,
              "[group_norm] x must be (B, C, ...): x (3)");
  CHECK_ERROR(eg::group_norm(x, 3), eg::ValueError,
              "[group_norm] groups must divide the channels: groups 3, x (2, 4, 3)");
  CHECK_ERROR(eg::group_norm(x, 0), eg::ValueError,
              "[group_norm] groups must divide the channels: groups 0, x (2, 4, 3)");
  CHECK_ERROR(eg::group_norm(x, 2, three), eg::ShapeError,
              "[group_norm] weight must have one element per channel: weight (3), x (2, 4, 3)");
  CHECK_ERROR(eg::group_norm(x, 2, {}, three), eg::ShapeError,
              "[group_norm] bias must have one element per channel: bias (3), x (2, 4, 3)");
  CHECK_ERROR(eg::group_norm(x, 2, {}, {}, -1), eg::ValueError,
              "[group_norm] eps must not be negative: -1");
}

TEMPLATE_TEST_CASE("group_norm: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 4e-6 : 1e-12;
  const test::Reference reference("group_norm");
  for (Index groups : {1, 2, 6}) {
    reference.check<T>("groups" + std::to_string(groups), tolerance,
                       [&](const auto& x) { return eg::group_norm(x[0], groups, x[1], x[2]); });
  }
  reference.check<T>("plain", tolerance,
                     [](const auto& x) { return eg::group_norm(x[0], 3, {}, {}, 0.1); });
  reference.check<T>("vectors", tolerance,
                     [](const auto& x) { return eg::group_norm(x[0], 2, x[1], x[2]); });
}
