// SPDX-License-Identifier: MIT
#include <eigengrad/ops/nll_loss.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("nll_loss: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {-1, -2, -3, -4, -5, -6});
  const NdArray<Index> labels({2}, {2, 0});
  CHECK_SAME(eg::nll_loss(x, labels, {.reduction = Reduction::kNone}).value(),
             NdArray<T>({2}, {3, 4}));
  CHECK(eg::nll_loss(x, labels).item() == T(3.5));
  CHECK(eg::nll_loss(x, labels, {.reduction = Reduction::kSum}).item() == 7);
}

TEST_CASE("nll_loss: gradient") {
  for (Index n : {1, 2, 7, 17}) {
    const NdArray<double> x = test::random({3, n}, 5, -3, 0);
    const NdArray<Index> labels({3}, {n - 1, 0, n / 2});
    for (Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum}) {
      CHECK_GRADIENT(eg::nll_loss(x[0], labels, {.reduction = reduction}), {x});
    }
  }
}

TEMPLATE_TEST_CASE("nll_loss: edge", "", float, double) {
  using T = TestType;
  SECTION("an empty batch has no mean, its sum is 0") {
    const Tensor<T> x = Tensor<T>::zeros({0, 3}, true);
    CHECK_ERROR(eg::nll_loss(x, NdArray<Index>({0})), eg::ShapeError,
                "[nll_loss] the mean of no losses is not a number: log_probabilities (0, 3); leave "
                "out empty batches or take Reduction::kSum");
    const Tensor<T> y = eg::nll_loss(x, NdArray<Index>({0}), {.reduction = Reduction::kSum});
    CHECK(y.item() == 0);
    y.backward();
    CHECK(x.grad().shape() == test::Shape{0, 3});
  }
  SECTION("-inf elsewhere does not matter") {
    const T inf = std::numeric_limits<T>::infinity();
    const Tensor<T> x({1, 2}, {-inf, -1});
    CHECK(eg::nll_loss(x, NdArray<Index>({1}, {1})).item() == 1);
    CHECK(eg::nll_loss(x, NdArray<Index>({1}, {0})).item() == inf);
  }
}

TEST_CASE("nll_loss: error") {
  const auto x = Tensor<double>::zeros({2, 1});
  CHECK_ERROR(eg::nll_loss(x, NdArray<Index>({2}, {0, 1})), eg::ValueError,
              "[nll_loss] label 1 in row 1 is out of range for 1 class");
  CHECK_ERROR(eg::nll_loss(x, NdArray<Index>({2, 1}, {0, 0})), eg::ShapeError,
              "[nll_loss] needs one label per row: labels (2, 1), log_probabilities (2, 1)");
  CHECK_ERROR(eg::nll_loss(Tensor<double>::scalar(1), NdArray<Index>({1}, {0})), eg::ShapeError,
              "[nll_loss] log_probabilities must be (B, K) or (B, K, ...): log_probabilities ()");
}

TEMPLATE_TEST_CASE("nll_loss: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("nll_loss");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  const auto labels = reference.get<Index>("labels");
  const char* const names[] = {"none", "mean", "sum"};
  for (Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum}) {
    reference.check<T>(names[static_cast<int>(reduction)], tolerance, [&](const auto& x) {
      return eg::nll_loss(x[0], labels, {.reduction = reduction});
    });
  }
  const auto image_labels = reference.get<Index>("image_labels");
  const auto weights = reference.get<double>("weight");
  for (Reduction reduction : {Reduction::kNone, Reduction::kMean, Reduction::kSum}) {
    const std::string name = std::string("image.") + names[static_cast<int>(reduction)];
    reference.check<T>(name, tolerance, [&](const auto& x) {
      return eg::nll_loss(x[0], image_labels,
                          {reduction, {weights.begin(), weights.end()}, /*ignore_index=*/4});
    });
  }
}
