// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/dataset.hpp>

/// Holding back a part of the training images, to choose settings without looking at the test set.
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

}  // namespace eigengrad::data
