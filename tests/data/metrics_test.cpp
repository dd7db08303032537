// SPDX-License-Identifier: MIT
#include <limits>

#include <eigengrad/data/metrics.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using eg::data::ClassificationMetrics;
using test::Index;
using test::NdArray;
using test::Shape;

namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("classification metrics: counts worked by hand", "[metrics]") {
  ClassificationMetrics m(3);
  // Predicted: 0, 2, 2, 1 (the first of equals), 1.
  m.add(NdArray<float>({5, 3}, {3, 1, 0, 0, 1, 2, 0, 1, 2, 0, 4, 4, -1, 2, 1}),
        NdArray<Index>({5}, {0, 1, 2, 2, 0}));
  CHECK(m.images() == 5);
  CHECK(m.invalid() == 0);
  CHECK(m.accuracy() == Approx(2.0 / 5));
  CHECK(m.top(2) == Approx(4.0 / 5));
  CHECK(m.top(3) == 1);
  CHECK(m.top(5) == 1);  // more than there are
  CHECK(m.accuracy_percent() == 40);
  CHECK(m.top_percent(2) == 80);
  CHECK_SAME(m.confusion(), NdArray<Index>({3, 3}, {1, 1, 0, 0, 0, 1, 0, 1, 1}));
  CHECK(m.images(2) == 2);
  CHECK(m.recall(0) == Approx(0.5));
  CHECK(m.recall(1) == 0);
  CHECK(m.precision(0) == 1);
  CHECK(m.precision(1) == 0);
  CHECK(m.precision(2) == Approx(0.5));
}

TEST_CASE("classification metrics: loss is cross_entropy's mean over all batches", "[metrics]") {
  const NdArray<float> logits = test::random<float>({30, 7}, 3, -5, 5);
  NdArray<Index> labels(Shape{30});
  for (Index i = 0; i < 30; ++i) labels.data()[i] = i * 5 % 7;
  const double expected = double(eg::cross_entropy(test::Tensor<float>(logits), labels).item());
  ClassificationMetrics at_once(7);
  at_once.add(logits, labels);
  CHECK(at_once.loss() == Approx(expected).epsilon(1e-6));

  // In batches of 1, 2, 3, ...: the same bits.
  ClassificationMetrics in_batches(7);
  for (Index first = 0, n = 1; first < 30; first += n++) {
    const Index size = std::min(n, 30 - first);
    NdArray<float> part({size, 7});
    NdArray<Index> part_labels(Shape{size});
    std::copy_n(logits.data() + first * 7, size * 7, part.data());
    std::copy_n(labels.data() + first, size, part_labels.data());
    in_batches.add(part, part_labels);
  }
  CHECK(in_batches.loss() == at_once.loss());
  CHECK(in_batches.calibration_error() == at_once.calibration_error());
}

TEST_CASE("classification metrics: a loss from elsewhere counts in place of the logits'",
          "[metrics]") {
  ClassificationMetrics m(2);
  m.add(NdArray<float>({2, 2}, {3, 1, 0, 2}), NdArray<Index>({2}, {0, 0}), 1.5);
  m.add(NdArray<float>({1, 2}, {3, 1}), NdArray<Index>({1}, {0}), 0.75);
  CHECK(m.loss() == Approx((2 * 1.5 + 0.75) / 3));
  CHECK(m.accuracy() == Approx(2.0 / 3));

  // An image without a prediction is in that loss as it is in the batch's.
  m.add(NdArray<float>({1, 2}, {kNan, 1}), NdArray<Index>({1}, {0}), 2.25);
  CHECK(m.invalid() == 1);
  CHECK(m.loss() == Approx((2 * 1.5 + 0.75 + 2.25) / 4));
  CHECK_ERROR(m.add(NdArray<float>({1, 2}), NdArray<Index>({1}, {2}), 0.0), eg::ValueError,
              "[metrics] label 2 is out of range for 2 classes");
}

TEST_CASE("classification metrics: calibration error worked by hand", "[metrics]") {
  // Logits log(p) give the probabilities p. Five bins: (0.4, 0.6], (0.6, 0.8], (0.8, 1].
  const auto row = [](double p) { return float(std::log(p)); };
  ClassificationMetrics m(2, 5);
  m.add(NdArray<float>({4, 2}, {row(0.7), row(0.3), row(0.75), row(0.25), row(0.9), row(0.1),
                                row(0.55), row(0.45)}),
        NdArray<Index>({4}, {0, 1, 0, 0}));
  REQUIRE(m.bins().size() == 5);
  CHECK(m.bins()[2].images == 1);
  CHECK(m.bins()[3].images == 2);
  CHECK(m.bins()[3].accuracy() == Approx(0.5));
  CHECK(m.bins()[3].confidence() == Approx(0.725));
  CHECK(m.bins()[4].images == 1);
  // (1 |1 - 0.55| + 2 |0.5 - 0.725| + 1 |1 - 0.9|) / 4
  CHECK(m.calibration_error() == Approx(0.25));

  // A bin holds its upper end: two equal logits are 0.5 exactly, the end of the first of two bins.
  ClassificationMetrics edge(2, 2);
  edge.add(NdArray<float>({2, 2}, {1, 1, 100, 0}), NdArray<Index>({2}, {0, 0}));
  CHECK(edge.bins()[0].images == 1);
  CHECK(edge.bins()[1].images == 1);
  CHECK(edge.calibration_error() == Approx(0.25));  // right, at a confidence of 0.5; and of 1
}

TEST_CASE("classification metrics agree with scikit-learn", "[metrics]") {
  const test::Reference reference("metrics");
  const NdArray<float> logits = reference.get<float>("logits");
  const NdArray<double> recall = reference.get<double>("recall");
  const NdArray<double> precision = reference.get<double>("precision");
  ClassificationMetrics m(logits.dim(1));
  m.add(logits, reference.get<Index>("labels"));
  CHECK(m.accuracy() == Approx(reference.get<double>("top1").item()));
  CHECK(m.top(5) == Approx(reference.get<double>("top5").item()));
  CHECK(m.calibration_error() == Approx(reference.get<double>("ece").item()).epsilon(1e-5));
  CHECK_SAME(m.confusion(), reference.get<Index>("confusion"));
  for (Index c = 0; c < m.classes(); ++c) {
    CHECK(m.recall(c) == Approx(recall(c)));
    CHECK(m.precision(c) == Approx(precision(c)));
  }
}

TEST_CASE("classification metrics: what has no prediction is wrong", "[metrics]") {
  ClassificationMetrics m(2);
  m.add(NdArray<float>({5, 2}, {1, 0, kNan, 0, 0, kNan, kInfinity, 0, -kInfinity, -kInfinity}),
        NdArray<Index>({5}, {0, 0, 0, 0, 0}));
  CHECK(m.images() == 5);
  CHECK(m.invalid() == 4);
  CHECK(m.accuracy() == Approx(0.2));
  CHECK(m.top(2) == Approx(0.2));
  CHECK(m.recall(0) == Approx(0.2));
  CHECK(std::isnan(m.loss()));
  CHECK(m.calibration_error() == Approx(1 - 1 / (1 + std::exp(-1.0))));

  ClassificationMetrics none(2);
  none.add(NdArray<float>({1, 2}, {0, kNan}), NdArray<Index>({1}, {0}));
  CHECK(none.accuracy() == 0);
  CHECK(std::isnan(none.calibration_error()));

  // A probability of nothing is a prediction all the same.
  ClassificationMetrics sure(2);
  sure.add(NdArray<float>({1, 2}, {0, -kInfinity}), NdArray<Index>({1}, {0}));
  CHECK(sure.accuracy() == 1);
  CHECK(sure.loss() == 0);
}

TEST_CASE("classification metrics: empty, and errors", "[metrics]") {
  ClassificationMetrics m(3);
  m.add(NdArray<float>({0, 3}), NdArray<Index>(Shape{0}));
  CHECK(m.images() == 0);
  CHECK(m.accuracy() == 0);
  CHECK(m.loss() == 0);
  CHECK(m.calibration_error() == 0);
  CHECK_ERROR(ClassificationMetrics(0), eg::ValueError,
              "[metrics] needs at least one class and one bin: classes 0, bins 15");
  CHECK_ERROR(m.add(NdArray<float>({2, 4}), NdArray<Index>({2}, {0, 1})), eg::ShapeError,
              "[metrics] needs logits (B, 3) and labels (B): logits (2, 4), labels (2)");
  CHECK_ERROR(m.add(NdArray<float>({2, 3}), NdArray<Index>({2}, {0, 3})), eg::ValueError,
              "[metrics] label 3 is out of range for 3 classes");
  CHECK(m.images() == 0);
}
