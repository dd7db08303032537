// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>

namespace eigengrad::image {

/// One image of bytes (C, H, W), to be changed where it lies. Somebody else owns the bytes.
struct ByteImage {
  ByteImage(std::uint8_t* bytes, Index c, Index h, Index w)
      : data(bytes), channels(c), height(h), width(w) {}
  /// **Throws** ShapeError unless the array is (C, H, W).
  ByteImage(NdArray<std::uint8_t>& image)  // NOLINT: implicit by intent
      : data(image.data()) {
    if (image.rank() != 3) {
      throw ShapeError(eigengrad::detail::concat("[image] needs (C, H, W): ", image.shape()));
    }
    channels = image.dim(0);
    height = image.dim(1);
    width = image.dim(2);
  }

  Index pixels() const { return height * width; }
  Index numel() const { return channels * pixels(); }
  std::uint8_t* plane(Index c) const { return data + c * pixels(); }

  std::uint8_t* data;
  Index channels = 0, height = 0, width = 0;
};

namespace detail {

/// What each byte becomes.
using ByteTable = std::array<std::uint8_t, 256>;

inline void look_up(std::uint8_t* bytes, Index n, const ByteTable& table) {
  for (Index i = 0; i < n; ++i) bytes[i] = table[bytes[i]];
}

/// How often each byte occurs.
inline std::array<std::int32_t, 256> histogram(const std::uint8_t* bytes, Index n) {
  // Equal neighbours would wait for each other's count: they count apart.
  std::array<std::int32_t, 1024> counts{};
  Index i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) ++counts[k * 256 + bytes[i + static_cast<Index>(k)]];
  }
  for (; i < n; ++i) ++counts[bytes[i]];
  std::array<std::int32_t, 256> out;
  for (std::size_t v = 0; v < 256; ++v) {
    out[v] = counts[v] + counts[256 + v] + counts[512 + v] + counts[768 + v];
  }
  return out;
}

}  // namespace detail
}  // namespace eigengrad::image
