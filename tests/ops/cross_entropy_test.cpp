// SPDX-License-Identifier: MIT
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/ops/nll_loss.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Reduction;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

/// Labels spread over all classes.
NdArray<Index> some_labels(Index rows, Index classes) {
  NdArray<Index> labels({rows});
  for (Index i = 0; i < rows; ++i) labels(i) = i * 7 % classes;
  return labels;
}

constexpr Reduction kReductions[] = {Reduction::kNone, Reduction::kMean, Reduction::kSum};

}  // namespace

TEMPLATE_TEST_CASE("cross_entropy: value", "", float, double) {
  using T = TestType;
  // softmax gives (1/8, 1/4, 5/8) and (1/3, 1/3, 1/3).
  const Tensor<T> x({2, 3}, {0, std::log(T(2)), std::log(T(5)), 7, 7, 7});
  const NdArray<Index> labels({2}, {2, 0});
  const double a = std::log(8 / 5.);
  const double b = std::log(3.);
  CHECK_CLOSE(eg::cross_entropy(x, labels, {.reduction = Reduction::kNone}).value(),
              NdArray<double>({2}, {a, b}), 1e-6);
  CHECK_CLOSE(eg::cross_entropy(x, labels).value(), NdArray<double>::scalar((a + b) / 2), 1e-6);
  CHECK_CLOSE(eg::cross_entropy(x, labels, {.reduction = Reduction::kSum}).value(),
              NdArray<double>::scalar(a + b), 1e-6);
  SECTION("smoothing spreads a share over all classes") {
    const double all = (std::log(8.) + std::log(4.) + a) / 3;
    CHECK_CLOSE(
        eg::cross_entropy(x, labels, {.label_smoothing = 0.25, .reduction = Reduction::kNone})
            .value(),
        NdArray<double>({2}, {0.75 * a + 0.25 * all, b}), 1e-6);
  }
  SECTION("probabilities") {
    const NdArray<T> soft({2, 3}, {T(0.5), 0, T(0.5), T(0.25), T(0.25), T(0.5)});
    CHECK_CLOSE(eg::cross_entropy(x, soft, {.reduction = Reduction::kNone}).value(),
                NdArray<double>({2}, {(std::log(8.) + a) / 2, b}), 1e-6);
  }
}

TEST_CASE("cross_entropy: gradient") {
  for (Index n : {1, 2, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> x = test::random({4, n}, 5, -3, 3);
    const NdArray<Index> labels = some_labels(4, n);
    const NdArray<double> soft = test::random({4, n}, 6, 0, 1);
    for (Reduction reduction : kReductions) {
      for (double smoothing : {0.0, 0.3, 1.0}) {
        const eg::CrossEntropyArguments options{smoothing, reduction};
        CHECK_GRADIENT(eg::cross_entropy(x[0], labels, options), {x});
        CHECK_GRADIENT(eg::cross_entropy(x[0], soft, options), {x});
      }
    }
  }
}

TEMPLATE_TEST_CASE("cross_entropy: equals nll_loss of log_softmax", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (Index n : {1, 10, 33}) {
    const NdArray<T> in = test::random<T>({13, n}, 5, -3, 3);
    const NdArray<Index> labels = some_labels(13, n);
    for (Reduction reduction : kReductions) {
      const Tensor<T> a(in, true);
      const Tensor<T> b(in, true);
      const Tensor<T> y = eg::cross_entropy(a, labels, {.reduction = reduction});
      const Tensor<T> z = eg::nll_loss(eg::log_softmax(b), labels, {.reduction = reduction});
      CHECK_CLOSE(y.value(), z.value(), tolerance);
      const NdArray<T> dout = test::random<T>(y.shape(), 6);
      y.backward(dout);
      z.backward(dout);
      CHECK_CLOSE(a.grad(), b.grad(), tolerance);
    }
  }
}

TEMPLATE_TEST_CASE("cross_entropy: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("an empty batch has no mean, its sum is 0") {
    const Tensor<T> x = Tensor<T>::zeros({0, 3}, true);
    CHECK_ERROR(eg::cross_entropy(x, NdArray<Index>({0})), eg::ShapeError,
                "[cross_entropy] the mean of no losses is not a number: logits (0, 3); leave out "
                "empty batches or take Reduction::kSum");
    CHECK_ERROR(eg::cross_entropy(x, NdArray<T>({0, 3})), eg::ShapeError,
                "[cross_entropy] the mean of no losses is not a number: logits (0, 3); leave out "
                "empty batches or take Reduction::kSum");
    const Tensor<T> y = eg::cross_entropy(x, NdArray<Index>({0}), {.reduction = Reduction::kSum});
    CHECK(y.item() == 0);
    y.backward();
    CHECK(x.grad().shape() == test::Shape{0, 3});
  }
  SECTION("one class costs nothing") {
    const Tensor<T> x({2, 1}, {5, -3});
    CHECK(eg::cross_entropy(x, NdArray<Index>({2}, {0, 0})).item() == 0);
  }
  SECTION("large magnitudes: the loss is the distance to the largest, the gradient at most 1") {
    const Tensor<T> x({2, 3}, {T(1e30), 0, 0, 1000, 0, 0}, true);
    const Tensor<T> y =
        eg::cross_entropy(x, NdArray<Index>({2}, {1, 2}), {.reduction = Reduction::kNone});
    CHECK_CLOSE(y.value(), NdArray<double>({2}, {1e30, 1000}), 1e-6);
    y.backward(NdArray<T>::ones({2}));
    CHECK_SAME(x.grad(), NdArray<T>({2, 3}, {1, -1, 0, 1, 0, -1}));
  }
  SECTION("a common offset changes nothing") {
    const Tensor<T> x({1, 2}, {T(1 << 20), T(1 << 20)});
    CHECK_CLOSE(eg::cross_entropy(x, NdArray<Index>({1}, {1})).value(),
                NdArray<double>::scalar(std::log(2.)), 1e-6);
  }
  SECTION("a class of -inf is ruled out") {
    const Tensor<T> x({1, 3}, {-inf, 1, 1}, true);
    const Tensor<T> y = eg::cross_entropy(x, NdArray<Index>({1}, {1}));
    CHECK_CLOSE(y.value(), NdArray<double>::scalar(std::log(2.)), 1e-6);
    y.backward();
    CHECK_CLOSE(x.grad(), NdArray<T>({1, 3}, {0, T(-0.5), T(0.5)}), 1e-6);
    const NdArray<T> soft({1, 3}, {0, T(0.5), T(0.5)});
    CHECK_CLOSE(eg::cross_entropy(x, soft).value(), NdArray<double>::scalar(std::log(2.)), 1e-6);
    CHECK(eg::cross_entropy(x, NdArray<Index>({1}, {0})).item() == inf);
  }
  SECTION("one-hot probabilities are labels") {
    const Index n = 37;
    const Tensor<T> x(test::random<T>({5, n}, 1, -3, 3));
    const NdArray<Index> labels = some_labels(5, n);
    NdArray<T> soft = NdArray<T>::zeros({5, n});
    for (Index i = 0; i < 5; ++i) soft(i, labels(i)) = 1;
    CHECK_CLOSE(eg::cross_entropy(x, soft, {.label_smoothing = 0.1}).value(),
                eg::cross_entropy(x, labels, {.label_smoothing = 0.1}).value(), 1e-6);
  }
  SECTION("labels may be overwritten before backward") {
    const NdArray<T> in = test::random<T>({2, 3});
    const Tensor<T> a(in, true);
    const Tensor<T> b(in, true);
    NdArray<Index> labels({2}, {0, 2});
    eg::cross_entropy(a, labels.clone()).backward();
    const Tensor<T> y = eg::cross_entropy(b, labels);
    labels.fill(1000);
    y.backward();
    CHECK_SAME(b.grad(), a.grad());
  }
}

TEST_CASE("cross_entropy: labels or, where they are defined, probabilities") {
  const Tensor<float> x(test::random<float>({4, 5}, 1, -3, 3));
  const NdArray<Index> labels = some_labels(4, 5);
  const NdArray<float> soft = test::random<float>({4, 5}, 6, 0, 1);
  const eg::CrossEntropyArguments options{.label_smoothing = 0.1};
  CHECK_SAME(eg::cross_entropy(x, labels, NdArray<float>(), options).value(),
             eg::cross_entropy(x, labels, options).value());
  CHECK_SAME(eg::cross_entropy(x, labels, soft, options).value(),
             eg::cross_entropy(x, soft, options).value());
}

TEST_CASE("cross_entropy: the same bits on any number of threads") {
  const NdArray<Index> labels = some_labels(3001, 17);
  const std::vector<double> weight(17, 0.7);
  test::check_threads([&] {
    const Tensor<float> x(test::random<float>({3001, 17}, 1, -3, 3), true);
    const Tensor<float> y = eg::cross_entropy(x, labels, {.label_smoothing = 0.1});
    y.backward();
    const Tensor<float> weighed =
        eg::cross_entropy(x, labels, {.label_smoothing = 0.1, .weight = weight, .ignore_index = 3});
    weighed.backward();
    return std::vector{y.value(), weighed.value(), x.grad()};
  });
}

TEST_CASE("cross_entropy: the caller may refill the probabilities before backward") {
  NdArray<double> probabilities({2, 3}, {0.5, 0.5, 0, 0, 0.25, 0.75});
  CHECK_REFILL(test::random({2, 3}), probabilities, 0.125,
               [](const auto& x, const auto& p) { return eg::cross_entropy(x, p); });
}

TEST_CASE("cross_entropy: a batch, its parts, and labels of any whole numbers") {
  struct Batch {
    NdArray<Index> labels;
    NdArray<float> targets = {};
  };
  const Tensor<float> x(test::random<float>({2, 3}));
  const Batch plain{NdArray<Index>({2}, {2, 0})};
  const Batch mixed{plain.labels, NdArray<float>({2, 3}, {0.5F, 0.5F, 0, 0, 0.25F, 0.75F})};
  const eg::CrossEntropyArguments smooth{.label_smoothing = 0.1};
  CHECK_SAME(eg::cross_entropy(x, plain).value(), eg::cross_entropy(x, plain.labels).value());
  CHECK_SAME(eg::cross_entropy(x, mixed).value(), eg::cross_entropy(x, mixed.targets).value());
  CHECK_SAME(eg::cross_entropy(x, mixed, smooth).value(),
             eg::cross_entropy(x, mixed.targets, smooth).value());
  CHECK_SAME(eg::cross_entropy(x, plain.labels, plain.targets).value(),
             eg::cross_entropy(x, plain.labels).value());
  CHECK_SAME(eg::cross_entropy(x, mixed.labels, mixed.targets, smooth).value(),
             eg::cross_entropy(x, mixed.targets, smooth).value());
  CHECK_SAME(eg::cross_entropy(x, NdArray<int>({2}, {2, 0})).value(),
             eg::cross_entropy(x, plain.labels).value());
  CHECK_SAME(eg::cross_entropy(x, NdArray<std::uint8_t>({2}, {2, 0}), {}).value(),
             eg::cross_entropy(x, plain.labels).value());
}

TEST_CASE("cross_entropy: error") {
  const auto x = Tensor<double>::zeros({3, 4});
  CHECK_ERROR(eg::cross_entropy(x, NdArray<Index>({3}, {0, 3, 4})), eg::ValueError,
              "[cross_entropy] label 4 in row 2 is out of range for 4 classes");
  CHECK_ERROR(eg::cross_entropy(x, NdArray<Index>({3}, {-1, 3, 4})), eg::ValueError,
              "[cross_entropy] label -1 in row 0 is out of range for 4 classes");
  CHECK_ERROR(eg::cross_entropy(x, NdArray<Index>({2}, {0, 1})), eg::ShapeError,
              "[cross_entropy] needs one label per row: labels (2), logits (3, 4)");
  CHECK_ERROR(eg::cross_entropy(Tensor<double>::zeros({3}), NdArray<Index>({3}, {0, 0, 0})),
              eg::ShapeError, "[cross_entropy] logits must be (B, K) or (B, K, ...): logits (3)");
  CHECK_ERROR(eg::cross_entropy(Tensor<double>::zeros({3}), NdArray<double>::zeros({3})),
              eg::ShapeError, "[cross_entropy] logits must be (B, K) or (B, K, ...): logits (3)");
  CHECK_ERROR(eg::cross_entropy(x, NdArray<double>::zeros({3})), eg::ShapeError,
              "[cross_entropy] classes are whole numbers, and probabilities must be (B, K): float "
              "labels (3), logits (3, 4); convert them, labels.astype<eigengrad::Index>()");
  CHECK_ERROR(eg::cross_entropy(x, NdArray<double>::zeros({3, 3})), eg::ShapeError,
              "[cross_entropy] shapes must be equal: probabilities (3, 3), logits (3, 4)");
  CHECK_ERROR(eg::cross_entropy(x, NdArray<double>::zeros({3, 4}), {.label_smoothing = 1.5}),
              eg::ValueError, "[cross_entropy] label_smoothing must be in [0, 1]: 1.5");
  const auto images = Tensor<double>::zeros({2, 4, 3});
  CHECK_ERROR(
      eg::cross_entropy(images, NdArray<Index>({2}, {0, 0})), eg::ShapeError,
      "[cross_entropy] needs one label per vector of classes: labels (2), logits (2, 4, 3)");
  CHECK_ERROR(eg::cross_entropy(images, NdArray<Index>({2, 3}, {0, 0, 0, 0, 0, 9})), eg::ValueError,
              "[cross_entropy] label 9 at (1, 2) is out of range for 4 classes");
  const NdArray<Index> labels({3}, {0, 3, 3});
  CHECK_ERROR(eg::cross_entropy(x, labels, {.weight = {1, 2}}), eg::ShapeError,
              "[cross_entropy] weight must have one number per class: 2 of them, 4 classes");
  CHECK_ERROR(eg::cross_entropy(x, labels, {.weight = {1, 1, -0.5, 1}}), eg::ValueError,
              "[cross_entropy] weight must not be negative: -0.5 of class 2");
  CHECK_ERROR(eg::cross_entropy(x, labels, {.weight = {0, 1, 1, 0}}), eg::ValueError,
              "[cross_entropy] the mean of no losses is not a number: every label is ignored or of "
              "weight 0; leave the batch out or take Reduction::kSum");
}

TEMPLATE_TEST_CASE("cross_entropy: ignored labels and class weights", "", float, double) {
  using T = TestType;
  // Losses log 2, log 4 and log 2 of the labels 0, 1 and 0.
  const T a = std::log(T(3));
  const Tensor<T> x({3, 2}, {0, 0, a, 0, T(NAN), 0}, true);
  const NdArray<Index> labels({3}, {0, 1, 7});
  const double one = std::log(2.);
  const double two = std::log(4.);
  const eg::CrossEntropyArguments ignore{.ignore_index = 7};
  const Tensor<T> y = eg::cross_entropy(x, labels, ignore);
  CHECK_CLOSE(y.value(), NdArray<double>::scalar((one + two) / 2), 1e-6);
  y.backward();
  CHECK_CLOSE(x.grad(), NdArray<T>({3, 2}, {T(-0.25), T(0.25), T(0.375), T(-0.375), 0, 0}), 1e-6);
  CHECK_CLOSE(eg::cross_entropy(x, labels, {.weight = {1, 3}, .ignore_index = 7}).value(),
              NdArray<double>::scalar((one + 3 * two) / 4), 1e-6);
  SECTION("as PyTorch, -100 is ignored unless another is named") {
    CHECK(eg::cross_entropy(x, NdArray<Index>({3}, {0, -100, -100})).item() ==
          eg::cross_entropy(x, NdArray<Index>({3}, {0, 7, 7}), ignore).item());
    CHECK(eg::cross_entropy(x, NdArray<Index>({3}, {-100, -100, -100}),
                            {.reduction = Reduction::kSum})
              .item() == 0);
  }
  SECTION("weights of 1 change nothing") {
    const Tensor<T> in(test::random<T>({4, 7}, 1, -3, 3));
    for (const double smoothing : {0.0, 0.3}) {
      const std::vector<double> ones(7, 1);
      CHECK_CLOSE(
          eg::cross_entropy(in, some_labels(4, 7), {smoothing}).value(),
          eg::cross_entropy(in, some_labels(4, 7), {smoothing, Reduction::kMean, ones}).value(),
          1e-6);
    }
  }
}

TEST_CASE("cross_entropy: gradient with weights, ignored labels and further axes") {
  NdArray<Index> labels({2, 3}, {0, 3, 1, 2, 3, 0});
  const NdArray<double> x = test::random({2, 4, 3}, 5, -3, 3);
  const NdArray<double> soft = test::random({2, 4, 3}, 6, 0, 1);
  for (Reduction reduction : kReductions) {
    for (double smoothing : {0.0, 0.3}) {
      const eg::CrossEntropyArguments options{
          smoothing, reduction, {0.5, 2, 0, 1}, /*ignore_index=*/3};
      CHECK_GRADIENT(eg::cross_entropy(x[0], labels, options), {x});
      CHECK_GRADIENT(eg::cross_entropy(x[0], soft, options), {x});
    }
  }
}

TEMPLATE_TEST_CASE("cross_entropy: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("cross_entropy");
  const auto labels = reference.get<Index>("labels");
  const auto probabilities = reference.get<T>("probabilities");
  const char* const names[] = {"none", "mean", "sum"};
  for (const bool soft : {false, true}) {
    for (const std::string smoothing : {"0", "0.1", "1"}) {
      for (Reduction reduction : kReductions) {
        const std::string name = (soft ? "probabilities." : "labels.") + smoothing + "." +
                                 names[static_cast<int>(reduction)];
        const eg::CrossEntropyArguments options{std::stod(smoothing), reduction};
        reference.check<T>(name, tolerance, [&](const auto& x) {
          return soft ? eg::cross_entropy(x[0], probabilities, options)
                      : eg::cross_entropy(x[0], labels, options);
        });
      }
    }
  }
}

TEMPLATE_TEST_CASE("cross_entropy: reference with weights and further axes", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("cross_entropy");
  const auto labels = reference.get<Index>("image_labels");
  const auto probabilities = reference.get<T>("image_probabilities");
  const auto weights = reference.get<double>("weight");
  const std::vector<double> weight(weights.begin(), weights.end());
  const auto check = [&](const std::string& name, const auto& target, Reduction reduction,
                         const std::vector<double>& factors, Index ignored) {
    const char* const names[] = {"none", "mean", "sum"};
    for (const std::string smoothing : {"0", "0.1"}) {
      const std::string of = "image." + name + "." + smoothing + ".";
      reference.check<T>(of + names[static_cast<int>(reduction)], tolerance, [&](const auto& x) {
        return eg::cross_entropy(x[0], target, {std::stod(smoothing), reduction, factors, ignored});
      });
    }
  };
  check("ignored", labels, Reduction::kMean, {}, 4);
  check("weighted", labels, Reduction::kMean, weight, -100);
  for (const Reduction reduction : kReductions) check("both", labels, reduction, weight, 4);
  check("probabilities", probabilities, Reduction::kMean, weight, -100);
}
