// SPDX-License-Identifier: MIT
#include <eigengrad/ops/binary_cross_entropy.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

constexpr Reduction kReductions[] = {Reduction::kNone, Reduction::kMean, Reduction::kSum};

}  // namespace

TEMPLATE_TEST_CASE("binary_cross_entropy: value", "", float, double) {
  using T = TestType;
  // sigmoid(log 3) = 3/4.
  const Tensor<T> x({1, 3}, {std::log(T(3)), std::log(T(3)), 0});
  const Tensor<T> t({1, 3}, {1, 0, T(0.5)});
  const double yes = std::log(4 / 3.);
  const double no = std::log(4.);
  const double half = std::log(2.);
  CHECK_CLOSE(eg::binary_cross_entropy_with_logits(x, t, {.reduction = Reduction::kNone}).value(),
              NdArray<double>({1, 3}, {yes, no, half}), 1e-6);
  CHECK_CLOSE(eg::binary_cross_entropy_with_logits(x, t).value(),
              NdArray<double>::scalar((yes + no + half) / 3), 1e-6);
  CHECK_CLOSE(eg::binary_cross_entropy_with_logits(x, t,
                                                   {.weight = NdArray<T>::scalar(2),
                                                    .pos_weight = NdArray<T>({3}, {5, 7, 3}),
                                                    .reduction = Reduction::kNone})
                  .value(),
              NdArray<double>({1, 3}, {10 * yes, 2 * no, 4 * half}), 1e-6);
  // 1 - p_t is 1/4 and 3/4.
  const Tensor<T> y = eg::sigmoid_focal_loss(x, t, {.reduction = Reduction::kNone});
  CHECK_CLOSE(y.value(),
              NdArray<double>({1, 3}, {0.25 * yes / 16, 0.75 * no * 9 / 16, 0.5 * half / 4}), 1e-6);
}

TEST_CASE("binary_cross_entropy: gradient") {
  for (Index n : {1, 7, 17}) {
    const NdArray<double> a = test::random({2, n}, 5, -4, 4);
    const NdArray<double> t = test::random({2, n}, 6, 0.1, 0.9);
    const NdArray<double> weight = test::random({2, 1}, 7, 0.5, 2);
    const NdArray<double> positive = test::random({n}, 8, 0.5, 9);
    for (Reduction reduction : kReductions) {
      CHECK_GRADIENT(
          eg::binary_cross_entropy_with_logits(x[0], x[1], {weight, positive, reduction}), {a, t});
      CHECK_GRADIENT(eg::sigmoid_focal_loss(x[0], x[1], {0.3, 2, reduction}), {a, t});
    }
    CHECK_GRADIENT(eg::sigmoid_focal_loss(x[0], x[1], {.alpha = -1, .gamma = 0.7}), {a, t});
    CHECK_GRADIENT(eg::sigmoid_focal_loss(x[0], x[1], {.gamma = 0}), {a, t});
  }
}

TEMPLATE_TEST_CASE("binary_cross_entropy: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const NdArray<T> in({6}, {inf, -inf, inf, T(1e30), -1000, nan});
  const Tensor<T> t({6}, {1, 0, 0, 1, 1, 1});
  SECTION("logits of any size: the loss is the distance from what is right") {
    const Tensor<T> x(in, true);
    const Tensor<T> y = eg::binary_cross_entropy_with_logits(x, t, {.reduction = Reduction::kNone});
    CHECK_SAME(y.value(), NdArray<T>({6}, {0, 0, inf, 0, 1000, nan}));
    y.backward(NdArray<T>::ones({6}));
    CHECK_SAME(x.grad(), NdArray<T>({6}, {0, 0, 1, 0, -1, nan}));
  }
  SECTION("the focal loss too") {
    const Tensor<T> x(in, true);
    const Tensor<T> y = eg::sigmoid_focal_loss(x, t, {.alpha = -1, .reduction = Reduction::kNone});
    CHECK_SAME(y.value(), NdArray<T>({6}, {0, 0, inf, 0, 1000, nan}));
    y.backward(NdArray<T>::ones({6}));
    CHECK_SAME(x.grad(), NdArray<T>({6}, {0, 0, 1, 0, -1, nan}));
  }
  SECTION("what is sure and right costs little, but not nothing") {
    const Tensor<T> x({1}, {20});
    const Tensor<T> one({1}, {1});
    const double loss = static_cast<double>(eg::binary_cross_entropy_with_logits(x, one).item());
    CHECK(std::abs(loss / std::log1p(std::exp(-20.)) - 1) < 1e-6);
  }
  SECTION("without focus it is half the cross-entropy") {
    const Tensor<T> x(test::random<T>({17}, 1, -3, 3));
    const Tensor<T> p(test::random<T>({17}, 2, 0, 1));
    CHECK_CLOSE(eg::sigmoid_focal_loss(x, p, {.alpha = 0.5, .gamma = 0}).value(),
                NdArray<double>::scalar(
                    static_cast<double>(eg::binary_cross_entropy_with_logits(x, p).item()) / 2),
                1e-6);
  }
  SECTION("no elements") {
    const Tensor<T> none = Tensor<T>::zeros({0, 3});
    CHECK(eg::binary_cross_entropy_with_logits(none, none, {.reduction = Reduction::kSum}).item() ==
          0);
  }
}

TEST_CASE("binary_cross_entropy: the caller may refill the weights before backward") {
  NdArray<double> weight({3}, {1, 2, 3});
  const Tensor<double> t(test::random({2, 3}, 2, 0, 1));
  CHECK_REFILL(test::random({2, 3}), weight, 7.0, [&](const auto& x, const auto& w) {
    return eg::binary_cross_entropy_with_logits(x, t, {.weight = w, .pos_weight = w});
  });
}

TEST_CASE("binary_cross_entropy: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::binary_cross_entropy_with_logits(x, Tensor<double>::zeros({2})), eg::ShapeError,
              "[binary_cross_entropy_with_logits] shapes must be equal: x (2, 3), target (2)");
  CHECK_ERROR(
      eg::binary_cross_entropy_with_logits(x, x, {.pos_weight = NdArray<double>::ones({4, 2, 3})}),
      eg::ShapeError,
      "[binary_cross_entropy_with_logits] pos_weight must broadcast to x: pos_weight (4, 2, 3), x "
      "(2, 3)");
  CHECK_ERROR(eg::sigmoid_focal_loss(x, x, {.alpha = 1.5}), eg::ValueError,
              "[sigmoid_focal_loss] alpha must be at most 1: 1.5");
  CHECK_ERROR(eg::sigmoid_focal_loss(x, x, {.gamma = -1}), eg::ValueError,
              "[sigmoid_focal_loss] gamma must not be negative: -1");
}

TEMPLATE_TEST_CASE("binary_cross_entropy: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("binary_cross_entropy");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  const auto weight = reference.get<T>("weight");
  const auto pos_weight = reference.get<T>("pos_weight");
  const char* const names[] = {"none", "mean", "sum"};
  for (Reduction reduction : kReductions) {
    const std::string name = names[static_cast<int>(reduction)];
    reference.check<T>("plain." + name, tolerance, [&](const auto& x) {
      return eg::binary_cross_entropy_with_logits(x[0], x[1], {.reduction = reduction});
    });
    reference.check<T>("weighted." + name, tolerance, [&](const auto& x) {
      return eg::binary_cross_entropy_with_logits(x[0], x[1], {weight, pos_weight, reduction});
    });
  }
  const auto focal = [&](const std::string& name, const eg::SigmoidFocalLossArguments& arguments) {
    reference.check<T>("focal." + name, tolerance, [&](const auto& x) {
      return eg::sigmoid_focal_loss(x[0], x[1], arguments);
    });
  };
  focal("labels", {0.25, 2, Reduction::kNone});
  focal("soft", {0.4, 1.3, Reduction::kNone});
  focal("plain", {-1, 3, Reduction::kMean});
}
