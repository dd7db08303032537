// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/data/dataset.hpp>

namespace eigengrad::data {

/// What each channel is normalised with, (pixel / 255 - mean) / stddev. Empty means pixel / 255.
struct Normalization {
  std::vector<float> mean = {};
  std::vector<float> stddev = {};
};

namespace detail {

/// **Throws** ValueError, in the name of `op`, unless `n` suits images of `channels`.
inline void check_normalization(const char* op, const Normalization& n, Index channels) {
  using eigengrad::detail::concat;
  const auto fail = [op](const auto&... what) {
    throw ValueError(concat("[", op, "] normalization", what...));
  };
  if (n.mean.size() != n.stddev.size() ||
      (!n.mean.empty() && n.mean.size() != static_cast<std::size_t>(channels))) {
    fail(" has ", n.mean.size(), " means and ", n.stddev.size(), " deviations, the images have ",
         channels, " channels");
  }
  for (std::size_t c = 0; c < n.mean.size(); ++c) {
    if (!std::isfinite(n.mean[c])) fail(".mean must be finite: ", n.mean[c]);
    if (!(n.stddev[c] > 0) || !std::isfinite(n.stddev[c])) {
      fail(".stddev must be positive: ", n.stddev[c]);
    }
  }
}

/// The normalised values of the 256 bytes, for each channel: exact, and one load per pixel.
inline std::vector<float> normalization_table(const Normalization& n, Index channels) {
  std::vector<float> table;
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    for (int v = 0; v < 256; ++v) {
      const double x = v / 255.0;
      table.push_back(
          static_cast<float>(n.mean.empty() ? x : (x - n.mean[c]) / double(n.stddev[c])));
    }
  }
  return table;
}

}  // namespace detail

/// Images of bytes as the numbers that a model takes: one image or a batch, of the same shape.
///
/// **Shapes** images (C, H, W) or (N, C, H, W), as is the result.
/// **Throws** ShapeError for images of another rank; ValueError when `normalization` does not suit
/// their channels.
inline NdArray<float> normalize(const NdArray<std::uint8_t>& images,
                                const Normalization& normalization = {}) {
  if (images.rank() != 3 && images.rank() != 4) {
    throw ShapeError(eigengrad::detail::concat(
        "[normalize] needs images (C, H, W) or (N, C, H, W): ", images.shape()));
  }
  const Index channels = images.dim(-3);
  const Index pixels = images.dim(-2) * images.dim(-1);
  detail::check_normalization("normalize", normalization, channels);
  const std::vector<float> table = detail::normalization_table(normalization, channels);
  NdArray<float> out(images.shape());
  const Index planes = pixels > 0 ? images.numel() / pixels : 0;
  parallel_for(planes, row_grain(pixels), [&](Index begin, Index end) {
    for (Index plane = begin; plane < end; ++plane) {
      const float* const values = table.data() + plane % channels * 256;
      for (Index i = plane * pixels; i < (plane + 1) * pixels; ++i) {
        out.data()[i] = values[images.data()[i]];
      }
    }
  });
  return out;
}

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
