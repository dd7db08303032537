// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <eigengrad/core/random.hpp>
#include <eigengrad/data/augment.hpp>

/// Windows of an image, drawn: what of it is kept, and what is erased.
namespace eigengrad::data::detail {

/// Uniform in the logarithm.
inline double draw_ratio(Generator& rng, const Range& ratio) {
  return std::exp(rng.uniform(std::log(ratio.low), std::log(ratio.high)));
}

/// The largest window in the middle with the form of (height, width), times `share`.
inline image::Window central_window(Index h, Index w, Index height, Index width, double share) {
  const double scale = std::min(static_cast<double>(h) / static_cast<double>(height),
                                static_cast<double>(w) / static_cast<double>(width)) *
                       share;
  const auto side = [scale](Index to, Index most) {
    const auto n = static_cast<Index>(std::lround(static_cast<double>(to) * scale));
    return std::clamp<Index>(n, 1, most);
  };
  const Index rows = side(height, h);
  const Index columns = side(width, w);
  return {(h - rows) / 2, (w - columns) / 2, rows, columns};
}

/// A window of random area and form; when ten do not fit, the largest that has a form allowed.
inline image::Window random_window(Generator& rng, const RandomResizedCrop& crop, Index h,
                                   Index w) {
  const double area = static_cast<double>(h * w);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * rng.uniform(crop.scale.low, crop.scale.high);
    const double ratio = draw_ratio(rng, crop.ratio);
    const auto columns = static_cast<Index>(std::lround(std::sqrt(target * ratio)));
    const auto rows = static_cast<Index>(std::lround(std::sqrt(target / ratio)));
    if (columns < 1 || columns > w || rows < 1 || rows > h) continue;
    const Index top = rng.integer(h - rows + 1);
    const Index left = rng.integer(w - columns + 1);
    return {top, left, rows, columns};
  }
  const double form = static_cast<double>(w) / static_cast<double>(h);
  const double ratio = std::clamp(form, crop.ratio.low, crop.ratio.high);
  const auto side = [](double n) { return std::max<Index>(1, static_cast<Index>(std::lround(n))); };
  const Index rows = std::min(h, side(static_cast<double>(w) / ratio));
  const Index columns = std::min(w, side(static_cast<double>(h) * ratio));
  return {(h - rows) / 2, (w - columns) / 2, rows, columns};
}

/// n standard normal numbers, two from each draw of 64 bits.
inline void draw_normals(Generator& rng, float* out, Index n) {
  for (Index i = 0; i < n; i += 2) {
    const std::uint64_t bits = rng.next();
    const float u = (static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f;
    const float angle = static_cast<float>(bits & 0xFFFFFF) * (0x1p-24f * 6.2831853f);
    const float radius = std::sqrt(-2 * std::log(u));
    out[i] = radius * std::cos(angle);
    if (i + 1 < n) out[i + 1] = radius * std::sin(angle);
  }
}

/// Sets a window of all channels of `image` (C, h, w) to 0.
inline void erase(float* image, Index channels, Index h, Index w, const image::Window& window) {
  for (Index c = 0; c < channels; ++c) {
    for (Index y = window.top; y < window.top + window.height; ++y) {
      std::fill_n(image + (c * h + y) * w + window.left, window.width, 0.0f);
    }
  }
}

inline void random_erasing(Generator rng, const RandomErasing& options, float* image,
                           Index channels, Index h, Index w) {
  if (!(rng.uniform() < options.probability)) return;
  const double area = static_cast<double>(h * w);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * rng.uniform(options.scale.low, options.scale.high);
    const double ratio = draw_ratio(rng, options.ratio);
    const auto rows = static_cast<Index>(std::lround(std::sqrt(target * ratio)));
    const auto columns = static_cast<Index>(std::lround(std::sqrt(target / ratio)));
    if (rows >= h || columns >= w) continue;
    const Index top = rng.integer(h - rows + 1);
    const Index left = rng.integer(w - columns + 1);
    if (!options.noise) return erase(image, channels, h, w, {top, left, rows, columns});
    for (Index c = 0; c < channels; ++c) {
      for (Index y = top; y < top + rows; ++y) {
        draw_normals(rng, image + (c * h + y) * w + left, columns);
      }
    }
    return;
  }
}

/// A square around a random pixel; what is beyond the edge is lost.
inline void random_cutout(Generator rng, Index side, float* image, Index channels, Index h,
                          Index w) {
  const auto cut = [&](Index n) {
    const Index from = rng.integer(n) - side / 2;
    const Index begin = std::max<Index>(from, 0);
    return std::pair{begin, std::min(from + side, n) - begin};
  };
  const auto [top, rows] = cut(h);
  const auto [left, columns] = cut(w);
  erase(image, channels, h, w, {top, left, rows, columns});
}

}  // namespace eigengrad::data::detail
