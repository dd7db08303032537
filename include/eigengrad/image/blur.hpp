// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/image/byte_image.hpp>

namespace eigengrad::image {

namespace detail {

/// Where place `i` of n comes from when the edges reflect, for -n < i < 2 n - 1.
inline Index reflect(Index i, Index n) { return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i; }

/// Weights of the pixels 0 to `radius` places away, in units of 2^-15; all of them sum to 1.
inline void gaussian_weights(std::int32_t* weights, Index radius, double sigma) {
  const auto bell = [sigma](Index d) { return std::exp(-0.5 * std::pow(double(d) / sigma, 2)); };
  double sum = 1;
  for (Index d = 1; d <= radius; ++d) sum += 2 * bell(d);
  // Rounded are the sums from the far end on, so that no weight is negative.
  double tail = 0;
  std::int32_t taken = 0;
  for (Index d = radius; d >= 1; --d) {
    tail += bell(d) / sum;
    weights[d] = static_cast<std::int32_t>(std::lround(tail * (1 << 15))) - taken;
    taken += weights[d];
  }
  weights[0] = (1 << 15) - 2 * taken;
}

}  // namespace detail

/// Makes each pixel a mean of those up to `radius` rows and columns away, with the weights
/// exp(-(distance / sigma)^2 / 2); the edges reflect.
///
/// It computes in whole numbers, so the bytes are the same on every machine; they differ from
/// torchvision's, which computes in float, by at most 1.
/// **Throws** ValueError unless sigma > 0 and 0 <= radius < height and width.
/// **Source**
/// https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.GaussianBlur.html, whose
/// kernel_size is 2 radius + 1
inline void gaussian_blur(ByteImage image, Index radius, double sigma) {
  const Index h = image.height, w = image.width;
  if (!(sigma > 0) || radius < 0 || radius >= std::min(h, w)) {
    throw ValueError(eigengrad::detail::concat(
        "[gaussian_blur] needs sigma above 0 and 0 <= radius < height and width: sigma ", sigma,
        ", radius ", radius, ", image ", h, " x ", w));
  }
  eigengrad::detail::Scratch<std::int32_t> weights(radius + 1), sums(w);
  detail::gaussian_weights(weights.data(), radius, sigma);
  eigengrad::detail::Scratch<std::uint8_t> padded(w + 2 * radius);
  eigengrad::detail::Scratch<std::uint16_t> across(h * w);  // in units of 2^-8
  for (Index c = 0; c < image.channels; ++c) {
    std::uint8_t* const plane = image.plane(c);
    for (Index y = 0; y < h; ++y) {
      for (Index x = -radius; x < w + radius; ++x) {
        padded[x + radius] = plane[y * w + detail::reflect(x, w)];
      }
      const std::uint8_t* const row = padded.data() + radius;
      for (Index x = 0; x < w; ++x) sums[x] = weights[0] * row[x];
      for (Index d = 1; d <= radius; ++d) {
        for (Index x = 0; x < w; ++x) sums[x] += weights[d] * (row[x - d] + row[x + d]);
      }
      for (Index x = 0; x < w; ++x) {
        across[y * w + x] = static_cast<std::uint16_t>((sums[x] + (1 << 6)) >> 7);
      }
    }
    for (Index y = 0; y < h; ++y) {
      const std::uint16_t* const own = across.data() + y * w;
      for (Index x = 0; x < w; ++x) sums[x] = weights[0] * own[x];
      for (Index d = 1; d <= radius; ++d) {
        const std::uint16_t* const above = across.data() + detail::reflect(y - d, h) * w;
        const std::uint16_t* const below = across.data() + detail::reflect(y + d, h) * w;
        for (Index x = 0; x < w; ++x) sums[x] += weights[d] * (above[x] + below[x]);
      }
      for (Index x = 0; x < w; ++x) {
        plane[y * w + x] = static_cast<std::uint8_t>((sums[x] + (1 << 22)) >> 23);
      }
    }
  }
}

}  // namespace eigengrad::image
