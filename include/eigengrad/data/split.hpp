// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/dataset.hpp>

/// Holding back a part of the training data, to choose settings without looking at the test set.
namespace eigengrad::data {

struct TrainValidation {
  ImageDataset train;
  ImageDataset validation;
};

/// A random `validation_size` of the images for validation, the others for training; each part in
/// the order of the data set. The same seed gives the same parts.
///
/// **Throws** ValueError unless 0 <= validation_size <= images.
inline TrainValidation split(const ImageDataset& dataset, Index validation_size,
                             std::uint64_t seed = 0) {
  const Index n = dataset.size();
  if (validation_size < 0 || validation_size > n) {
    throw ValueError(eigengrad::detail::concat("[split] validation_size ", validation_size,
                                               " is out of range for ", n, " images"));
  }
  NdArray<Index> order = Generator(seed).permutation(n);
  Index* middle = order.data() + validation_size;
  std::sort(order.begin(), middle);
  std::sort(middle, order.end());
  const auto part = [&](const Index* begin, const Index* end) {
    return subset(dataset, NdArray<Index>(Shape{end - begin}, std::span<const Index>(begin, end)));
  };
  return {part(middle, order.end()), part(order.begin(), middle)};
}

/// One of the ways to hold back a part of a data set: the numbers of the samples, in rising order.
struct Fold {
  NdArray<Index> train;
  NdArray<Index> validation;
};

/// `folds` ways to hold back a part of the samples, so that each sample is held back once: for
/// cross-validation. Every class of `labels` is shared out equally (stratified), to one sample.
///
///     for (const data::Fold& fold : data::k_fold(all.labels(), 5, 1)) {
///       train(data::subset(all, fold.train), data::subset(all, fold.validation));
///
/// **Shapes** labels (N). **Throws** ValueError unless 2 <= folds <= N.
/// **Source** scikit-learn's StratifiedKFold.
inline std::vector<Fold> k_fold(const NdArray<Index>& labels, Index folds, std::uint64_t seed = 0) {
  const Index n = labels.numel();
  if (folds < 2 || folds > n) {
    throw ValueError(eigengrad::detail::concat("[k_fold] folds must be from 2 to the number of ",
                                               "samples, ", n, ": ", folds));
  }
  NdArray<Index> order = Generator(seed).permutation(n);
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return labels.data()[a] < labels.data()[b]; });
  std::vector<Fold> out;
  for (Index fold = 0; fold < folds; ++fold) {
    std::vector<Index> train, validation;
    for (Index i = 0; i < n; ++i) {
      (i % folds == fold ? validation : train).push_back(order.data()[i]);
    }
    const auto array = [](std::vector<Index>& part) {
      std::sort(part.begin(), part.end());
      return NdArray<Index>(Shape{static_cast<Index>(part.size())}, std::span<const Index>(part));
    };
    out.push_back({array(train), array(validation)});
  }
  return out;
}

/// The same for samples without labels.
inline std::vector<Fold> k_fold(Index samples, Index folds, std::uint64_t seed = 0) {
  return k_fold(NdArray<Index>::zeros({std::max<Index>(samples, 0)}), folds, seed);
}

}  // namespace eigengrad::data
