// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/resize.hpp>

/// Affine maps of an image onto itself: shearing, moving, rotating, zooming.
///
/// **Source**
/// https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.Image.transform
namespace eigengrad::image {

/// Where a pixel of the result comes from: x' = a x + b y + c, y' = d x + e y + f, from the image's
/// upper left corner; a pixel's centre is at 0.5.
using AffineMatrix = std::array<double, 6>;

/// What an image takes for pixels that it does not have: one byte, or its mirror image.
struct Outside {
  std::uint8_t fill = 0;
  bool reflect = false;  ///< without the edge itself, as PyTorch's reflect
};

namespace detail {

/// The place in [0, n) that `i` is the mirror image of.
inline Index reflected(Index i, Index n) {
  if (i >= 0 && i < n) return i;
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = (i < 0 ? -i : i) % period;
  return i < n ? i : period - i;
}

/// Each new pixel is an old one, found in 16.16 fixed point as Pillow does.
inline void warp_nearest(ByteImage image, const std::uint8_t* from, const AffineMatrix& m,
                         Outside outside) {
  const auto fixed = [](double v) { return static_cast<Index>(std::floor(v * 65536 + 0.5)); };
  const Index w = image.width;
  const Index h = image.height;
  const Index step_x = fixed(m[0]);
  const Index step_y = fixed(m[3]);
  eigengrad::detail::Scratch<Index> places(w);  // of a row's pixels; -1 is outside
  for (Index y = 0; y < h; ++y) {
    Index at_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5) + y * fixed(m[1]);
    Index at_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5) + y * fixed(m[4]);
    for (Index x = 0; x < w; ++x, at_x += step_x, at_y += step_y) {
      Index px = at_x >> 16;
      Index py = at_y >> 16;
      if (outside.reflect) {
        px = reflected(px, w);
        py = reflected(py, h);
      }
      places[x] = px >= 0 && px < w && py >= 0 && py < h ? py * w + px : -1;
    }
    for (Index c = 0; c < image.channels; ++c) {
      const std::uint8_t* const plane = from + c * h * w;
      std::uint8_t* const out = image.plane(c) + y * w;
      for (Index x = 0; x < w; ++x) {
        out[x] = places[x] < 0 ? outside.fill : plane[places[x]];
      }
    }
  }
}

/// Each new pixel is linear between four old ones; at the edge the edge's pixels repeat. Places are
/// in units of 2^-24 pixels, weights in units of 2^-11: a level of Pillow's.
inline void warp_bilinear(ByteImage image, const std::uint8_t* from, const AffineMatrix& m,
                          Outside outside) {
  constexpr Index one = 1 << 24;
  constexpr std::int32_t whole = 1 << 11;
  const auto fixed = [](double v) { return static_cast<Index>(std::floor(v * one + 0.5)); };
  struct Place {
    Index corner[4];
    std::int32_t weight[4];  // all 0: outside
  };
  const Index w = image.width;
  const Index h = image.height;
  const Index step_x = fixed(m[0]);
  const Index step_y = fixed(m[3]);
  const auto inside = [&](Index i, Index n) {
    return outside.reflect ? reflected(i, n) : std::clamp<Index>(i, 0, n - 1);
  };
  eigengrad::detail::Scratch<Place> places(w);
  for (Index y = 0; y < h; ++y) {
    const double v = static_cast<double>(y) + 0.5;
    Index at_x = fixed(m[0] * 0.5 + m[1] * v + m[2]);
    Index at_y = fixed(m[3] * 0.5 + m[4] * v + m[5]);
    for (Index x = 0; x < w; ++x, at_x += step_x, at_y += step_y) {
      Place& place = places[x];
      place = {};
      const bool in = at_x >= 0 && at_x < w * one && at_y >= 0 && at_y < h * one;
      if (!in && !outside.reflect) continue;
      const Index left = at_x - one / 2;
      const Index top = at_y - one / 2;
      const auto dx = static_cast<std::int32_t>((left & (one - 1)) >> 13);
      const auto dy = static_cast<std::int32_t>((top & (one - 1)) >> 13);
      const Index x0 = inside(left >> 24, w);
      const Index x1 = inside((left >> 24) + 1, w);
      const Index y0 = inside(top >> 24, h) * w;
      const Index y1 = inside((top >> 24) + 1, h) * w;
      place = {{y0 + x0, y0 + x1, y1 + x0, y1 + x1},
               {(whole - dy) * (whole - dx), (whole - dy) * dx, dy * (whole - dx), dy * dx}};
    }
    for (Index c = 0; c < image.channels; ++c) {
      const std::uint8_t* const plane = from + c * h * w;
      std::uint8_t* const out = image.plane(c) + y * w;
      for (Index x = 0; x < w; ++x) {
        const auto& [corner, weight] = places[x];
        std::int32_t sum = 0;
        for (int k = 0; k < 4; ++k) sum += plane[corner[k]] * weight[k];
        const bool in = (weight[0] | weight[1] | weight[2] | weight[3]) != 0;
        out[x] = in ? static_cast<std::uint8_t>(sum >> 22) : outside.fill;
      }
    }
  }
}

}  // namespace detail

/// Replaces the image by what an affine map brings to each of its pixels.
///
/// **Throws** ValueError for kBicubic, which policies do not use, and a matrix that is not finite.
inline void affine(ByteImage image, const AffineMatrix& matrix,
                   Interpolation interpolation = Interpolation::kNearest, Outside outside = {}) {
  for (const double number : matrix) {
    if (!(std::abs(number) < 1e6)) {
      throw ValueError(eigengrad::detail::concat("[affine] the matrix has the entry ", number));
    }
  }
  if (interpolation == Interpolation::kBicubic) {
    throw ValueError("[affine] interpolation must be kNearest or kBilinear");
  }
  if (matrix == AffineMatrix{1, 0, 0, 0, 1, 0} || image.numel() == 0) return;
  eigengrad::detail::Scratch<std::uint8_t> from(image.numel());
  std::copy_n(image.data, image.numel(), from.data());
  if (interpolation == Interpolation::kNearest) {
    detail::warp_nearest(image, from.data(), matrix, outside);
  } else {
    detail::warp_bilinear(image, from.data(), matrix, outside);
  }
}

/// Rotates the image around its centre by `degrees`, counter-clockwise, and makes it `zoom` times
/// larger; its size stays.
inline AffineMatrix rotation_matrix(double degrees, double zoom, Index height, Index width) {
  const double radians = -degrees * 0.017453292519943295;
  const auto rounded = [](double v) { return std::round(v * 1e15) / 1e15; };  // 90 degrees exactly
  AffineMatrix m = {rounded(std::cos(radians)) / zoom,  rounded(std::sin(radians)) / zoom, 0,
                    rounded(-std::sin(radians)) / zoom, rounded(std::cos(radians)) / zoom, 0};
  const double x = static_cast<double>(width) / 2;
  const double y = static_cast<double>(height) / 2;
  m[2] = m[0] * -x + m[1] * -y + x;
  m[5] = m[3] * -x + m[4] * -y + y;
  return m;
}

}  // namespace eigengrad::image
