// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>

/// Counting what a classifier gets right on labelled data, and how well it knows.
namespace eigengrad::data {

/// What a stream of logits and labels says about a classifier. Shares are in [0, 1]; what is named
/// percent is 100 times that.
///
/// The predicted class is the one with the largest logit, of equal ones the first. An image with a
/// NaN among its logits (or an infinite largest one) has no prediction and counts as wrong in every
/// accuracy; `invalid()` says how many these are.
class ClassificationMetrics {
 public:
  /// Images whose confidence, the largest probability, lies in one interval.
  struct Bin {
    Index images = 0;
    double confidence_sum = 0;
    Index correct = 0;

    double confidence() const { return images ? confidence_sum / double(images) : 0; }
    double accuracy() const { return images ? double(correct) / double(images) : 0; }
  };

  /// **Throws** ValueError unless there is a class and a bin.
  explicit ClassificationMetrics(Index classes, Index bins = 15)
      : confusion_({check(classes, bins), classes}),
        ranks_(static_cast<std::size_t>(classes + 1)),
        class_images_(static_cast<std::size_t>(classes)),
        bins_(static_cast<std::size_t>(bins)) {
    confusion_.fill(0);
  }

  /// Adds a batch of logits (B, K) and labels (B). How images are cut into batches changes nothing.
  /// **Throws** ShapeError when they do not fit; ValueError for a label out of range.
  void add(const NdArray<float>& logits, const NdArray<Index>& labels) {
    check_batch(logits, labels);
    for (Index i = 0; i < labels.numel(); ++i) loss_sum_ += add_image(logits, labels, i);
  }

  /// The same with a loss that was computed elsewhere, as training's is, from mixed or smoothed
  /// labels: `mean_loss`, the batch's mean, counts in place of the cross-entropy of the logits.
  void add(const NdArray<float>& logits, const NdArray<Index>& labels, double mean_loss) {
    check_batch(logits, labels);
    for (Index i = 0; i < labels.numel(); ++i) add_image(logits, labels, i);
    loss_sum_ += mean_loss * double(labels.numel());
  }

  Index classes() const { return confusion_.dim(0); }
  Index images() const { return images_; }
  /// Images without a prediction.
  Index invalid() const { return ranks_.back(); }

  /// Mean of -log of the right class's probability; NaN when an image has no prediction.
  /// Batches that came with a loss count with that one.
  double loss() const { return images_ ? loss_sum_ / double(images_) : 0; }
  double accuracy() const { return top(1); }
  /// Share of the images whose class is among the k with the largest logits.
  double top(Index k) const { return share(correct(k), images_); }
  double accuracy_percent() const { return top_percent(1); }
  double top_percent(Index k) const {
    return images_ ? 100.0 * double(correct(k)) / double(images_) : 0;
  }
  /// Images whose class is among the k with the largest logits.
  Index correct(Index k) const {
    Index count = 0;
    for (Index r = 0; r < std::min(k, classes()); ++r) count += ranks_[static_cast<std::size_t>(r)];
    return count;
  }

  /// Images by (class, predicted class), (K, K). Rows lack what has no prediction.
  const NdArray<Index>& confusion() const { return confusion_; }
  /// Images of a class.
  Index images(Index c) const { return class_images_[static_cast<std::size_t>(c)]; }
  /// Share of a class's images that are recognised; 0 when it has none.
  double recall(Index c) const { return share(std::as_const(confusion_)(c, c), images(c)); }
  /// Share of what is taken for a class that belongs to it; 0 when nothing is.
  double precision(Index c) const {
    Index taken = 0;
    for (Index r = 0; r < classes(); ++r) taken += std::as_const(confusion_)(r, c);
    return share(std::as_const(confusion_)(c, c), taken);
  }

  /// Equal intervals of (0, 1], each with its upper end: bin m of M is ((m - 1) / M, m / M].
  const std::vector<Bin>& bins() const { return bins_; }

  /// Expected calibration error: the mean, over images with a prediction, of the distance between
  /// the accuracy and the mean confidence of an image's bin; NaN when none has one.
  ///
  /// **Source** C. Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599, eq. 3
  double calibration_error() const {
    double sum = 0;
    for (const Bin& bin : bins_) {
      sum += std::abs(double(bin.correct) - bin.confidence_sum);
    }
    if (images_ == 0) return 0;
    return images_ > invalid() ? sum / double(images_ - invalid()) : std::nan("");
  }

 private:
  static Index check(Index classes, Index bins) {
    if (classes < 1 || bins < 1) {
      throw ValueError(eigengrad::detail::concat(
          "[metrics] needs at least one class and one bin: classes ", classes, ", bins ", bins));
    }
    return classes;
  }
  void check_batch(const NdArray<float>& logits, const NdArray<Index>& labels) const {
    using eigengrad::detail::concat;
    if (logits.rank() != 2 || logits.dim(1) != classes() ||
        !(labels.shape() == Shape{logits.dim(0)})) {
      throw ShapeError(concat("[metrics] needs logits (B, ", classes(), ") and labels (B): logits ",
                              logits.shape(), ", labels ", labels.shape()));
    }
    for (const Index label : labels) {
      if (label < 0 || label >= classes()) {
        throw ValueError(
            concat("[metrics] label ", label, " is out of range for ", classes(), " classes"));
      }
    }
  }
  static double share(Index part, Index all) { return all ? double(part) / double(all) : 0; }

  /// Counts image `i` of a batch. **Returns** its loss.
  double add_image(const NdArray<float>& logits, const NdArray<Index>& labels, Index i) {
    const float* row = logits.data() + i * classes();
    const Index label = labels.data()[i];
    ++images_;
    ++class_images_[static_cast<std::size_t>(label)];
    Index predicted = 0;
    Index rank = 0;  // classes that stand before the right one
    bool valid = true;
    for (Index k = 0; k < classes(); ++k) {
      valid = valid && row[k] == row[k];
      if (row[k] > row[predicted]) predicted = k;
      rank += row[k] > row[label] || (row[k] == row[label] && k < label);
    }
    if (!valid || !std::isfinite(row[predicted])) {
      ++ranks_.back();
      return std::nan("");
    }
    ++ranks_[static_cast<std::size_t>(rank)];
    ++confusion_(label, predicted);
    double sum = 0;
    for (Index k = 0; k < classes(); ++k) {
      sum += std::exp(double(row[k]) - double(row[predicted]));
    }
    const double confidence = 1 / sum;
    const double count = double(bins_.size());
    const double bin = std::clamp(std::ceil(confidence * count) - 1, 0.0, count - 1);
    Bin& b = bins_[static_cast<std::size_t>(bin)];
    ++b.images;
    b.confidence_sum += confidence;
    b.correct += predicted == label;
    return std::log(sum) + double(row[predicted]) - double(row[label]);
  }

  NdArray<Index> confusion_;
  std::vector<Index> ranks_;  // images by the place of the right class; the last have no prediction
  std::vector<Index> class_images_;
  std::vector<Bin> bins_;
  Index images_ = 0;
  double loss_sum_ = 0;
};

}  // namespace eigengrad::data
