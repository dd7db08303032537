// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>

/// What the losses share: how the losses of the samples become one.
namespace eigengrad {

/// kNone keeps the losses apart, kMean divides their sum by their number.
enum class Reduction { kNone, kMean, kSum };

namespace detail {

/// **Throws** ShapeError for the mean of no losses, which is no number: an empty batch is a mistake
/// that would otherwise show many steps later, as NaN in the weights.
inline void check_mean_of(const char* op, const char* name, const Shape& x, Index losses,
                          Reduction reduction) {
  if (losses > 0 || reduction != Reduction::kMean) return;
  throw ShapeError(concat("[", op, "] the mean of no losses is not a number: ", name, " ", x,
                          "; leave out empty batches or take Reduction::kSum"));
}

/// The losses, their sum, or that over `total`, their number or weight; added in order.
template <class T>
NdArray<T> reduce_losses(const NdArray<T>& losses, Reduction reduction, double total) {
  if (reduction == Reduction::kNone) return losses;
  double sum = 0;
  for (T loss : losses) sum += static_cast<double>(loss);
  if (reduction == Reduction::kMean) sum /= total;
  return NdArray<T>::scalar(static_cast<T>(sum));
}

/// The gradient of each of `count` losses, given that of their reduction.
template <class T>
NdArray<T> unreduce_losses(const NdArray<T>& dout, Reduction reduction, Index count, double total) {
  if (reduction == Reduction::kNone) return dout;
  const T scale = reduction == Reduction::kMean ? T(1) / static_cast<T>(total) : T(1);
  return NdArray<T>::full(Shape{count}, dout.item() * scale);
}

}  // namespace detail
}  // namespace eigengrad
