// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/reduction.hpp>

/// Negative log-likelihood: -x_k for each row's class k, where x are log-probabilities.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
namespace eigengrad {

struct NllLossArguments {
  Reduction reduction = Reduction::kMean;
};

namespace detail {

/// Losses (B) from x (B, K).
template <class T>
NdArray<T> nll_loss_forward(const NdArray<T>& x, const NdArray<Index>& labels) {
  NdArray<T> losses(labels.shape());
  for (Index row = 0; row < labels.numel(); ++row) {
    losses.data()[row] = -x.data()[row * x.cols() + labels.data()[row]];
  }
  return losses;
}

/// dx (B, K) from the gradients of the losses (B).
template <class T>
NdArray<T> nll_loss_backward(const NdArray<T>& dlosses, const NdArray<Index>& labels,
                             const Shape& shape) {
  NdArray<T> dx = NdArray<T>::zeros(shape);
  for (Index row = 0; row < labels.numel(); ++row) {
    dx.data()[row * shape[1] + labels.data()[row]] = -dlosses.data()[row];
  }
  return dx;
}

}  // namespace detail

/// How badly `log_probabilities` predict the classes `labels`.
///
/// **Shapes** log_probabilities (B, K), labels (B), result () or, with Reduction::kNone, (B).
/// **Throws** ShapeError when the shapes do not fit or for the mean of no samples, ValueError when
/// a label is not in [0, K).
/// **Saves** a copy of the labels.
template <class T>
Tensor<T> nll_loss(const Tensor<T>& log_probabilities, const NdArray<Index>& labels,
                   const NllLossArguments& arguments = {}) {
  const Shape shape = log_probabilities.shape();
  detail::check_labels("nll_loss", "log_probabilities", shape, labels);
  detail::check_mean_of("nll_loss", "log_probabilities", shape, shape[0], arguments.reduction);
  const NdArray<Index> own = detail::keep_copy(labels, log_probabilities);
  return make_result(
      "nll_loss",
      detail::reduce_losses(detail::nll_loss_forward(log_probabilities.value(), own),
                            arguments.reduction),
      [own, shape, reduction = arguments.reduction](BackwardContext<T>& context) {
        const NdArray<T> dlosses = detail::unreduce_losses(context.dout(), reduction, own.numel());
        context.accumulate(0, detail::nll_loss_backward(dlosses, own, shape));
      },
      log_probabilities);
}

}  // namespace eigengrad
