// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/augment.hpp>
#include <eigengrad/data/policy.hpp>
#include <eigengrad/data/windows.hpp>
#include <eigengrad/image/blur.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/enhance.hpp>
#include <eigengrad/image/hue.hpp>
#include <eigengrad/image/resize.hpp>
#include <eigengrad/image/warp.hpp>

/// From stored bytes to the float images that a model sees.
///
/// Every choice is a function of (seed, epoch, index of the image), so neither the number of
/// threads nor the order of the images changes a bit of the result.
namespace eigengrad::data {

/// Applies `Augment` to one image at a time.
class ImageTransform {
 public:
  /// For stored images (channels, height, width).
  /// **Throws** ValueError for a field of `augment` that is out of range for such images.
  ImageTransform(Augment augment, Index channels, Index height, Index width, std::uint64_t seed)
      : augment_(std::move(augment)),
        channels_(channels),
        stored_height_(height),
        stored_width_(width),
        height_(augment_.output_size > 0 ? augment_.output_size : height),
        width_(augment_.output_width > 0  ? augment_.output_width
               : augment_.output_size > 0 ? augment_.output_size
                                          : width),
        root_(seed) {
    detail::check_augment(augment_, channels_, height_, width_);
    const Augment& a = augment_;
    resizes_ = a.resized_crop || a.center_crop < 1 || height_ != height || width_ != width;
    warps_ = a.rotation > 0 || a.zoom.low != 1 || a.zoom.high != 1;
    changes_bytes_ = warps_ || detail::changes_colours(a) || a.blur.probability > 0;
    table_ = detail::normalization_table(augment_.normalization, channels);
  }

  /// Size of the images that it makes.
  Index height() const { return height_; }
  Index width() const { return width_; }

  /// Writes image `index` of the data set, whose bytes are at `image`, as it is seen in `epoch`.
  void operator()(float* out, const std::uint8_t* image, Index epoch, Index index) const {
    const Draw draw(*this, epoch, index);
    if (!resizes_) return finish(out, image, draw);
    // The most that anything below takes: which image needs how much is a matter of chance, and
    // scratch that grows in a late step asks the system for more.
    const image::ResizeOptions options = resize_options();
    reserve(image::detail::resize_scratch(channels_, stored_height_, stored_width_, height_, width_,
                                          options));
    eigengrad::detail::Scratch<std::uint8_t> resized(channels_ * height_ * width_);
    const image::ImageView view(image, channels_, stored_height_, stored_width_);
    image::detail::resize_image(resized.data(), height_, width_, view.at(window(draw)), options);
    finish(out, resized.data(), draw);
  }

 private:
  /// Each step draws from a stream of its own: switching one on changes no other's choices.
  enum Stream : std::uint64_t {
    kWindow = 1,
    kWarp,
    kPolicy,
    kJitter,
    kErasing,
    kCutout,
    kUpsideDown,
    kGrayscale,
    kBlur
  };

  /// The choices for one image.
  struct Draw {
    Draw(const ImageTransform& t, Index epoch, Index index)
        : rng(t.root_.fork(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index))) {
      const Index pad = t.augment_.crop_padding;
      down = pad > 0 ? rng.integer(2 * pad + 1) - pad : 0;
      right = pad > 0 ? rng.integer(2 * pad + 1) : 0;
      if (t.augment_.flip == Flip::kRandom) {
        const double p = t.augment_.flip_probability;
        // One bit is the toss of a coin, and keeps that of earlier versions.
        flip = p == 0.5 ? rng.next() & 1 : rng.uniform() < p;
      }
      if (t.augment_.flip == Flip::kAlternating) {
        Generator own = t.root_.fork(~std::uint64_t{0}, static_cast<std::uint64_t>(index));
        flip = (own.next() & 1) != static_cast<std::uint64_t>(epoch & 1);
      }
      upside_down = happens(t.augment_.vertical_flip, kUpsideDown);
    }
    bool happens(double probability, Stream number) const {
      return probability > 0 && stream(number).uniform() < probability;
    }
    Generator stream(Stream number) const { return rng.fork(number); }

    Generator rng;
    Index down, right;  // right is from the padded left edge
    bool flip = false, upside_down = false;
  };

  image::ResizeOptions resize_options() const {
    return {augment_.resized_crop ? augment_.resized_crop->interpolation
                                  : image::Interpolation::kBilinear};
  }

  image::Window window(const Draw& draw) const {
    if (!augment_.resized_crop) {
      return detail::central_window(stored_height_, stored_width_, height_, width_,
                                    augment_.center_crop);
    }
    Generator rng = draw.stream(kWindow);
    return detail::random_window(rng, *augment_.resized_crop, stored_height_, stored_width_);
  }

  /// What the operations on bytes take: a copy of the image and, for a warp, the places of a row.
  void reserve(Index more) const {
    const Index bytes = channels_ * height_ * width_;
    const eigengrad::detail::Scratch<std::uint8_t> most(3 * bytes + 64 * width_ + 4096 + more);
  }

  /// All that comes after the resizing, of an image of the right size.
  void finish(float* out, const std::uint8_t* image, const Draw& draw) const {
    if (!changes_bytes_) {
      crop(out, image, draw, [this](Index c, std::uint8_t v) {
        return table_[static_cast<std::size_t>(c * 256 + v)];
      });
    } else {
      if (!resizes_) reserve(0);
      eigengrad::detail::Scratch<std::uint8_t> bytes(channels_ * height_ * width_);
      crop(bytes.data(), image, draw, [](Index, std::uint8_t v) { return v; });
      change_bytes(image::ByteImage(bytes.data(), channels_, height_, width_), draw);
      const std::uint8_t* from = bytes.data();
      for (Index c = 0; c < channels_; ++c) {
        const float* const table = table_.data() + c * 256;
        for (Index i = 0; i < height_ * width_; ++i) *out++ = table[*from++];
      }
      out -= channels_ * height_ * width_;
    }
    if (augment_.erasing.probability > 0) {
      detail::random_erasing(draw.stream(kErasing), augment_.erasing, out, channels_, height_,
                             width_);
    }
    if (augment_.cutout > 0) {
      detail::random_cutout(draw.stream(kCutout), augment_.cutout, out, channels_, height_, width_);
    }
    if (augment_.custom) {
      Generator rng = draw.rng;
      augment_.custom({out, static_cast<std::size_t>(channels_ * height_ * width_)}, rng);
    }
  }

  /// Shifts and mirrors; each pixel becomes `value(channel, byte)`.
  template <class T, class Value>
  void crop(T* out, const std::uint8_t* image, const Draw& draw, const Value& value) const {
    const Index pad = augment_.crop_padding;
    eigengrad::detail::Scratch<std::uint8_t> padded(width_ + 2 * pad);
    for (Index c = 0; c < channels_; ++c) {
      for (Index y = 0; y < height_; ++y, out += width_) {
        Index from = (draw.upside_down ? height_ - 1 - y : y) + draw.down;
        if (from < 0 || from >= height_) {
          if (augment_.padding == Padding::kZero) {
            std::fill_n(out, width_, value(c, 0));
            continue;
          }
          from = from < 0 ? -from : 2 * (height_ - 1) - from;
        }
        const std::uint8_t* row = image + (c * height_ + from) * width_;
        if (pad > 0) {
          pad_row(padded.data(), row);
          row = padded.data() + draw.right;
        }
        if (draw.flip) {
          for (Index x = 0; x < width_; ++x) out[x] = value(c, row[width_ - 1 - x]);
        } else {
          for (Index x = 0; x < width_; ++x) out[x] = value(c, row[x]);
        }
      }
    }
  }

  void pad_row(std::uint8_t* padded, const std::uint8_t* row) const {
    const Index pad = augment_.crop_padding;
    std::copy_n(row, width_, padded + pad);
    for (Index i = 1; i <= pad; ++i) {
      const bool zero = augment_.padding == Padding::kZero;
      padded[pad - i] = zero ? std::uint8_t{0} : row[i];
      padded[pad + width_ - 1 + i] = zero ? std::uint8_t{0} : row[width_ - 1 - i];
    }
  }

  void change_bytes(image::ByteImage image, const Draw& draw) const {
    if (warps_) {
      Generator rng = draw.stream(kWarp);
      const double degrees = rng.uniform(-augment_.rotation, augment_.rotation);
      const double zoom = rng.uniform(augment_.zoom.low, augment_.zoom.high);
      image::affine(image, image::rotation_matrix(degrees, zoom, height_, width_),
                    image::Interpolation::kBilinear, {0, augment_.padding == Padding::kReflect});
    }
    apply_policy(image, augment_.policy, draw.stream(kPolicy));
    jitter(image, draw.stream(kJitter));
    if (draw.happens(augment_.grayscale, kGrayscale)) image::adjust_saturation(image, 0);
    if (draw.happens(augment_.blur.probability, kBlur)) blur(image, draw.stream(kBlur));
  }

  void blur(image::ByteImage image, Generator rng) const {
    const GaussianBlur& options = augment_.blur;
    rng.next();  // it said whether
    const double sigma = rng.uniform(options.sigma.low, options.sigma.high);
    const auto whole = static_cast<Index>(std::ceil(3 * sigma));
    const Index most = std::min(height_, width_) - 1;
    image::gaussian_blur(image, std::min(options.radius > 0 ? options.radius : whole, most), sigma);
  }

  void jitter(image::ByteImage image, Generator rng) const {
    const ColorJitter& j = augment_.jitter;
    const auto factor = [&rng](double x) { return rng.uniform(std::max(0.0, 1 - x), 1 + x); };
    const double brightness = factor(j.brightness);
    const double contrast = factor(j.contrast);
    const double saturation = factor(j.saturation);
    const double hue = rng.uniform(-j.hue, j.hue);
    std::array<int, 4> order = {0, 1, 2, 3};
    for (Index i = 3; i > 0; --i) {
      std::swap(order[static_cast<std::size_t>(i)],
                order[static_cast<std::size_t>(rng.integer(i + 1))]);
    }
    for (const int which : order) {
      if (which == 0 && j.brightness > 0) image::adjust_brightness(image, brightness);
      if (which == 1 && j.contrast > 0) image::adjust_contrast(image, contrast);
      if (which == 2 && j.saturation > 0) image::adjust_saturation(image, saturation);
      if (which == 3 && j.hue > 0) image::adjust_hue(image, hue);
    }
  }

  Augment augment_;
  Index channels_;
  Index stored_height_, stored_width_;
  Index height_, width_;
  Generator root_;
  bool resizes_ = false, warps_ = false, changes_bytes_ = false;
  std::vector<float> table_;
};

}  // namespace eigengrad::data
