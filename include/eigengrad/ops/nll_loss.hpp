// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/class_labels.hpp>
#include <eigengrad/ops/reduction.hpp>

/// Negative log-likelihood: -x_k for the class k of each row, where x are log-probabilities.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
namespace eigengrad {

struct NllLossArguments {
  Reduction reduction = Reduction::kMean;
  /// How much each class counts: K numbers, not negative; none means 1 each. The mean is over the
  /// weights of the labels.
  std::vector<double> weight = {};
  /// A label of this value does not count, nor is it counted by the mean.
  Index ignore_index = -100;
};

namespace detail {

/// The places of the scores of the labels in x (B, K, ...): f(number of the label, label, place).
template <class F>
void for_each_label(const NdArray<Index>& labels, const Shape& x, F f) {
  const Index inner = numel_between(x, 2, x.rank());
  for (Index i = 0; i < labels.numel(); ++i) {
    const Index label = labels.data()[i];
    if (label >= 0) f(i, label, (i / inner * x[1] + label) * inner + i % inner);
  }
}

/// Losses (B, ...) from x (B, K, ...); weight (K) may be undefined.
template <class T>
NdArray<T> nll_loss_forward(const NdArray<T>& x, const NdArray<Index>& labels,
                            const NdArray<T>& weight) {
  NdArray<T> losses = NdArray<T>::zeros(labels.shape());
  for_each_label(labels, x.shape(), [&](Index i, Index label, Index at) {
    losses.data()[i] = -x.data()[at] * (weight.defined() ? weight.data()[label] : T(1));
  });
  return losses;
}

/// dx (B, K, ...) from the gradients of the losses (B, ...).
template <class T>
NdArray<T> nll_loss_backward(const NdArray<T>& dlosses, const NdArray<Index>& labels,
                             const NdArray<T>& weight, const Shape& shape) {
  NdArray<T> dx = NdArray<T>::zeros(shape);
  for_each_label(labels, shape, [&](Index i, Index label, Index at) {
    dx.data()[at] = -dlosses.data()[i] * (weight.defined() ? weight.data()[label] : T(1));
  });
  return dx;
}

}  // namespace detail

/// How badly `log_probabilities` predict the classes `labels`.
///
/// **Shapes** log_probabilities (B, K, ...), labels (B, ...), result () or, with Reduction::kNone,
/// (B, ...).
/// **Throws** ShapeError when the shapes do not fit or for the mean of no samples, ValueError when
/// a label is neither in [0, K) nor `ignore_index`, a weight is negative, or no label counts in a
/// mean.
/// **Saves** a copy of the labels.
template <class T>
Tensor<T> nll_loss(const Tensor<T>& log_probabilities, const NdArray<Index>& labels,
                   const NllLossArguments& arguments = {}) {
  const Shape shape = log_probabilities.shape();
  const Reduction reduction = arguments.reduction;
  detail::check_labels("nll_loss", "log_probabilities", shape, labels, arguments.ignore_index);
  detail::check_mean_of("nll_loss", "log_probabilities", shape, labels.numel(), reduction);
  const NdArray<T> weight = detail::class_weights<T>("nll_loss", arguments.weight, shape);
  const NdArray<Index> own =
      detail::mark_ignored(detail::keep_copy(labels, log_probabilities), arguments.ignore_index);
  const double total = detail::total_weight("nll_loss", own, weight, reduction);
  const NdArray<T> losses = detail::nll_loss_forward(log_probabilities.value(), own, weight);
  return make_result(
      "nll_loss", detail::reduce_losses(losses, reduction, total),
      [own, weight, shape, reduction, total](BackwardContext<T>& context) {
        const NdArray<T> dlosses =
            detail::unreduce_losses(context.dout(), reduction, own.numel(), total);
        context.accumulate(0, detail::nll_loss_backward(dlosses, own, weight, shape));
      },
      log_probabilities);
}

}  // namespace eigengrad
