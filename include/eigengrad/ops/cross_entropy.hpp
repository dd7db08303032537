// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/cross_entropy.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/reduction.hpp>

/// Cross-entropy of softmax(logits) with target t: -sum_k t_k log softmax(logits)_k per row.
///
/// A target is a class (t is 1 there) or probabilities of all classes. Label smoothing e takes
/// t (1 - e) + e / K instead. In one op the gradient is simply p - t.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
namespace eigengrad {

struct CrossEntropyArguments {
  /// Share of the target that is spread evenly over all classes, in [0, 1].
  double label_smoothing = 0;
  Reduction reduction = Reduction::kMean;
};

namespace detail {

/// Losses (B) and p = softmax(x) (B, K).
template <class T>
NdArray<T> cross_entropy_forward(NdArray<T>& p, const NdArray<T>& x,
                                 kernels::ClassTargets<T> targets) {
  p = NdArray<T>(x.shape());
  NdArray<T> losses(Shape{x.rows()});
  kernels::cross_entropy(losses.data(), p.data(), x.data(), targets, x.rows(), x.cols());
  return losses;
}

/// dx (B, K) from the gradients of the losses (B).
template <class T>
NdArray<T> cross_entropy_backward(const NdArray<T>& dlosses, const NdArray<T>& p,
                                  kernels::ClassTargets<T> targets) {
  NdArray<T> dx(p.shape());
  kernels::cross_entropy_backward(dx.data(), dlosses.data(), p.data(), targets, p.rows(), p.cols());
  return dx;
}

/// One of `labels` and `probabilities` is undefined. The closure keeps copies: what it reads has
/// been checked, and the caller may refill the array before backward.
template <class T>
Tensor<T> cross_entropy_op(const Tensor<T>& logits, const NdArray<Index>& labels,
                           const NdArray<T>& probabilities,
                           const CrossEntropyArguments& arguments) {
  const double smoothing = arguments.label_smoothing;
  check_probability("cross_entropy", "label_smoothing", smoothing);
  check_mean_of("cross_entropy", "logits", logits.shape(), logits.dim(0), arguments.reduction);
  auto targets = [labels = keep_copy(labels, logits),
                  probabilities = keep_copy(probabilities, logits), smoothing] {
    return kernels::ClassTargets<T>{labels.data(), probabilities.data(), static_cast<T>(smoothing)};
  };
  NdArray<T> p;
  NdArray<T> loss =
      reduce_losses(cross_entropy_forward(p, logits.value(), targets()), arguments.reduction);
  return make_result(
      "cross_entropy", std::move(loss),
      [p, targets, reduction = arguments.reduction](BackwardContext<T>& context) {
        const NdArray<T> dlosses = unreduce_losses(context.dout(), reduction, p.rows());
        context.accumulate(0, cross_entropy_backward(dlosses, p, targets()));
      },
      logits);
}

}  // namespace detail

/// How badly `logits` predict the classes `labels`.
///
/// **Shapes** logits (B, K), labels (B), result () or, with Reduction::kNone, (B).
/// **Throws** ShapeError when the shapes do not fit or for the mean of no samples, ValueError when
/// a label is not in [0, K) or the smoothing not in [0, 1]. **Saves** softmax(logits) and a copy of
/// the labels.
template <class T>
Tensor<T> cross_entropy(const Tensor<T>& logits, const NdArray<Index>& labels,
                        const CrossEntropyArguments& arguments = {}) {
  detail::check_labels("cross_entropy", "logits", logits.shape(), labels);
  return detail::cross_entropy_op(logits, labels, NdArray<T>(), arguments);
}

/// How badly `logits` predict the distributions `probabilities`, whose rows should sum to 1.
/// No gradient goes to the probabilities.
///
/// **Shapes** logits (B, K), probabilities (B, K), result () or, with Reduction::kNone, (B).
/// **Throws** ShapeError when the shapes differ or for the mean of no samples, ValueError when the
/// smoothing is not in [0, 1].
/// **Saves** softmax(logits) and a copy of the probabilities.
template <class T>
Tensor<T> cross_entropy(const Tensor<T>& logits, const NdArray<T>& probabilities,
                        const CrossEntropyArguments& arguments = {}) {
  if (logits.rank() != 2) {
    throw ShapeError(
        detail::concat("[cross_entropy] logits must be (B, K): logits ", logits.shape()));
  }
  if (probabilities.rank() == 1) {
    throw ShapeError(
        detail::concat("[cross_entropy] classes are whole numbers, and probabilities must be (B, "
                       "K): float labels ",
                       probabilities.shape(), ", logits ", logits.shape(),
                       "; convert them, labels.astype<eigengrad::Index>()"));
  }
  if (!(probabilities.shape() == logits.shape())) {
    throw ShapeError(detail::concat("[cross_entropy] shapes must be equal: probabilities ",
                                    probabilities.shape(), ", logits ", logits.shape()));
  }
  return detail::cross_entropy_op(logits, NdArray<Index>(), probabilities, arguments);
}

/// What has labels, and in some batches probabilities instead, as a `data::Batch`.
template <class B, class T>
concept LabelledBatch = requires(const B& batch) {
  { batch.labels } -> std::convertible_to<const NdArray<Index>&>;
  { batch.targets } -> std::convertible_to<const NdArray<T>&>;
};

/// How badly `logits` predict a batch of `data::DataLoader`, mixed or not: the loss of its targets
/// where they are defined, else of its labels.
///
///     for (const auto& batch : loader.epoch(0)) {
///       const auto loss = eg::cross_entropy(model(batch.images), batch);
///
/// **Shapes**, **Throws**, **Saves** as those.
template <class T, LabelledBatch<T> B>
Tensor<T> cross_entropy(const Tensor<T>& logits, const B& batch,
                        const CrossEntropyArguments& arguments = {}) {
  return batch.targets.defined() ? cross_entropy(logits, batch.targets, arguments)
                                 : cross_entropy(logits, batch.labels, arguments);
}

/// The same for the parts of a batch.
template <class T, std::same_as<T> U>
Tensor<T> cross_entropy(const Tensor<T>& logits, const NdArray<Index>& labels,
                        const NdArray<U>& targets, const CrossEntropyArguments& arguments = {}) {
  return targets.defined() ? cross_entropy(logits, targets, arguments)
                           : cross_entropy(logits, labels, arguments);
}

EIGENGRAD_INSTANTIATE(Tensor<float> cross_entropy(const Tensor<float>&, const NdArray<Index>&,
                                                  const CrossEntropyArguments&))
EIGENGRAD_INSTANTIATE(Tensor<double> cross_entropy(const Tensor<double>&, const NdArray<Index>&,
                                                   const CrossEntropyArguments&))

}  // namespace eigengrad
