// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <variant>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/enhance.hpp>
#include <eigengrad/image/point_ops.hpp>
#include <eigengrad/image/warp.hpp>

/// Published policies of augmentation: which operations an image goes through, and how strongly.
///
/// Operations, ranges and bins are those of torchvision, whose operations are Pillow's.
/// **Source** https://docs.pytorch.org/vision/stable/transforms.html#auto-augmentation
namespace eigengrad::data {

/// The operations that policies choose from; the order of the first 14 is that of RandAugment.
enum class ImageOp {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
  kInvert,
};

/// How operations that move pixels make new ones.
struct OpOptions {
  image::Interpolation interpolation = image::Interpolation::kNearest;
  std::uint8_t fill = 0;  ///< for pixels from outside the image
};

/// Does one operation. `value` is the tangent of a shear, the pixels of a translation, the degrees
/// of a rotation (counter-clockwise), the bits that posterize keeps, the threshold of solarize, and
/// for brightness, color, contrast and sharpness the factor less 1; else it says nothing.
inline void apply_op(image::ByteImage image, ImageOp op, double value,
                     const OpOptions& options = {}) {
  const auto warp = [&](const image::AffineMatrix& matrix) {
    image::affine(image, matrix, options.interpolation, {options.fill});
  };
  switch (op) {
    case ImageOp::kIdentity:
      return;
    case ImageOp::kShearX:
      return warp({1, value, 0, 0, 1, 0});
    case ImageOp::kShearY:
      return warp({1, 0, 0, value, 1, 0});
    case ImageOp::kTranslateX:
      return warp({1, 0, -std::trunc(value), 0, 1, 0});
    case ImageOp::kTranslateY:
      return warp({1, 0, 0, 0, 1, -std::trunc(value)});
    case ImageOp::kRotate:
      return warp(image::rotation_matrix(value, 1, image.height, image.width));
    case ImageOp::kBrightness:
      return image::adjust_brightness(image, 1 + value);
    case ImageOp::kColor:
      return image::adjust_saturation(image, 1 + value);
    case ImageOp::kContrast:
      return image::adjust_contrast(image, 1 + value);
    case ImageOp::kSharpness:
      return image::adjust_sharpness(image, 1 + value);
    case ImageOp::kPosterize:
      return image::posterize(image, static_cast<Index>(value));
    case ImageOp::kSolarize:
      return image::solarize(image, value);
    case ImageOp::kAutoContrast:
      return image::autocontrast(image);
    case ImageOp::kEqualize:
      return image::equalize(image);
    case ImageOp::kInvert:
      return image::invert(image);
  }
}

/// `num_ops` operations of 14, each of the same strength.
///
/// **Source** E. D. Cubuk et al., "RandAugment", arXiv 1909.13719.
struct RandAugment {
  Index num_ops = 2;
  /// 0 to 30.
  double magnitude = 9;
  /// Standard deviation of the magnitude from operation to operation, as timm's `mstd`.
  double magnitude_std = 0;
  OpOptions op = {};
};

/// One pair of 25 pairs of operations that were found to be best for CIFAR-10.
///
/// **Source** E. D. Cubuk et al., "AutoAugment", arXiv 1805.09501.
struct AutoAugment {
  OpOptions op = {};
};

/// One operation of 14 at any strength, within wider ranges.
///
/// **Source** S. G. Müller and F. Hutter, "TrivialAugment", arXiv 2103.10158.
struct TrivialAugmentWide {
  OpOptions op = {};
};

/// None of them, or one.
using Policy = std::variant<std::monostate, RandAugment, AutoAugment, TrivialAugmentWide>;

namespace detail {

/// How far the ranges of a policy go, at strength 1.
struct OpRanges {
  double shear, rotation, factor, bits;
  double shift;  // in pixels, or in sides of the image
  bool pixels;
};
inline constexpr OpRanges kRanges = {0.3, 30, 0.9, 4, 150.0 / 331.0, false};
inline constexpr OpRanges kWideRanges = {0.99, 135, 0.99, 6, 32, true};

/// The value of an operation of strength 0 to 1, before its sign.
inline double op_value(ImageOp op, double strength, const OpRanges& ranges, Index height,
                       Index width) {
  const auto shift = [&](Index side) {
    return std::trunc(ranges.shift * (ranges.pixels ? 1 : static_cast<double>(side)) * strength);
  };
  switch (op) {
    case ImageOp::kShearX:
    case ImageOp::kShearY:
      return ranges.shear * strength;
    case ImageOp::kTranslateX:
      return shift(width);
    case ImageOp::kTranslateY:
      return shift(height);
    case ImageOp::kRotate:
      return ranges.rotation * strength;
    case ImageOp::kPosterize:
      return 8 - std::round(ranges.bits * strength);
    case ImageOp::kSolarize:
      return 255 * (1 - strength);
    default:
      return ranges.factor * strength;
  }
}

/// Whether an operation has two directions, to be drawn.
inline bool is_signed(ImageOp op) { return op >= ImageOp::kShearX && op <= ImageOp::kSharpness; }

inline void draw_sign_and_apply(image::ByteImage image, ImageOp op, double strength,
                                const OpRanges& ranges, const OpOptions& options, Generator& rng) {
  double value = op_value(op, strength, ranges, image.height, image.width);
  const bool negative = rng.next() & 1;
  if (negative && is_signed(op)) value = -value;
  apply_op(image, op, value, options);
}

inline ImageOp draw_op(Generator& rng) { return static_cast<ImageOp>(rng.integer(14)); }

inline void apply_policy(image::ByteImage image, const RandAugment& policy, Generator rng) {
  for (Index i = 0; i < policy.num_ops; ++i) {
    const ImageOp op = draw_op(rng);
    double magnitude = policy.magnitude;
    if (policy.magnitude_std > 0) magnitude += policy.magnitude_std * rng.normal();
    draw_sign_and_apply(image, op, std::clamp(magnitude / 30, 0.0, 1.0), kRanges, policy.op, rng);
  }
}

inline void apply_policy(image::ByteImage image, const TrivialAugmentWide& policy, Generator rng) {
  const ImageOp op = draw_op(rng);
  const double strength = static_cast<double>(rng.integer(31)) / 30;
  draw_sign_and_apply(image, op, strength, kWideRanges, policy.op, rng);
}

/// An operation, how probable it is, and its strength in ninths.
struct PolicyStep {
  ImageOp op;
  double probability;
  int ninths;
};

/// The policy of Table 7 of the paper; what has no strength has 0.
inline constexpr std::array<std::array<PolicyStep, 2>, 25> kCifarPolicy = {{
    {{{ImageOp::kInvert, 0.1, 0}, {ImageOp::kContrast, 0.2, 6}}},
    {{{ImageOp::kRotate, 0.7, 2}, {ImageOp::kTranslateX, 0.3, 9}}},
    {{{ImageOp::kSharpness, 0.8, 1}, {ImageOp::kSharpness, 0.9, 3}}},
    {{{ImageOp::kShearY, 0.5, 8}, {ImageOp::kTranslateY, 0.7, 9}}},
    {{{ImageOp::kAutoContrast, 0.5, 0}, {ImageOp::kEqualize, 0.9, 0}}},
    {{{ImageOp::kShearY, 0.2, 7}, {ImageOp::kPosterize, 0.3, 7}}},
    {{{ImageOp::kColor, 0.4, 3}, {ImageOp::kBrightness, 0.6, 7}}},
    {{{ImageOp::kSharpness, 0.3, 9}, {ImageOp::kBrightness, 0.7, 9}}},
    {{{ImageOp::kEqualize, 0.6, 0}, {ImageOp::kEqualize, 0.5, 0}}},
    {{{ImageOp::kContrast, 0.6, 7}, {ImageOp::kSharpness, 0.6, 5}}},
    {{{ImageOp::kColor, 0.7, 7}, {ImageOp::kTranslateX, 0.5, 8}}},
    {{{ImageOp::kEqualize, 0.3, 0}, {ImageOp::kAutoContrast, 0.4, 0}}},
    {{{ImageOp::kTranslateY, 0.4, 3}, {ImageOp::kSharpness, 0.2, 6}}},
    {{{ImageOp::kBrightness, 0.9, 6}, {ImageOp::kColor, 0.2, 8}}},
    {{{ImageOp::kSolarize, 0.5, 2}, {ImageOp::kInvert, 0.0, 0}}},
    {{{ImageOp::kEqualize, 0.2, 0}, {ImageOp::kAutoContrast, 0.6, 0}}},
    {{{ImageOp::kEqualize, 0.2, 0}, {ImageOp::kEqualize, 0.6, 0}}},
    {{{ImageOp::kColor, 0.9, 9}, {ImageOp::kEqualize, 0.6, 0}}},
    {{{ImageOp::kAutoContrast, 0.8, 0}, {ImageOp::kSolarize, 0.2, 8}}},
    {{{ImageOp::kBrightness, 0.1, 3}, {ImageOp::kColor, 0.7, 0}}},
    {{{ImageOp::kSolarize, 0.4, 5}, {ImageOp::kAutoContrast, 0.9, 0}}},
    {{{ImageOp::kTranslateY, 0.9, 9}, {ImageOp::kTranslateY, 0.7, 9}}},
    {{{ImageOp::kAutoContrast, 0.9, 0}, {ImageOp::kSolarize, 0.8, 3}}},
    {{{ImageOp::kEqualize, 0.8, 0}, {ImageOp::kInvert, 0.1, 0}}},
    {{{ImageOp::kTranslateY, 0.7, 9}, {ImageOp::kAutoContrast, 0.9, 0}}},
}};

inline void apply_policy(image::ByteImage image, const AutoAugment& policy, Generator rng) {
  const auto& pair = kCifarPolicy[static_cast<std::size_t>(rng.integer(25))];
  for (const PolicyStep& step : pair) {
    if (!(rng.uniform() < step.probability)) continue;
    draw_sign_and_apply(image, step.op, step.ninths / 9.0, kRanges, policy.op, rng);
  }
}

inline void apply_policy(image::ByteImage, std::monostate, Generator) {}

}  // namespace detail

/// Does what the policy draws. The same generator gives the same image.
inline void apply_policy(image::ByteImage image, const Policy& policy, const Generator& rng) {
  std::visit([&](const auto& chosen) { detail::apply_policy(image, chosen, rng); }, policy);
}

}  // namespace eigengrad::data
