// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>

/// A user's own arrays as a data set.
namespace eigengrad::data {

namespace detail {

/// The samples at `indices` of `array` (N, ...), copied. **Throws** ValueError for an index
/// outside.
template <class T>
NdArray<T> take(const NdArray<T>& array, const NdArray<Index>& indices) {
  Shape shape = array.shape();
  const Index samples = shape[0];
  shape[0] = indices.numel();
  NdArray<T> out(shape);
  const Index size = samples > 0 ? array.numel() / samples : 0;
  for (Index i = 0; i < indices.numel(); ++i) {
    const Index from = indices.data()[i];
    if (from < 0 || from >= samples) {
      throw ValueError(eigengrad::detail::concat("[array_dataset] index ", from,
                                                 " is out of range for ", samples, " samples"));
    }
    std::copy_n(array.data() + from * size, size, out.data() + i * size);
  }
  return out;
}

}  // namespace detail

/// Inputs (N, ...) of any shape, and for each a target: a class (N) or numbers (N, ...).
///
///     const data::ArrayDataset samples(features, labels);   // NdArray<float>, NdArray<Index>
///     const data::BatchLoader loader(samples, {.batch_size = 32, .shuffle = true});
///     for (const auto& [inputs, targets] : loader.epoch(0)) {
///       const auto loss = cross_entropy(model(inputs), targets);
template <class Target = Index>
class ArrayDataset {
 public:
  struct Batch {
    Tensor<float> inputs;     ///< (B, ...)
    NdArray<Target> targets;  ///< (B, ...)
  };

  /// **Throws** ShapeError unless both have the same first axis.
  ArrayDataset(NdArray<float> inputs, NdArray<Target> targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)) {
    if (inputs_.rank() < 1 || targets_.rank() < 1 || inputs_.dim(0) != targets_.dim(0)) {
      throw ShapeError(
          eigengrad::detail::concat("[array_dataset] needs one target for each input: inputs ",
                                    inputs_.shape(), ", targets ", targets_.shape()));
    }
  }

  /// Number of samples.
  Index size() const { return inputs_.dim(0); }
  const NdArray<float>& inputs() const { return inputs_; }
  const NdArray<Target>& targets() const { return targets_; }

  /// The samples at `indices`, in that order, copied. **Throws** ValueError for an index outside.
  Batch batch(const NdArray<Index>& indices) const {
    return {Tensor<float>(detail::take(inputs_, indices)), detail::take(targets_, indices)};
  }

 private:
  NdArray<float> inputs_;
  NdArray<Target> targets_;
};

/// The samples at `indices`, in that order, copied. **Throws** ValueError for an index outside.
template <class Target>
ArrayDataset<Target> subset(const ArrayDataset<Target>& dataset, const NdArray<Index>& indices) {
  return {detail::take(dataset.inputs(), indices), detail::take(dataset.targets(), indices)};
}

}  // namespace eigengrad::data
