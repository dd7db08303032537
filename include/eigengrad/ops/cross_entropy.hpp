// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/cross_entropy.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/class_labels.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reduction.hpp>

/// Cross-entropy of softmax(logits) with target t: -sum_k t_k log softmax(logits)_k per row.
///
/// A target is a class (t is 1 there) or probabilities of all classes. Label smoothing e takes
/// t (1 - e) + e / K instead, and class weights w_k t_k instead of t_k. In one op the gradient is
/// simply p - t.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
namespace eigengrad {

struct CrossEntropyArguments {
  /// Share of the target that is spread evenly over all classes, in [0, 1].
  double label_smoothing = 0;
  Reduction reduction = Reduction::kMean;
  /// How much each class counts: K numbers, not negative; none means 1 each. With labels the mean
  /// is over their weights, with probabilities over the rows.
  std::vector<double> weight = {};
  /// A label of this value does not count, nor is it counted by the mean. Probabilities all do.
  Index ignore_index = -100;
};

namespace detail {

/// Losses (B, ...) and p = softmax(x) (B, ..., K), from x with the classes last.
template <class T>
NdArray<T> cross_entropy_forward(NdArray<T>& p, const NdArray<T>& x,
                                 kernels::ClassTargets<T> targets) {
  p = NdArray<T>(x.shape());
  NdArray<T> losses(Shape(x.shape().begin(), x.shape().end() - 1));
  kernels::cross_entropy(losses.data(), p.data(), x.data(), targets, x.rows(), x.cols());
  return losses;
}

/// dx (B, ..., K) from the gradients of the losses (B, ...).
template <class T>
NdArray<T> cross_entropy_backward(const NdArray<T>& dlosses, const NdArray<T>& p,
                                  kernels::ClassTargets<T> targets) {
  NdArray<T> dx(p.shape());
  kernels::cross_entropy_backward(dx.data(), dlosses.data(), p.data(), targets, p.rows(), p.cols());
  return dx;
}

/// What logits are compared with: `labels` (B, ...) with weights (K) or none, or `probabilities`
/// (B, ..., K). The others are undefined.
template <class T>
struct CrossEntropyTargets {
  NdArray<Index> labels;
  NdArray<T> weight;
  NdArray<T> probabilities;
  double smoothing;
  double total;  ///< what the sum of the losses is divided by

  kernels::ClassTargets<T> view() const {
    return {labels.data(), probabilities.data(), static_cast<T>(smoothing), weight.data()};
  }
};

/// `targets` are arrays of the op's own: what it reads has been checked, and the caller may refill
/// the given ones before backward.
template <class T>
Tensor<T> cross_entropy_op(const Tensor<T>& logits, const CrossEntropyTargets<T>& targets,
                           Reduction reduction) {
  const Shape axes = classes_last(logits.rank());
  NdArray<T> p;
  const NdArray<T> losses =
      cross_entropy_forward(p, permute_forward(logits.value(), axes), targets.view());
  return make_result(
      "cross_entropy", reduce_losses(losses, reduction, targets.total),
      [p, targets, axes, reduction](BackwardContext<T>& context) {
        const NdArray<T> dlosses =
            unreduce_losses(context.dout(), reduction, p.rows(), targets.total);
        const NdArray<T> dx = cross_entropy_backward(dlosses, p, targets.view());
        context.accumulate(0, permute_backward(dx, axes));
      },
      logits);
}

/// The probabilities with the classes last, and what smoothing and weights make of them.
template <class T>
CrossEntropyTargets<T> probability_targets(const Tensor<T>& logits, const NdArray<T>& given,
                                           const NdArray<T>& weight, double smoothing) {
  const NdArray<T> own = permute_forward(given, classes_last(logits.rank()));
  const double total = static_cast<double>(own.rows());
  if (!weight.defined()) return {{}, {}, keep_copy(own, logits), smoothing, total};
  NdArray<T> weighted(own.shape());
  const T keep = static_cast<T>(1 - smoothing);
  const T uniform = static_cast<T>(smoothing / static_cast<double>(own.cols()));
  weighted.matrix() =
      ((own.matrix().array() * keep + uniform).rowwise() * weight.array().transpose()).matrix();
  return {{}, {}, weighted, 0, total};
}

}  // namespace detail

/// How badly `logits` predict the classes `labels`.
///
/// **Shapes** logits (B, K, ...), labels (B, ...), result () or, with Reduction::kNone, (B, ...).
/// **Throws** ShapeError when the shapes do not fit or for the mean of no samples, ValueError when
/// a label is neither in [0, K) nor `ignore_index`, a weight is negative, the smoothing is not in
/// [0, 1], or no label counts in a mean.
/// **Saves** softmax(logits) and a copy of the labels.
template <class T>
Tensor<T> cross_entropy(const Tensor<T>& logits, const NdArray<Index>& labels,
                        const CrossEntropyArguments& arguments = {}) {
  const char* const op = "cross_entropy";
  const Index ignored = arguments.ignore_index;
  detail::check_labels(op, "logits", logits.shape(), labels, ignored);
  detail::check_probability(op, "label_smoothing", arguments.label_smoothing);
  detail::check_mean_of(op, "logits", logits.shape(), labels.numel(), arguments.reduction);
  const NdArray<T> weight = detail::class_weights<T>(op, arguments.weight, logits.shape());
  const NdArray<Index> own = detail::mark_ignored(detail::keep_copy(labels, logits), ignored);
  const double total = detail::total_weight(op, own, weight, arguments.reduction);
  return detail::cross_entropy_op<T>(logits, {own, weight, {}, arguments.label_smoothing, total},
                                     arguments.reduction);
}

/// How badly `logits` predict the distributions `probabilities`, whose sum over the classes should
/// be 1. No gradient goes to the probabilities.
///
/// **Shapes** logits (B, K, ...), probabilities (B, K, ...), result () or, with Reduction::kNone,
/// (B, ...).
/// **Throws** ShapeError when the shapes differ or for the mean of no samples, ValueError when a
/// weight is negative or the smoothing not in [0, 1].
/// **Saves** softmax(logits) and a copy of the probabilities.
template <class T>
Tensor<T> cross_entropy(const Tensor<T>& logits, const NdArray<T>& probabilities,
                        const CrossEntropyArguments& arguments = {}) {
  const char* const op = "cross_entropy";
  const Shape& x = logits.shape();
  detail::check_classes(op, "logits", x);
  if (probabilities.shape() == detail::without_classes(x)) {
    throw ShapeError(
        detail::concat("[cross_entropy] classes are whole numbers, and probabilities must be (B, "
                       "K): float labels ",
                       probabilities.shape(), ", logits ", x,
                       "; convert them, labels.astype<eigengrad::Index>()"));
  }
  if (!(probabilities.shape() == x)) {
    throw ShapeError(detail::concat("[cross_entropy] shapes must be equal: probabilities ",
                                    probabilities.shape(), ", logits ", x));
  }
  detail::check_probability(op, "label_smoothing", arguments.label_smoothing);
  detail::check_mean_of(op, "logits", x, detail::without_classes(x).numel(), arguments.reduction);
  const NdArray<T> weight = detail::class_weights<T>(op, arguments.weight, x);
  return detail::cross_entropy_op(
      logits, detail::probability_targets(logits, probabilities, weight, arguments.label_smoothing),
      arguments.reduction);
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
