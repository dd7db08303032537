// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/dataset.hpp>

/// From stored bytes to the float images that a model sees: crop, flip and normalise in one pass.
///
/// Every choice is a function of (seed, epoch, index of the image), so neither the number of
/// threads nor the order of the images changes a bit of the result.
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

/// Mirroring left to right: never; by the toss of a coin for each epoch and image; or in turns,
/// from a random start for each image, so that any two epochs in a row show both sides.
///
/// **Source** for kAlternating: K. Jordan, arXiv 2404.00498.
enum class Flip { kNone, kRandom, kAlternating };

/// What stands around an image that is shifted: black, or its own mirror image without the edge.
enum class Padding { kZero, kReflect };

/// How images are changed on their way to the model. The default only normalises: for evaluation.
struct Augment {
  Normalization normalization = {};
  /// Random crop: shift by up to this many pixels in each direction.
  Index crop_padding = 0;
  Padding padding = Padding::kReflect;
  Flip flip = Flip::kNone;
  /// Your own step: changes one finished image (C, H, W) in place, with a generator of its own.
  /// Called from several threads at once.
  std::function<void(std::span<float> image, Generator& rng)> custom = {};
};

/// Applies `Augment` to one image at a time.
class ImageTransform {
 public:
  /// **Throws** ValueError for a field of `augment` that is out of range for such images.
  ImageTransform(Augment augment, Index channels, Index height, Index width, std::uint64_t seed)
      : augment_(std::move(augment)),
        channels_(channels),
        height_(height),
        width_(width),
        root_(seed) {
    check();
    // A table of the 256 bytes of each channel is exact and takes one load a pixel.
    const Normalization& n = augment_.normalization;
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
      for (int v = 0; v < 256; ++v) {
        const double x = v / 255.0;
        table_.push_back(
            static_cast<float>(n.mean.empty() ? x : (x - n.mean[c]) / double(n.stddev[c])));
      }
    }
  }

  /// Writes image `index` of the data set, whose bytes are at `image`, as it is seen in `epoch`.
  void operator()(float* out, const std::uint8_t* image, Index epoch, Index index) const {
    const auto number = static_cast<std::uint64_t>(index);
    Generator rng = root_.fork(static_cast<std::uint64_t>(epoch), number);
    const Index pad = augment_.crop_padding;
    const Index down = pad > 0 ? rng.integer(2 * pad + 1) - pad : 0;
    const Index right = pad > 0 ? rng.integer(2 * pad + 1) : 0;  // from the padded left edge
    bool flip = false;
    if (augment_.flip == Flip::kRandom) flip = rng.next() & 1;
    if (augment_.flip == Flip::kAlternating) {
      const bool start = root_.fork(~std::uint64_t{0}, number).next() & 1;
      flip = start != ((epoch & 1) == 1);
    }
    float* at = out;
    eigengrad::detail::Scratch<std::uint8_t> padded(width_ + 2 * pad);
    for (Index c = 0; c < channels_; ++c) {
      const float* table = table_.data() + c * 256;
      for (Index y = 0; y < height_; ++y, at += width_) {
        const std::uint8_t* row = image + c * height_ * width_;
        Index from = y + down;
        if (from < 0 || from >= height_) {
          if (augment_.padding == Padding::kZero) {
            std::fill_n(at, width_, table[0]);
            continue;
          }
          from = from < 0 ? -from : 2 * (height_ - 1) - from;
        }
        row += from * width_;
        if (pad > 0) {
          pad_row(padded.data(), row);
          row = padded.data() + right;
        }
        look_up(at, row, table, flip);
      }
    }
    if (augment_.custom) {
      augment_.custom(std::span<float>(out, static_cast<std::size_t>(at - out)), rng);
    }
  }

 private:
  void check() const {
    const auto fail = [](const auto&... what) {
      throw ValueError(eigengrad::detail::concat("[augment] ", what...));
    };
    const Normalization& n = augment_.normalization;
    if (n.mean.size() != n.stddev.size() ||
        (!n.mean.empty() && n.mean.size() != static_cast<std::size_t>(channels_))) {
      fail("normalization has ", n.mean.size(), " means and ", n.stddev.size(),
           " deviations, the images have ", channels_, " channels");
    }
    for (std::size_t c = 0; c < n.mean.size(); ++c) {
      if (!std::isfinite(n.mean[c])) fail("normalization.mean must be finite: ", n.mean[c]);
      if (!(n.stddev[c] > 0) || !std::isfinite(n.stddev[c])) {
        fail("normalization.stddev must be positive: ", n.stddev[c]);
      }
    }
    const Index pad = augment_.crop_padding;
    if (pad < 0) fail("crop_padding must not be negative: ", pad);
    if (pad > 0 && pad >= std::min(height_, width_)) {
      fail("crop_padding ", pad, " must be below the image's size, ", height_, " x ", width_);
    }
  }

  void pad_row(std::uint8_t* padded, const std::uint8_t* row) const {
    const Index pad = augment_.crop_padding;
    std::copy_n(row, width_, padded + pad);
    for (Index i = 1; i <= pad; ++i) {
      const bool zero = augment_.padding == Padding::kZero;
      padded[pad - i] = zero ? std::uint8_t{0} : row[i];
      padded[pad + width_ - 1 + i] = zero ? std::uint8_t{0} : row[width_ - 1 - i];
    }
  }

  void look_up(float* out, const std::uint8_t* row, const float* table, bool flip) const {
    if (flip) {
      for (Index x = 0; x < width_; ++x) out[x] = table[row[width_ - 1 - x]];
    } else {
      for (Index x = 0; x < width_; ++x) out[x] = table[row[x]];
    }
  }

  Augment augment_;
  Index channels_, height_, width_;
  Generator root_;
  std::vector<float> table_;
};

}  // namespace eigengrad::data
