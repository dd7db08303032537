// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/image/byte_image.hpp>

/// Changes of an image that look at a byte's value alone, byte for byte as Pillow's ImageOps.
///
/// **Source** https://pillow.readthedocs.io/en/stable/reference/ImageOps.html
namespace eigengrad::image {

/// The negative.
inline void invert(ByteImage image) {
  for (Index i = 0; i < image.numel(); ++i) {
    image.data[i] = static_cast<std::uint8_t>(~image.data[i]);
  }
}

/// Keeps the upper `bits` of each byte, 0 to 8.
inline void posterize(ByteImage image, Index bits) {
  if (bits < 0 || bits > 8) {
    throw ValueError(eigengrad::detail::concat("[posterize] bits must be 0 to 8: ", bits));
  }
  const auto mask = static_cast<std::uint8_t>(0xFF00 >> bits);
  for (Index i = 0; i < image.numel(); ++i) image.data[i] &= mask;
}

/// Inverts the bytes that are not below `threshold`.
inline void solarize(ByteImage image, double threshold) {
  detail::ByteTable table;
  for (int v = 0; v < 256; ++v) {
    table[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(v < threshold ? v : 255 - v);
  }
  detail::look_up(image.data, image.numel(), table);
}

/// Stretches each channel so that its darkest byte becomes 0 and its brightest 255.
inline void autocontrast(ByteImage image) {
  for (Index c = 0; c < image.channels; ++c) {
    std::uint8_t* const plane = image.plane(c);
    std::uint8_t low = 255;
    std::uint8_t high = 0;
    for (Index i = 0; i < image.pixels(); ++i) {
      low = std::min(low, plane[i]);
      high = std::max(high, plane[i]);
    }
    if (low >= high) continue;
    const double scale = 255.0 / (high - low);
    const double offset = -low * scale;
    detail::ByteTable table;
    for (std::size_t v = 0; v < 256; ++v) {
      const double stretched = static_cast<double>(v) * scale;
      table[v] = static_cast<std::uint8_t>(std::clamp(stretched + offset, 0.0, 255.0));
    }
    detail::look_up(plane, image.pixels(), table);
  }
}

/// Makes all brightnesses of each channel about equally frequent.
inline void equalize(ByteImage image) {
  for (Index c = 0; c < image.channels; ++c) {
    const auto counts = detail::histogram(image.plane(c), image.pixels());
    std::int32_t last = 0;  // the brightest byte's
    for (const std::int32_t n : counts) {
      if (n > 0) last = n;
    }
    const auto step = static_cast<std::int32_t>((image.pixels() - last) / 255);
    if (step == 0) continue;
    detail::ByteTable table;
    std::int32_t below = step / 2;
    for (std::size_t v = 0; v < 256; ++v) {
      table[v] = static_cast<std::uint8_t>(std::min(below / step, 255));
      below += counts[v];
    }
    detail::look_up(image.plane(c), image.pixels(), table);
  }
}

}  // namespace eigengrad::image
