// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/random.hpp>

/// MixUp and CutMix: the images of a batch two by two, and their labels with them.
namespace eigengrad::data {

/// Which batches are mixed, and how. The default mixes none.
///
/// The share lambda of an image itself is drawn once per batch from Beta(alpha, alpha).
/// **Source** H. Zhang et al., arXiv 1710.09412 (MixUp); S. Yun et al., arXiv 1905.04899 (CutMix);
/// the names of the options are timm's.
struct MixOptions {
  /// MixUp, lambda x + (1 - lambda) x': the alpha of its lambda; 0 is off. Usual are 0.1 to 1.
  double mixup_alpha = 0;
  /// CutMix, a rectangle of x' in x, of about (1 - lambda) of the area; 0 is off. Usual is 1.
  double cutmix_alpha = 0;
  /// Share of the batches that are mixed, in [0, 1].
  double probability = 1;
  /// When both are on, the share of CutMix, in [0, 1].
  double switch_probability = 0.5;
  /// From this epoch (counted from 0) on nothing is mixed; negative: never. The last epochs are
  /// better spent on whole images.
  Index off_epoch = -1;

  bool active(Index epoch) const {
    return (mixup_alpha > 0 || cutmix_alpha > 0) && probability > 0 &&
           (off_epoch < 0 || epoch < off_epoch);
  }

  /// **Throws** ValueError for a field out of range.
  void validate() const {
    const auto check = [](bool good, const char* name, const char* rule, double value) {
      if (!good) throw ValueError(eigengrad::detail::concat("[mix] ", name, rule, value));
    };
    for (const auto& [name, alpha] :
         {std::pair{"mixup_alpha", mixup_alpha}, std::pair{"cutmix_alpha", cutmix_alpha}}) {
      check(alpha >= 0 && std::isfinite(alpha), name, " must not be negative: ", alpha);
    }
    for (const auto& [name, share] : {std::pair{"probability", probability},
                                      std::pair{"switch_probability", switch_probability}}) {
      check(share >= 0 && share <= 1, name, " must be in [0, 1]: ", share);
    }
  }
};

namespace detail {

/// log of a draw from Gamma(shape, 1): the draw itself is 0 for a small shape.
///
/// **Source** G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000.
inline double log_gamma_draw(Generator& rng, double shape) {
  // A shape below 1 is one above it times U^(1 / shape).
  const double boost = shape < 1 ? std::log(1 - rng.uniform()) / shape : 0;
  const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.normal();
    const double v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    const double u = 1 - rng.uniform();
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return boost + std::log(d * v);
    }
  }
}

/// A draw from Beta(alpha, alpha), in [0, 1].
inline double beta_draw(Generator& rng, double alpha) {
  const double a = log_gamma_draw(rng, alpha);
  const double b = log_gamma_draw(rng, alpha);
  return 1 / (1 + std::exp(b - a));
}

/// x, y = lambda x + (1 - lambda) y, lambda y + (1 - lambda) x.
inline void blend_pair(float* x, float* y, Index n, float lambda) {
  const float other = 1 - lambda;
  ArrayMap<float> a(x, n);
  ArrayMap<float> b(y, n);
  constexpr Index block = 1024;
  float kept[block];
  for (Index i = 0; i < n; i += block) {
    const Index m = std::min(block, n - i);
    ArrayMap<float> copy(kept, m);
    copy = a.segment(i, m);
    a.segment(i, m) = lambda * copy + other * b.segment(i, m);
    b.segment(i, m) = lambda * b.segment(i, m) + other * copy;
  }
}

/// How one batch is mixed: image i with image B - 1 - i.
struct Mixing {
  double lambda = 1;                               ///< what is left of the image itself
  Index top = 0, left = 0, height = 0, width = 0;  ///< CutMix's rectangle; none is MixUp
};

inline Mixing draw_mixing(const MixOptions& options, Generator rng, Index height, Index width) {
  Mixing out;
  if (!(rng.uniform() < options.probability)) return out;
  const double choice = rng.uniform();
  const bool cut =
      options.cutmix_alpha > 0 && (options.mixup_alpha == 0 || choice < options.switch_probability);
  if (!cut && options.mixup_alpha == 0) return out;
  out.lambda = beta_draw(rng, cut ? options.cutmix_alpha : options.mixup_alpha);
  if (!cut) return out;
  // The rectangle's centre is anywhere; what is beyond the edge is cut off, and lambda follows.
  const double side = std::sqrt(1 - out.lambda);
  const auto h = static_cast<Index>(static_cast<double>(height) * side);
  const auto w = static_cast<Index>(static_cast<double>(width) * side);
  const Index y = rng.integer(height);
  const Index x = rng.integer(width);
  out.top = std::max<Index>(y - h / 2, 0);
  out.left = std::max<Index>(x - w / 2, 0);
  out.height = std::min(y + h / 2, height) - out.top;
  out.width = std::min(x + w / 2, width) - out.left;
  out.lambda =
      1 - static_cast<double>(out.height * out.width) / static_cast<double>(height * width);
  return out;
}

inline void mix_images(NdArray<float>& images, const Mixing& mixing) {
  const Index n = images.dim(0);
  const Index rows = images.dim(1) * images.dim(2);
  const Index h = images.dim(2);
  const Index w = images.dim(3);
  parallel_for(n / 2, row_grain(rows * w), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float* const x = images.data() + i * rows * w;
      float* const y = images.data() + (n - 1 - i) * rows * w;
      if (mixing.height == 0) {
        blend_pair(x, y, rows * w, static_cast<float>(mixing.lambda));
        continue;
      }
      for (Index row = 0; row < rows; ++row) {
        if (row % h < mixing.top || row % h >= mixing.top + mixing.height) continue;
        float* const from = x + row * w + mixing.left;
        std::swap_ranges(from, from + mixing.width, y + row * w + mixing.left);
      }
    }
  });
}

/// Targets (B, classes) of the mixed images; `labels` become those of the larger shares.
inline void mix_labels(NdArray<float>& targets, NdArray<Index>& labels, double lambda) {
  const Index n = labels.numel();
  const Index classes = targets.dim(1);
  targets.fill(0);
  const auto share = static_cast<float>(lambda);
  for (Index i = 0; i < n; ++i) {
    float* const row = targets.data() + i * classes;
    row[labels.data()[i]] += share;
    row[labels.data()[n - 1 - i]] += 1 - share;
  }
  if (lambda < 0.5) std::reverse(labels.begin(), labels.end());
}

}  // namespace detail
}  // namespace eigengrad::data
