// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/byte_lanes.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Brightness, contrast, saturation and sharpness, byte for byte as Pillow's ImageEnhance.
///
/// Each blends an image with a degenerate one: factor 0 gives that, 1 the image itself, more
/// exaggerates it.
/// **Source** https://pillow.readthedocs.io/en/stable/reference/ImageEnhance.html
namespace eigengrad::image {

namespace detail {

/// out = a + factor (b - a) in float, cut off to a byte, for two rows of bytes; out is b.
struct BlendBytes {
  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* b, const std::uint8_t* a, float factor, Index n) {
    using L = ByteLanes<Arch>;
    using Ints = typename L::Ints;
    using Floats = typename L::Floats;
    // The product must not fuse with the sum: the last bit would depend on the CPU. A compiler that
    // does not know this zero has to make the product first.
    const volatile std::int32_t unknown = 0;
    const Ints zero = simd::broadcast<Ints>(unknown);
    const Floats scale = simd::broadcast<Floats>(factor);
    const auto blend = [&](const Ints& from, const Ints& to) EIGENGRAD_INLINE_LAMBDA {
      const Floats step = __builtin_convertvector(to - from, Floats) * scale;
      const auto product = reinterpret_cast<Floats>(reinterpret_cast<Ints>(step) ^ zero);
      return __builtin_convertvector(__builtin_convertvector(from, Floats) + product, Ints);
    };
    Index i = 0;
    for (; i + L::kLanes <= n; i += L::kLanes) {
      L::store_clamped(b + i, blend(L::load(a + i), L::load(b + i)));
    }
    if (i == n) return;
    std::uint8_t from[L::kLanes] = {};
    std::uint8_t to[L::kLanes] = {};
    std::copy_n(a + i, n - i, from);
    std::copy_n(b + i, n - i, to);
    L::store_clamped(to, blend(L::load(from), L::load(to)));
    std::copy_n(to, n - i, b + i);
  }
};

/// The brightness of each pixel of three channels.
struct GrayBytes {
  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* gray, const std::uint8_t* image, Index n) {
    using L = ByteLanes<Arch>;
    const auto weigh = [](const auto& red, const auto& green, const auto& blue)
                           EIGENGRAD_INLINE_LAMBDA {
                             return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
                           };
    Index i = 0;
    for (; i + L::kLanes <= n; i += L::kLanes) {
      L::store(gray + i,
               weigh(L::load(image + i), L::load(image + n + i), L::load(image + 2 * n + i)));
    }
    for (; i < n; ++i) {
      gray[i] = static_cast<std::uint8_t>(weigh(image[i], image[n + i], image[2 * n + i]));
    }
  }
};

/// out (w) from three rows (w) of an image, its inner pixels: (the nine around + 4 of itself) / 13.
struct SmoothRow {
  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* out, const std::uint8_t* above,
                                   const std::uint8_t* row, const std::uint8_t* below, Index w) {
    using L = ByteLanes<Arch>;
    using Shorts = typename L::Shorts;
    const auto smooth = [&](Index x) EIGENGRAD_INLINE_LAMBDA {
      Shorts sum = L::load_shorts(row + x) * 4;
      for (const std::uint8_t* from : {above, row, below}) {
        sum +=
            L::load_shorts(from + x - 1) + L::load_shorts(from + x) + L::load_shorts(from + x + 1);
      }
      // 20165 / 2^18 is 1 / 13 to within what sums of up to 13 * 255 need.
      const auto wide = __builtin_convertvector(sum, typename L::Ints);
      L::store(out + x, ((wide + 6) * 20165) >> 18);
    };
    Index x = 1;
    for (; x + L::kLanes < w; x += L::kLanes) smooth(x);
    if (w > L::kLanes + 1) return smooth(w - 1 - L::kLanes);  // some a second time
    for (; x < w - 1; ++x) {
      std::int32_t sum = row[x] * 4;
      for (const std::uint8_t* from : {above, row, below}) {
        sum += from[x - 1] + from[x] + from[x + 1];
      }
      out[x] = static_cast<std::uint8_t>((sum + 6) / 13);
    }
  }
};

/// What each byte becomes when it is blended with `from`.
inline void blend_with(ByteImage image, std::uint8_t from, double factor) {
  ByteTable grounds;
  ByteTable table;
  for (std::size_t v = 0; v < 256; ++v) {
    grounds[v] = from;
    table[v] = static_cast<std::uint8_t>(v);
  }
  simd::dispatch<BlendBytes>(table.data(), grounds.data(), static_cast<float>(factor), Index{256});
  look_up(image.data, image.numel(), table);
}

/// **Throws** ShapeError for anything but one or three channels, ValueError for a bad factor.
inline void check_enhance(const char* name, const ByteImage& image, double factor) {
  using eigengrad::detail::concat;
  if (image.channels != 1 && image.channels != 3) {
    throw ShapeError(concat("[", name, "] needs one channel or three, grey or red, green and ",
                            "blue: the image has ", image.channels));
  }
  if (!std::isfinite(factor)) throw ValueError(concat("[", name, "] factor is ", factor));
}

}  // namespace detail

/// Blends with black.
inline void adjust_brightness(ByteImage image, double factor) {
  detail::check_enhance("adjust_brightness", image, factor);
  if (factor != 1) detail::blend_with(image, 0, factor);
}

/// Blends with the grey of the image's mean brightness.
inline void adjust_contrast(ByteImage image, double factor) {
  detail::check_enhance("adjust_contrast", image, factor);
  const Index n = image.pixels();
  if (factor == 1 || n == 0) return;
  eigengrad::detail::Scratch<std::uint8_t> gray(image.channels == 3 ? n : 0);
  const std::uint8_t* bytes = image.data;
  if (image.channels == 3) {
    simd::dispatch<detail::GrayBytes>(gray.data(), bytes, n);
    bytes = gray.data();
  }
  std::int64_t sum = 0;
  for (Index i = 0; i < n; ++i) sum += bytes[i];
  const double mean = static_cast<double>(sum) / static_cast<double>(n);
  detail::blend_with(image, static_cast<std::uint8_t>(mean + 0.5), factor);
}

/// Blends with the image in shades of grey. An image of one channel stays as it is.
inline void adjust_saturation(ByteImage image, double factor) {
  detail::check_enhance("adjust_saturation", image, factor);
  if (factor == 1 || image.channels == 1) return;
  const Index n = image.pixels();
  eigengrad::detail::Scratch<std::uint8_t> gray(n);
  simd::dispatch<detail::GrayBytes>(gray.data(), image.data, n);
  for (Index c = 0; c < 3; ++c) {
    simd::dispatch<detail::BlendBytes>(image.plane(c), gray.data(), static_cast<float>(factor), n);
  }
}

/// Blends with the image smoothed over 3 x 3 pixels. The pixels of the edge stay as they are.
inline void adjust_sharpness(ByteImage image, double factor) {
  detail::check_enhance("adjust_sharpness", image, factor);
  const Index n = image.pixels();
  const Index w = image.width;
  if (factor == 1 || image.height < 3 || w < 3) return;
  eigengrad::detail::Scratch<std::uint8_t> smooth(n);
  for (Index c = 0; c < image.channels; ++c) {
    std::uint8_t* const plane = image.plane(c);
    std::copy_n(plane, n, smooth.data());
    for (Index y = 1; y + 1 < image.height; ++y) {
      const std::uint8_t* row = plane + y * w;
      simd::dispatch<detail::SmoothRow>(smooth.data() + y * w, row - w, row, row + w, w);
    }
    simd::dispatch<detail::BlendBytes>(plane, smooth.data(), static_cast<float>(factor), n);
  }
}

}  // namespace eigengrad::image

EIGENGRAD_END_VECTORS
