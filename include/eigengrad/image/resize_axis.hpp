// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/interpolation.hpp>

/// One axis of an image that is resized: which pixels each new one comes from.
namespace eigengrad::image {

using eigengrad::Interpolation;

struct ResizeOptions {
  Interpolation interpolation = Interpolation::kBilinear;
  /// When an image shrinks, average over all the pixels that fall together, as Pillow does;
  /// otherwise look at the nearest 2 x 2 (4 x 4) only, as `torch.nn.functional.interpolate` does.
  bool antialias = true;
};

namespace detail {

inline constexpr int kWeightBits = 22;  // a byte times the largest weight fits into 32 bits

/// a = -0.5 is Catmull and Rom's spline, which Pillow takes; PyTorch's is a = -0.75.
inline double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/// For each place of an axis, the first of its places in the source, how many follow, and their
/// weights in units of 2^-kWeightBits.
class ResizeAxis {
 public:
  ResizeAxis(Index from, Index to, const ResizeOptions& options)
      : taps_(most_taps(from, to, options)), starts_(2 * to), weights_(to * taps_) {
    if (options.interpolation == Interpolation::kNearest) {
      for (Index i = 0; i < to; ++i) set(i, (2 * i + 1) * from / (2 * to), 1) = 1 << kWeightBits;
    } else if (options.antialias) {
      average(from, to, options.interpolation);
    } else {
      sample(from, to, options.interpolation);
    }
  }

  Index start(Index i) { return starts_[2 * i]; }
  Index count(Index i) { return starts_[2 * i + 1]; }
  const std::int32_t* weights(Index i) { return weights_.data() + i * taps_; }

  /// Bytes of scratch that an axis takes.
  static Index bytes(Index from, Index to, const ResizeOptions& options) {
    return to * (2 * Index{sizeof(Index)} + 4 * most_taps(from, to, options)) + 256;
  }

 private:
  static double radius(Interpolation interpolation) {
    return interpolation == Interpolation::kBicubic ? 2 : 1;
  }
  static Index most_taps(Index from, Index to, const ResizeOptions& options) {
    if (options.interpolation == Interpolation::kNearest) return 1;
    const double scale = std::max(1.0, static_cast<double>(from) / static_cast<double>(to));
    const double reach = radius(options.interpolation) * (options.antialias ? scale : 1.0);
    return 2 * static_cast<Index>(std::ceil(reach)) + 1;
  }

  std::int32_t& set(Index i, Index start, Index count) {
    starts_[2 * i] = start;
    starts_[2 * i + 1] = count;
    return weights_[i * taps_];
  }

  /// The filter is as wide as a new pixel, and its weights sum to 1 at the edges too.
  void average(Index from, Index to, Interpolation interpolation) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double stretch = std::max(scale, 1.0);
    const double reach = radius(interpolation) * stretch;
    eigengrad::detail::Scratch<double> w(taps_);
    for (Index i = 0; i < to; ++i) {
      const double centre = (static_cast<double>(i) + 0.5) * scale;
      const Index first = std::max<Index>(static_cast<Index>(centre - reach + 0.5), 0);
      const Index end = std::min<Index>(static_cast<Index>(centre + reach + 0.5), from);
      double total = 0;
      for (Index t = 0; t < end - first; ++t) {
        const double x = (static_cast<double>(first + t) - centre + 0.5) * (1 / stretch);
        w[t] = interpolation == Interpolation::kBicubic ? cubic(x, -0.5)
                                                        : std::max(0.0, 1 - std::abs(x));
        total += w[t];
      }
      std::int32_t* out = &set(i, first, end - first);
      for (Index t = 0; t < end - first; ++t) out[t] = fixed(w[t] / total);
    }
  }

  /// Beyond the edge stands the edge's pixel: its weight is added to that one's.
  void sample(Index from, Index to, Interpolation interpolation) {
    const bool is_cubic = interpolation == Interpolation::kBicubic;
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    for (Index i = 0; i < to; ++i) {
      const double at = (static_cast<double>(i) + 0.5) * scale - 0.5;
      const auto floor = static_cast<Index>(std::floor(at));
      const Index reach = is_cubic ? 2 : 1;
      const auto inside = [from](Index j) { return std::clamp<Index>(j, 0, from - 1); };
      const Index first = inside(floor - reach + 1);
      std::int32_t* out = &set(i, first, inside(floor + reach) - first + 1);
      std::fill_n(out, taps_, 0);
      for (Index j = floor - reach + 1; j <= floor + reach; ++j) {
        const double x = static_cast<double>(j) - at;
        out[inside(j) - first] += fixed(is_cubic ? cubic(x, -0.75) : 1 - std::abs(x));
      }
    }
  }

  static std::int32_t fixed(double w) {
    return static_cast<std::int32_t>(w * (1 << kWeightBits) + (w < 0 ? -0.5 : 0.5));
  }

  Index taps_;
  eigengrad::detail::Scratch<Index> starts_;
  eigengrad::detail::Scratch<std::int32_t> weights_;
};

}  // namespace detail
}  // namespace eigengrad::image
