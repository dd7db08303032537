// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/normalization.hpp>
#include <eigengrad/data/policy.hpp>
#include <eigengrad/image/resize.hpp>

/// What can be done with an image on its way to the model.
namespace eigengrad::data {

/// Mirroring left to right: never; by the toss of a coin for each epoch and image; or
/// alternating, from a random start for each image, so that any two consecutive epochs show both
/// sides.
///
/// **Source** for kAlternating: K. Jordan, arXiv 2404.00498.
enum class Flip { kNone, kRandom, kAlternating };

/// What stands around an image that is moved: black, or its own mirror image without the edge.
enum class Padding { kZero, kReflect };

/// From where to where a number is drawn, uniformly.
struct Range {
  double low = 0;
  double high = 0;
};

/// A part of the image, of random area and shape, made as large as the output.
///
/// **Source**
/// https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomResizedCrop.html
struct RandomResizedCrop {
  /// Share of the image's area.
  Range scale = {0.08, 1};
  /// Width over height; its logarithm is uniform.
  Range ratio = {3.0 / 4, 4.0 / 3};
  image::Interpolation interpolation = image::Interpolation::kBilinear;
};

/// Brightness, contrast and saturation by factors in [1 - x, 1 + x], hue moved by up to x of the
/// circle (at most 0.5), in random order.
struct ColorJitter {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;
};

/// A Gaussian blur of random strength.
///
/// **Source**
/// https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.GaussianBlur.html
struct GaussianBlur {
  /// Share of the images that are blurred; usual are 0.1 to 0.5.
  double probability = 0;
  /// Standard deviation in pixels.
  Range sigma = {0.1, 2};
  /// Pixels to each side that count; 0 is three times sigma.
  Index radius = 0;
};

/// A rectangle of the finished image that is replaced by the mean (0 after the normalisation) or
/// by standard normal noise.
///
/// **Source** Z. Zhong et al., arXiv 1708.04896.
struct RandomErasing {
  /// Share of the images that lose a rectangle; usual are 0.25 and 0.5.
  double probability = 0;
  /// Share of the image's area.
  Range scale = {0.02, 0.33};
  /// Height over width; its logarithm is uniform.
  Range ratio = {0.3, 3.3};
  bool noise = false;
};

/// How images are changed on their way to the model, in the order of the fields; normalisation
/// comes before erasing. The default only normalises: for evaluation.
///
///     {.normalization = statistics, .crop_padding = 4, .flip = Flip::kRandom,
///      .policy = RandAugment{.magnitude = 9}, .erasing = {.probability = 0.25}}
struct Augment {
  Normalization normalization = {};

  /// Side of the square images that the model sees; 0 is the size that they are stored in.
  Index output_size = 0;
  /// Their width where they are not square, and output_size is their height; 0: square.
  Index output_width = 0;
  /// Share of the height and the width of the central window that is made the output; for
  /// evaluation. The window is as large as it can be, and has the output's form.
  double center_crop = 1;
  /// For training, takes the place of that window.
  std::optional<RandomResizedCrop> resized_crop = {};

  /// Random crop: shift by up to this many pixels in each direction.
  Index crop_padding = 0;
  /// What comes in from outside, for crop_padding, rotation and zoom.
  Padding padding = Padding::kReflect;
  Flip flip = Flip::kNone;
  /// Share of the images that Flip::kRandom mirrors.
  double flip_probability = 0.5;
  /// Share of the images that are mirrored upside down.
  double vertical_flip = 0;
  /// Rotates by up to this many degrees in either direction, 0 to 180.
  double rotation = 0;
  /// Makes what is on the image larger by a factor from this range; the size stays.
  Range zoom = {1, 1};
  Policy policy = {};
  ColorJitter jitter = {};
  /// Share of the images that lose their colours; usual is 0.2.
  double grayscale = 0;
  GaussianBlur blur = {};

  // From here on the image is normalised.
  RandomErasing erasing = {};
  /// Side in pixels of a square at a random place that becomes the mean (0); what of it is beyond
  /// the edge is lost. **Source** T. DeVries and G. W. Taylor, arXiv 1708.04552.
  Index cutout = 0;
  /// Your own step: changes one finished image (C, H, W) in place, with a generator of its own.
  /// Called from several threads at once.
  std::function<void(std::span<float> image, Generator& rng)> custom = {};
};

namespace detail {

[[noreturn]] inline void bad_augment(const char* field, const char* rule, double value) {
  throw ValueError(eigengrad::detail::concat("[augment] ", field, " must be ", rule, ": ", value));
}

/// **Throws** ValueError unless lowest < low <= high <= highest.
inline void check_range(const char* field, const Range& range, double lowest, double highest,
                        const char* rule) {
  if (!(range.low > lowest && range.low <= range.high && range.high <= highest)) {
    throw ValueError(eigengrad::detail::concat("[augment] ", field, " must be ", rule, ": {",
                                               range.low, ", ", range.high, "}"));
  }
}

inline void check_share(const char* field, double value) {
  if (!(value >= 0 && value <= 1)) bad_augment(field, "in [0, 1]", value);
}

inline void check_policy(const Policy& policy) {
  if (const auto* rand = std::get_if<RandAugment>(&policy)) {
    if (rand->num_ops < 0) {
      bad_augment("policy.num_ops", "at least 0", static_cast<double>(rand->num_ops));
    }
    if (!(rand->magnitude >= 0 && rand->magnitude <= 30)) {
      bad_augment("policy.magnitude", "in [0, 30]", rand->magnitude);
    }
    if (!(rand->magnitude_std >= 0 && std::isfinite(rand->magnitude_std))) {
      bad_augment("policy.magnitude_std", "at least 0", rand->magnitude_std);
    }
  }
  const bool cubic = std::visit(
      [](const auto& chosen) {
        if constexpr (requires { chosen.op; }) {
          return chosen.op.interpolation == image::Interpolation::kBicubic;
        }
        return false;
      },
      policy);
  if (cubic) {
    throw ValueError("[augment] policy.op.interpolation must be kNearest or kBilinear");
  }
}

/// Whether the colours of an image are changed, which takes one channel or three.
inline bool changes_colours(const Augment& augment) {
  const ColorJitter& j = augment.jitter;
  return !std::holds_alternative<std::monostate>(augment.policy) || j.brightness > 0 ||
         j.contrast > 0 || j.saturation > 0 || j.hue > 0 || augment.grayscale > 0;
}

/// **Throws** ValueError for a field that is out of range for images of `channels`, which leave the
/// geometry as (height, width).
inline void check_augment(const Augment& a, Index channels, Index height, Index width) {
  using eigengrad::detail::concat;
  const auto fail = [](const auto&... what) { throw ValueError(concat("[augment] ", what...)); };
  check_normalization("augment", a.normalization, channels);
  if (a.output_size < 0) fail("output_size must not be negative: ", a.output_size);
  if (a.output_width < 0) fail("output_width must not be negative: ", a.output_width);
  if (a.output_width > 0 && a.output_size == 0) {
    fail("output_width ", a.output_width, " needs the height, output_size");
  }
  if (!(a.center_crop > 0 && a.center_crop <= 1)) {
    bad_augment("center_crop", "in (0, 1]", a.center_crop);
  }
  if (a.resized_crop) {
    check_range("resized_crop.scale", a.resized_crop->scale, 0, 1, "a range in (0, 1]");
    check_range("resized_crop.ratio", a.resized_crop->ratio, 0, 1e6, "a positive range");
  }
  const Index pad = a.crop_padding;
  if (pad < 0) fail("crop_padding must not be negative: ", pad);
  if (pad > 0 && pad >= std::min(height, width)) {
    fail("crop_padding ", pad, " must be below the image's size, ", height, " x ", width);
  }
  check_share("flip_probability", a.flip_probability);
  check_share("vertical_flip", a.vertical_flip);
  if (!(a.rotation >= 0 && a.rotation <= 180)) bad_augment("rotation", "in [0, 180]", a.rotation);
  check_range("zoom", a.zoom, 0, 1e3, "a positive range");
  check_policy(a.policy);
  for (const auto& [field, value] : {std::pair{"jitter.brightness", a.jitter.brightness},
                                     std::pair{"jitter.contrast", a.jitter.contrast},
                                     std::pair{"jitter.saturation", a.jitter.saturation}}) {
    if (!(value >= 0 && std::isfinite(value))) bad_augment(field, "at least 0", value);
  }
  if (!(a.jitter.hue >= 0 && a.jitter.hue <= 0.5)) {
    bad_augment("jitter.hue", "in [0, 0.5]", a.jitter.hue);
  }
  check_share("grayscale", a.grayscale);
  check_share("blur.probability", a.blur.probability);
  check_range("blur.sigma", a.blur.sigma, 0, 1e3, "a positive range");
  if (a.blur.radius < 0) fail("blur.radius must not be negative: ", a.blur.radius);
  if (changes_colours(a) && channels != 1 && channels != 3) {
    fail("policy, jitter and grayscale need images of 1 or 3 channels, these have ", channels);
  }
  check_share("erasing.probability", a.erasing.probability);
  check_range("erasing.scale", a.erasing.scale, 0, 1, "a range in (0, 1]");
  check_range("erasing.ratio", a.erasing.ratio, 0, 1e6, "a positive range");
  if (a.cutout < 0) fail("cutout must not be negative: ", a.cutout);
}

}  // namespace detail
}  // namespace eigengrad::data
