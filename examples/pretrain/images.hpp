// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <examples/pretrain/settings.hpp>

/// The images of a run, as numbers and as pictures.
namespace pretrain {

using Images = eg::Tensor<float>;  ///< (B, 3, H, W)

/// The same for all channels, so that grey pixels stay grey.
inline constexpr float kMean = 0.5f;
inline constexpr float kDeviation = 0.25f;
inline eg::data::Normalization normalization() {
  return {.mean = {kMean, kMean, kMean}, .stddev = {kDeviation, kDeviation, kDeviation}};
}

/// The training images without a tenth of them, at most 5000, that validates; of the others only
/// the first `limit`, unless that is 0. Test images stay unread.
///
/// **Throws** UsageError without a folder; IoError when it holds no such images.
inline eg::data::TrainValidation load_images(const std::string& folder, std::uint64_t seed,
                                             Index limit) {
  if (folder.empty()) {
    throw cli::UsageError("--data DIR is required: the folder that holds cifar-10-batches-bin");
  }
  const auto all = eg::data::load_cifar10(folder, eg::data::CifarPart::kTrain);
  auto parts = eg::data::split(all, std::min<Index>(all.size() / 10, 5000), seed);
  if (parts.validation.size() == 0) {
    throw cli::UsageError("--data " + folder + " has too few images: " +
                          std::to_string(all.size()) + ", at least 10 are needed");
  }
  if (limit > 0 && limit < parts.train.size()) {
    parts.train = eg::data::subset(parts.train, eg::NdArray<Index>::arange(limit));
  }
  return parts;
}

/// Every image once, in order and unchanged.
inline eg::data::DataLoader measuring_loader(const eg::data::ImageDataset& images) {
  return eg::data::DataLoader(images,
                              {.batch_size = 250, .augment = {.normalization = normalization()}});
}

/// The luminance of each pixel, three times. **Shapes** as the images.
/// **Source** ITU-R BT.601
inline Images to_grey(const Images& images) {
  static const Images weights(eg::NdArray<float>({1, 3, 1, 1}, {0.299f, 0.587f, 0.114f}));
  return eg::expand(eg::sum(images * weights, {1}, true), images.shape());
}

/// Images as pictures: the normalisation undone, and what is out of range cut off.
inline eg::NdArray<std::uint8_t> to_bytes(const Images& images) {
  eg::NdArray<std::uint8_t> out(images.shape());
  for (Index i = 0; i < out.numel(); ++i) {
    const float level = 255 * (images.value().data()[i] * kDeviation + kMean);
    out.data()[i] = static_cast<std::uint8_t>(std::clamp(std::lround(level), 0L, 255L));
  }
  return out;
}

}  // namespace pretrain
