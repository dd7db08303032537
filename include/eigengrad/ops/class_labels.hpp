// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/reduction.hpp>

/// What the losses of class labels share: scores x (B, K, ...) with labels (B, ...), one of which
/// may mean "none", and a weight for each class.
namespace eigengrad::detail {

/// (B, K, ...) to (B, ..., K): the permutation that puts the classes last.
inline Shape classes_last(Index rank) {
  Shape axes{0};
  for (Index axis = 2; axis < rank; ++axis) axes.push_back(axis);
  axes.push_back(1);
  return axes;
}

/// x without the axis of the classes: the shape of labels and losses.
inline Shape without_classes(const Shape& x) {
  Shape out{x[0]};
  for (Index axis = 2; axis < x.rank(); ++axis) out.push_back(x[axis]);
  return out;
}

/// **Throws** unless `x` is (B, K, ...).
inline void check_classes(const char* op, const char* name, const Shape& x) {
  if (x.rank() >= 2) return;
  throw ShapeError(concat("[", op, "] ", name, " must be (B, K) or (B, K, ...): ", name, " ", x));
}

[[noreturn]] inline void throw_bad_label(const char* op, const NdArray<Index>& labels, Index at,
                                         Index classes) {
  const Shape position = position_of(at, labels.shape());
  const std::string place =
      position.rank() == 1 ? concat("in row ", position[0]) : "at " + position.str();
  throw ValueError(concat("[", op, "] label ", labels.data()[at], " ", place,
                          " is out of range for ", classes, classes == 1 ? " class" : " classes"));
}

/// **Throws** unless `x` is (B, K, ...) and there are labels (B, ...), each `ignored` or in [0, K).
inline void check_labels(const char* op, const char* name, const Shape& x,
                         const NdArray<Index>& labels, Index ignored) {
  check_classes(op, name, x);
  if (!(labels.shape() == without_classes(x))) {
    const char* rule =
        x.rank() == 2 ? "needs one label per row" : "needs one label per vector of classes";
    throw ShapeError(concat("[", op, "] ", rule, ": labels ", labels.shape(), ", ", name, " ", x));
  }
  for (Index i = 0; i < labels.numel(); ++i) {
    const Index label = labels.data()[i];
    if ((label < 0 || label >= x[1]) && label != ignored) throw_bad_label(op, labels, i, x[1]);
  }
}

/// The weights (K) as an array, undefined if there are none. **Throws** ShapeError unless there is
/// one for each class, ValueError if one is negative or NaN.
template <class T>
NdArray<T> class_weights(const char* op, const std::vector<double>& weight, const Shape& x) {
  if (weight.empty()) return {};
  if (static_cast<Index>(weight.size()) != x[1]) {
    throw ShapeError(concat("[", op, "] weight must have one number per class: ", weight.size(),
                            " of them, ", x[1], x[1] == 1 ? " class" : " classes"));
  }
  NdArray<T> out(Shape{x[1]});
  for (Index k = 0; k < x[1]; ++k) {
    const double w = weight[static_cast<std::size_t>(k)];
    if (!(w >= 0)) {
      throw ValueError(concat("[", op, "] weight must not be negative: ", w, " of class ", k));
    }
    out.data()[k] = static_cast<T>(w);
  }
  return out;
}

/// The labels for the kernels: an ignored one is negative. Shared if there is nothing to change.
inline NdArray<Index> mark_ignored(const NdArray<Index>& labels, Index ignored) {
  if (ignored < 0) return labels;  // what is in range is not negative
  NdArray<Index> out = labels.clone();
  for (Index& label : out) label = label == ignored ? -1 : label;
  return out;
}

/// What the sum of the losses is divided by: the weights of the labels that count.
/// **Throws** ValueError for the mean if nothing counts, which would be 0 / 0.
template <class T>
double total_weight(const char* op, const NdArray<Index>& labels, const NdArray<T>& weight,
                    Reduction reduction) {
  double total = 0;
  for (const Index label : labels) {
    if (label >= 0) total += weight.defined() ? static_cast<double>(weight.data()[label]) : 1;
  }
  if (reduction == Reduction::kMean && !(total > 0)) {
    throw ValueError(concat("[", op, "] the mean of no losses is not a number: every label is ",
                            "ignored or of weight 0; leave the batch out or take Reduction::kSum"));
  }
  return total;
}

}  // namespace eigengrad::detail
