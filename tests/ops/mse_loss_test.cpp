// SPDX-License-Identifier: MIT
#include <eigengrad/ops/mse_loss.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("mse_loss: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4});
  const Tensor<T> target({2, 2}, {1, 4, 0, 5});
  CHECK_SAME(eg::mse_loss(x, target, {.reduction = Reduction::kNone}).value(),
             NdArray<T>({2, 2}, {0, 4, 9, 1}));
  CHECK(eg::mse_loss(x, target).item() == T(3.5));
  CHECK(eg::mse_loss(x, target, {.reduction = Reduction::kSum}).item() == 14);
}

TEST_CASE("mse_loss: gradient") {
  for (Index n : {1, 2, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> a = test::random({2, n}, 5, -3, 3);
    const NdArray<double> b = test::random({2, n}, 6, -3, 3);
    for (Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum}) {
      CHECK_GRADIENT(eg::mse_loss(x[0], x[1], {.reduction = reduction}), {a, b});
      const Tensor<double> fixed(b);
      CHECK_GRADIENT(eg::mse_loss(x[0], fixed, {.reduction = reduction}), {a});
      CHECK_GRADIENT(eg::mse_loss(fixed, x[0], {.reduction = reduction}), {a});
    }
  }
}

TEMPLATE_TEST_CASE("mse_loss: edge", "", float, double) {
  using T = TestType;
  SECTION("no elements have no mean, their sum is 0") {
    const Tensor<T> x = Tensor<T>::zeros({0, 3}, true);
    const Tensor<T> target = Tensor<T>::zeros({0, 3});
    CHECK_ERROR(
        eg::mse_loss(x, target), eg::ShapeError,
        "[mse_loss] the mean of no losses is not a number: x (0, 3); leave out empty batches "
        "or take Reduction::kSum");
    const Tensor<T> y = eg::mse_loss(x, target, {.reduction = Reduction::kSum});
    CHECK(y.item() == 0);
    y.backward();
    CHECK(x.grad().shape() == test::Shape{0, 3});
  }
  SECTION("scalars") {
    CHECK(eg::mse_loss(Tensor<T>::scalar(3), Tensor<T>::scalar(1)).item() == 4);
  }
  SECTION("a tensor against itself has gradient 0 from both sides") {
    const Tensor<T> x(test::random<T>({17}), true);
    const Tensor<T> y = eg::mse_loss(x, x);
    CHECK(y.item() == 0);
    y.backward();
    CHECK_SAME(x.grad(), NdArray<T>::zeros({17}));
  }
  SECTION("any length, across the chunks of the sum") {
    for (Index n : {1, 7, 8, 15, 16, 17, 33, 4095, 4096, 4097, 50001}) {
      const Tensor<T> x = Tensor<T>::full({n}, T(1.5));
      const Tensor<T> target = Tensor<T>::full({n}, T(1));
      CHECK(eg::mse_loss(x, target, {.reduction = Reduction::kSum}).item() ==
            T(0.25) * static_cast<T>(n));
    }
  }
}

TEST_CASE("mse_loss: the same bits on any number of threads") {
  const Tensor<float> x(test::random<float>({100003}, 1, -3, 3));
  const Tensor<float> target(test::random<float>({100003}, 2, -3, 3));
  test::check_threads([&] { return std::vector{eg::mse_loss(x, target).value()}; });
}

TEST_CASE("mse_loss: error") {
  CHECK_ERROR(eg::mse_loss(Tensor<double>::zeros({2, 1}), Tensor<double>::zeros({2})),
              eg::ShapeError, "[mse_loss] shapes must be equal: x (2, 1), target (2)");
}

TEMPLATE_TEST_CASE("mse_loss: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("mse_loss");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  const char* const names[] = {"none", "mean", "sum"};
  for (Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum}) {
    reference.check<T>(names[static_cast<int>(reduction)], tolerance, [&](const auto& x) {
      return eg::mse_loss(x[0], x[1], {.reduction = reduction});
    });
  }
}
