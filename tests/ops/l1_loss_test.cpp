// SPDX-License-Identifier: MIT
#include <eigengrad/ops/l1_loss.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

constexpr Reduction kReductions[] = {Reduction::kNone, Reduction::kMean, Reduction::kSum};

}  // namespace

TEMPLATE_TEST_CASE("l1_loss: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4});
  const Tensor<T> target({2, 2}, {1, 4, 0, T(4.5)});  // errors 0, -2, 3, -0.5
  CHECK_SAME(eg::l1_loss(x, target, {.reduction = Reduction::kNone}).value(),
             NdArray<T>({2, 2}, {0, 2, 3, T(0.5)}));
  CHECK(eg::l1_loss(x, target).item() == T(1.375));
  CHECK(eg::l1_loss(x, target, {.reduction = Reduction::kSum}).item() == T(5.5));
  CHECK_SAME(eg::huber_loss(x, target, {.delta = 2, .reduction = Reduction::kNone}).value(),
             NdArray<T>({2, 2}, {0, 2, 4, T(0.125)}));
  CHECK_SAME(eg::smooth_l1_loss(x, target, {.beta = 2, .reduction = Reduction::kNone}).value(),
             NdArray<T>({2, 2}, {0, 1, 2, T(0.0625)}));
  CHECK(eg::smooth_l1_loss(x, target, {.beta = 0}).item() == T(1.375));
}

TEST_CASE("l1_loss: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> a = test::random({2, n}, 5, -3, 3);
    const NdArray<double> b = test::random({2, n}, 6, -3, 3);
    for (Reduction reduction : kReductions) {
      CHECK_GRADIENT(eg::l1_loss(x[0], x[1], {.reduction = reduction}), {a, b});
      CHECK_GRADIENT(eg::huber_loss(x[0], x[1], {.delta = 1.3, .reduction = reduction}), {a, b});
      CHECK_GRADIENT(eg::smooth_l1_loss(x[0], x[1], {.beta = 1.3, .reduction = reduction}), {a, b});
      const Tensor<double> fixed(b);
      CHECK_GRADIENT(eg::huber_loss(fixed, x[0], {.reduction = reduction}), {a});
    }
  }
}

TEMPLATE_TEST_CASE("l1_loss: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  SECTION("large errors, infinities and NaN, as in PyTorch") {
    const NdArray<T> in({4}, {inf, T(1e30), 0, nan});
    const Tensor<T> x(in, true);
    const Tensor<T> zero = Tensor<T>::zeros({4});
    const Tensor<T> y = eg::huber_loss(x, zero, {.delta = 2, .reduction = Reduction::kNone});
    CHECK_CLOSE(y.value(), NdArray<T>({4}, {inf, T(2e30), 0, nan}), 1e-6);
    y.backward(NdArray<T>::ones({4}));
    CHECK_SAME(x.grad(), NdArray<T>({4}, {2, 2, 0, nan}));
    const Tensor<T> z(in, true);
    const Tensor<T> l1 = eg::l1_loss(z, zero, {.reduction = Reduction::kNone});
    CHECK_SAME(l1.value(), in);
    l1.backward(NdArray<T>::ones({4}));
    CHECK_SAME(z.grad(), NdArray<T>({4}, {1, 1, 0, 0}));
  }
  SECTION("no elements have no mean, their sum is 0") {
    const Tensor<T> x = Tensor<T>::zeros({0, 3}, true);
    const Tensor<T> target = Tensor<T>::zeros({0, 3});
    CHECK_ERROR(eg::l1_loss(x, target), eg::ShapeError,
                "[l1_loss] the mean of no losses is not a number: x (0, 3); leave out empty "
                "batches or take Reduction::kSum");
    const Tensor<T> y = eg::l1_loss(x, target, {.reduction = Reduction::kSum});
    CHECK(y.item() == 0);
    y.backward();
    CHECK(x.grad().shape() == test::Shape{0, 3});
  }
  SECTION("a scalar, and any length across the blocks of the sum") {
    CHECK(eg::l1_loss(Tensor<T>::scalar(3), Tensor<T>::scalar(1)).item() == 2);
    for (Index n : {1, 15, 17, 4095, 4097, 50001}) {
      const Tensor<T> x = Tensor<T>::full({n}, T(1.5));
      const Tensor<T> y = Tensor<T>::full({n}, T(1));
      CHECK(eg::l1_loss(x, y, {.reduction = Reduction::kSum}).item() == T(0.5) * T(n));
    }
  }
}

TEST_CASE("l1_loss: the same bits on any number of threads") {
  const NdArray<float> in = test::random<float>({100003}, 1, -3, 3);
  const Tensor<float> target(test::random<float>({100003}, 2, -3, 3));
  test::check_threads([&] {
    const Tensor<float> x(in, true);
    const Tensor<float> y = eg::huber_loss(x, target);
    y.backward();
    return std::vector{y.value(), x.grad()};
  });
}

TEST_CASE("l1_loss: error") {
  const auto x = Tensor<double>::zeros({2, 1});
  CHECK_ERROR(eg::l1_loss(x, Tensor<double>::zeros({2})), eg::ShapeError,
              "[l1_loss] shapes must be equal: x (2, 1), target (2)");
  CHECK_ERROR(eg::huber_loss(x, x, {.delta = 0}), eg::ValueError,
              "[huber_loss] delta must be positive: 0");
  CHECK_ERROR(eg::smooth_l1_loss(x, x, {.beta = -1}), eg::ValueError,
              "[smooth_l1_loss] beta must not be negative: -1");
}

TEMPLATE_TEST_CASE("l1_loss: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("l1_loss");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  const char* const names[] = {".none", ".mean", ".sum"};
  for (Reduction reduction : kReductions) {
    const auto check = [&](const std::string& name, const auto& loss) {
      reference.check<T>(name + names[static_cast<int>(reduction)], tolerance,
                         [&](const auto& x) { return loss(x[0], x[1]); });
    };
    using X = Tensor<T>;
    check("l1", [&](const X& x, const X& t) { return eg::l1_loss(x, t, {reduction}); });
    check("huber", [&](const X& x, const X& t) { return eg::huber_loss(x, t, {0.7, reduction}); });
    check("smooth", [&](const X& x, const X& t) {
      return eg::smooth_l1_loss(x, t, {0.7, reduction});
    });
    check("smooth-0", [&](const X& x, const X& t) {
      return eg::smooth_l1_loss(x, t, {0, reduction});
    });
  }
}
