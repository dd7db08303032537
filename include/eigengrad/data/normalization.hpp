// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/data/dataset.hpp>

namespace eigengrad::data {

/// What each channel is normalised with, (pixel / 255 - mean) / stddev. Empty means pixel / 255.
struct Normalization {
  std::vector<float> mean = {};
  std::vector<float> stddev = {};
};

/// Mean and standard deviation of each channel over all images, to be taken from training data.
/// A channel of one value gets stddev 1. **Throws** ValueError for an empty data set.
inline Normalization channel_statistics(const ImageDataset& dataset) {
  if (dataset.images().numel() == 0) {
    throw ValueError("[channel_statistics] the data set has no pixels");
  }
  const Index channels = dataset.channels();
  const Index pixels = dataset.height() * dataset.width();
  // Counting is exact in any order, whatever the number of threads.
  using Histogram = std::array<std::int64_t, 256>;
  std::vector<Histogram> total(static_cast<std::size_t>(channels), Histogram{});
  std::mutex mutex;
  parallel_for(dataset.size(), row_grain(channels * pixels), [&](Index begin, Index end) {
    std::vector<Histogram> counts(total.size(), Histogram{});
    for (Index i = begin; i < end; ++i) {
      const std::uint8_t* at = dataset.image(i);
      for (Histogram& histogram : counts) {
        for (Index p = 0; p < pixels; ++p) ++histogram[*at++];
      }
    }
    std::lock_guard lock(mutex);
    for (std::size_t c = 0; c < total.size(); ++c) {
      for (std::size_t v = 0; v < 256; ++v) total[c][v] += counts[c][v];
    }
  });
  Normalization out;
  const double n = static_cast<double>(dataset.size() * pixels);
  for (const Histogram& histogram : total) {
    double mean = 0;
    for (std::size_t v = 0; v < 256; ++v) {
      mean += static_cast<double>(histogram[v]) * static_cast<double>(v) / 255 / n;
    }
    double variance = 0;
    for (std::size_t v = 0; v < 256; ++v) {
      const double difference = static_cast<double>(v) / 255 - mean;
      variance += static_cast<double>(histogram[v]) * difference * difference / n;
    }
    const bool constant = std::count(histogram.begin(), histogram.end(), 0) == 255;
    out.mean.push_back(static_cast<float>(mean));
    out.stddev.push_back(constant ? 1.0f : static_cast<float>(std::sqrt(variance)));
  }
  return out;
}

}  // namespace eigengrad::data
