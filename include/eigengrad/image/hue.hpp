// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/enhance.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Moving an image's colours along the circle of hues.
///
/// **Source** torchvision's `adjust_hue` over Pillow's mode HSV, whose three values are bytes too.
namespace eigengrad::image {

namespace detail {

/// Moves the hues of three planes of n bytes by `shift` / 255 of the circle.
///
/// The roundings in between are Pillow's: some to float, some to bytes.
struct ShiftHue {
  template <class D>
  static EIGENGRAD_INLINE auto to_float(const D& x) {
    using Floats = typename simd::detail::VecOf<float, sizeof(D) / 2>::type;
    return __builtin_convertvector(__builtin_convertvector(x, Floats), D);
  }
  /// The integer below, of a number that is not negative.
  template <class D>
  static EIGENGRAD_INLINE D whole(const D& x) {
    using Ints = typename simd::detail::VecOf<std::int32_t, sizeof(D) / 2>::type;
    return __builtin_convertvector(__builtin_convertvector(x, Ints), D);
  }

  template <class D>
  static EIGENGRAD_INLINE void shift_hue(D& red, D& green, D& blue, const D& shift) {
    const D zero{};
    const D one = zero + 1.0;
    const D v = simd::max(red, simd::max(green, blue));
    const D range = v - simd::min(red, simd::min(green, blue));
    const D divisor = simd::max(range, one);
    const D saturation = whole(to_float(range / simd::max(v, one)) * 255.0);
    const D r = to_float((v - red) / divisor);
    const D g = to_float((v - green) / divisor);
    const D b = to_float((v - blue) / divisor);
    // 1 or 0, of bytes. GCC 12 would make a choice of two out of three lane by lane.
    const D red_most = one - simd::min(v - red, one);
    const D green_most = (one - simd::min(v - green, one)) * (one - red_most);
    D hue = red_most * (b - g) + green_most * (2.0 + r - b) +
            (one - red_most - green_most) * (4.0 + g - r);
    hue = to_float(hue) / 6.0 + 1.0;
    hue = to_float(hue - whole(hue));
    hue = whole(hue * 255.0) + shift;
    hue -= whole(hue / 256.0) * 256.0;

    // In sixths of the circle, 0 to 6. From v, a channel goes down to v (1 - s) and up again: by
    // how much is linear in the hue between two sixths, and constant over the two before and
    // after.
    const D at = hue * 6.0 / 255.0;
    const D sixth = whole(at);
    const D place = sixth + to_float(at - sixth);
    const D s = to_float(saturation / 255.0);
    const auto channel = [&](const D& down) EIGENGRAD_INLINE_LAMBDA {
      return whole(v * (one - s * simd::min(simd::max(down, zero), one)) + 0.5);
    };
    const auto distance = [&](double from) EIGENGRAD_INLINE_LAMBDA {
      return simd::max(place - from, from - place);
    };
    red = channel(2.0 - distance(3));
    green = channel(distance(2) - 1.0);
    blue = channel(distance(4) - 1.0);
  }

  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* image, Index n, double shift) {
    constexpr Index lanes = Arch::kBytes / 8;
    using Bytes = typename simd::detail::VecOf<std::uint8_t, lanes>::type;
    using Shorts = typename simd::detail::VecOf<std::int16_t, 2 * lanes>::type;
    using D = typename simd::detail::VecOf<double, 8 * lanes>::type;
    using Ints = typename simd::detail::VecOf<std::int32_t, 4 * lanes>::type;
    const auto pixels = [&](std::uint8_t* r, std::uint8_t* g,
                            std::uint8_t* b) EIGENGRAD_INLINE_LAMBDA {
      const auto get = [](const std::uint8_t* from) EIGENGRAD_INLINE_LAMBDA {
        const auto shorts = __builtin_convertvector(simd::load<Bytes>(from), Shorts);
        return __builtin_convertvector(__builtin_convertvector(shorts, Ints), D);
      };
      const auto set = [](std::uint8_t* to, const D& x) EIGENGRAD_INLINE_LAMBDA {
        const auto shorts = __builtin_convertvector(__builtin_convertvector(x, Ints), Shorts);
        simd::store<Bytes>(to, __builtin_convertvector(shorts, Bytes));
      };
      D red = get(r), green = get(g), blue = get(b);
      shift_hue(red, green, blue, D{} + shift);
      set(r, red);
      set(g, green);
      set(b, blue);
    };
    Index i = 0;
    for (; i + lanes <= n; i += lanes) pixels(image + i, image + n + i, image + 2 * n + i);
    if (i == n) return;
    std::uint8_t rest[3][static_cast<std::size_t>(lanes)] = {};
    for (Index k = i; k < n; ++k) {
      for (Index c = 0; c < 3; ++c) rest[c][k - i] = image[c * n + k];
    }
    pixels(rest[0], rest[1], rest[2]);
    for (Index k = i; k < n; ++k) {
      for (Index c = 0; c < 3; ++c) image[c * n + k] = rest[c][k - i];
    }
  }
};

}  // namespace detail

/// Moves all hues by `factor`, -0.5 to 0.5, of the circle. An image of one channel has none.
inline void adjust_hue(ByteImage image, double factor) {
  detail::check_enhance("adjust_hue", image, factor);
  if (factor < -0.5 || factor > 0.5) {
    throw ValueError(
        eigengrad::detail::concat("[adjust_hue] factor must be in [-0.5, 0.5]: ", factor));
  }
  if (image.channels == 1 || factor == 0) return;
  const double shift = std::trunc(factor * 255);
  simd::dispatch<detail::ShiftHue>(image.data, image.pixels(), shift < 0 ? shift + 256 : shift);
}

}  // namespace eigengrad::image

EIGENGRAD_END_VECTORS
