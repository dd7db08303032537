// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/ndarray.hpp>

/// What the losses share: how the losses of the samples become one, and the check of labels.
namespace eigengrad {

/// kNone keeps the losses apart, kMean divides their sum by their number.
enum class Reduction { kNone, kMean, kSum };

namespace detail {

/// The losses, their sum or their mean, added in order.
template <class T>
NdArray<T> reduce_losses(const NdArray<T>& losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return losses;
  double sum = 0;
  for (T loss : losses) sum += static_cast<double>(loss);
  if (reduction == Reduction::kMean) sum /= static_cast<double>(losses.numel());
  return NdArray<T>::scalar(static_cast<T>(sum));
}

/// The gradient of each of `count` losses, given that of their reduction.
template <class T>
NdArray<T> unreduce_losses(const NdArray<T>& dout, Reduction reduction, Index count) {
  if (reduction == Reduction::kNone) return dout;
  const T scale = reduction == Reduction::kMean ? T(1) / static_cast<T>(count) : T(1);
  return NdArray<T>::full(Shape{count}, dout.item() * scale);
}

/// `x` is (B, K) and there are B labels in [0, K).
inline void check_labels(const char* op, const char* name, const Shape& x,
                         const NdArray<Index>& labels) {
  if (x.rank() != 2)
    throw ShapeError(concat("[", op, "] ", name, " must be (B, K): ", name, " ", x));
  if (!(labels.shape() == Shape{x[0]})) {
    throw ShapeError(
        concat("[", op, "] needs one label per row: labels ", labels.shape(), ", ", name, " ", x));
  }
  for (Index row = 0; row < labels.numel(); ++row) {
    const Index label = labels.data()[row];
    if (label < 0 || label >= x[1]) {
      throw ValueError(concat("[", op, "] label ", label, " in row ", row, " is out of range for ",
                              x[1], x[1] == 1 ? " class" : " classes"));
    }
  }
}

}  // namespace detail
}  // namespace eigengrad
