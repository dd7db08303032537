// SPDX-License-Identifier: MIT
#include <eigengrad/ops/kl_div.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

constexpr Reduction kReductions[] = {Reduction::kNone, Reduction::kMean, Reduction::kSum};

}  // namespace

TEMPLATE_TEST_CASE("kl_div: value", "", float, double) {
  using T = TestType;
  // (1/2, 1/2) against (1/4, 3/4).
  const Tensor<T> x({1, 2}, {std::log(T(0.25)), std::log(T(0.75))});
  const Tensor<T> p({1, 2}, {T(0.5), T(0.5)});
  const Tensor<T> log_p({1, 2}, {std::log(T(0.5)), std::log(T(0.5))});
  const double first = 0.5 * std::log(2.);
  const double second = 0.5 * std::log(2 / 3.);
  CHECK_CLOSE(eg::kl_div(x, p, {.reduction = Reduction::kNone}).value(),
              NdArray<double>({1, 2}, {first, second}), 1e-6);
  CHECK_CLOSE(eg::kl_div(x, p).value(), NdArray<double>::scalar((first + second) / 2), 1e-6);
  CHECK_CLOSE(eg::kl_div(x, log_p, {.log_target = true, .reduction = Reduction::kSum}).value(),
              NdArray<double>::scalar(first + second), 1e-6);
}

TEST_CASE("kl_div: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> a = test::random({2, n}, 5, -3, 0);
    const NdArray<double> p = test::random({2, n}, 6, 0.1, 1);
    for (Reduction reduction : kReductions) {
      CHECK_GRADIENT(eg::kl_div(x[0], x[1], {.reduction = reduction}), {a, p});
      CHECK_GRADIENT(eg::kl_div(x[0], x[1], {.log_target = true, .reduction = reduction}), {a, a});
    }
  }
}

TEMPLATE_TEST_CASE("kl_div: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  SECTION("a probability of 0 costs nothing, whatever its x; NaN and infinities stay") {
    const Tensor<T> x({4}, {-inf, T(-1e30), -inf, nan}, true);
    const Tensor<T> y =
        eg::kl_div(x, Tensor<T>({4}, {0, 0, 1, 1}), {.reduction = Reduction::kNone});
    CHECK_SAME(y.value(), NdArray<T>({4}, {0, 0, inf, nan}));
    y.backward(NdArray<T>::ones({4}));
    CHECK_SAME(x.grad(), NdArray<T>({4}, {0, 0, -1, -1}));
    CHECK_SAME(eg::kl_div(x.detach(), Tensor<T>({4}, {-inf, -1000, 0, 0}),
                          {.log_target = true, .reduction = Reduction::kNone})
                   .value(),
               NdArray<T>({4}, {0, 0, inf, nan}));
  }
  SECTION("no elements") {
    const Tensor<T> x = Tensor<T>::zeros({0, 3});
    CHECK(eg::kl_div(x, x, {.reduction = Reduction::kSum}).item() == 0);
  }
}

TEST_CASE("kl_div: error") {
  CHECK_ERROR(eg::kl_div(Tensor<double>::zeros({2, 1}), Tensor<double>::zeros({2})), eg::ShapeError,
              "[kl_div] shapes must be equal: x (2, 1), target (2)");
  const auto none = Tensor<double>::zeros({0, 3});
  CHECK_ERROR(eg::kl_div(none, none, {.log_target = true}), eg::ShapeError,
              "[kl_div] the mean of no losses is not a number: x (0, 3); leave out empty batches "
              "or take Reduction::kSum");
}

TEMPLATE_TEST_CASE("kl_div: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("kl_div");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-13;
  const char* const names[] = {".none", ".mean", ".sum"};
  for (const bool log_target : {false, true}) {
    for (Reduction reduction : kReductions) {
      const std::string name = log_target ? "log" : "plain";
      reference.check<T>(name + names[static_cast<int>(reduction)], tolerance, [&](const auto& x) {
        return eg::kl_div(x[0], x[1], {log_target, reduction});
      });
    }
  }
}
