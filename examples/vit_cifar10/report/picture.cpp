// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/image/image_file.hpp>
#include <eigengrad/image/resize.hpp>
#include <eigengrad/ops/interpolate.hpp>
#include <examples/vit_cifar10/report/picture.hpp>

namespace vit::report {
namespace {

namespace eg = eigengrad;

/// RFC 4648, section 4.
std::string base64(const std::string& bytes) {
  constexpr const char* letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? letters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace

NdArray<float> resized(const NdArray<float>& x, Index height, Index width) {
  const eg::NoGrad no_grad;
  const bool plane = x.rank() == 2;
  const Index channels = plane ? 1 : x.dim(0);
  const eg::Tensor<float> image(x.reshape({1, channels, x.dim(-2), x.dim(-1)}));
  const NdArray<float> out =
      eg::interpolate(image, {height, width}, {.mode = eg::Interpolation::kBicubic}).value();
  return plane ? out.reshape({height, width}) : out.reshape({channels, height, width});
}

Picture resized(const Picture& picture, Index height, Index width) {
  return eg::image::resize(picture, height, width,
                           {.interpolation = eg::image::Interpolation::kBicubic});
}

Picture to_bytes(const NdArray<float>& values) {
  Picture out(values.shape());
  std::transform(values.begin(), values.end(), out.begin(), [](float x) {
    return static_cast<std::uint8_t>(x > 0 ? std::min(x + 0.5f, 255.f) : 0.f);  // NaN is black
  });
  return out;
}

Picture stretch(const NdArray<float>& values, float low, float high) {
  NdArray<float> out(values.shape());
  const float scale = high > low ? 255 / (high - low) : 0;
  std::transform(values.begin(), values.end(), out.begin(),
                 [&](float x) { return (x - low) * scale; });
  return to_bytes(out);
}

NdArray<float> map_of(const NdArray<float>& maps, Index i) {
  NdArray<float> out({maps.dim(1), maps.dim(2)});
  std::copy_n(maps.data() + i * out.numel(), out.numel(), out.data());
  return out;
}

Picture overlay(const Picture& picture, const NdArray<float>& map) {
  const Index height = picture.dim(1);
  const Index width = picture.dim(2);
  const Index area = height * width;
  const auto [least, most] = std::minmax_element(map.begin(), map.end());
  const NdArray<float> fine = resized(map, height, width);
  const float range = *most - *least;
  Picture out(picture.shape());
  for (Index i = 0; i < area; ++i) {
    const float raw = range > 0 ? (fine.data()[i] - *least) / range : 0.f;
    const double x = raw == raw ? std::clamp(double(raw), 0.0, 1.0) : 0.0;
    const std::uint8_t* p = picture.data() + i;
    const double grey = 0.2126 * p[0] + 0.7152 * p[area] + 0.0722 * p[2 * area];
    // The darkest colours would only hide the picture, so the map begins a little above them.
    const Rgb rgb = colour(kInferno, 0.08 + 0.92 * x);
    const double share = 0.42 + 0.23 * x;
    for (Index c = 0; c < 3; ++c) {
      out.data()[c * area + i] = static_cast<std::uint8_t>(
          std::lround((1 - share) * grey + share * rgb[static_cast<std::size_t>(c)]));
    }
  }
  return out;
}

Picture side_by_side(std::span<const Picture> pictures, Index gap) {
  const Index height = pictures.front().dim(1);
  const Index width = pictures.front().dim(2);
  const Index n = static_cast<Index>(pictures.size());
  const Index total = n * width + (n - 1) * gap;
  Picture out = Picture::full({3, height, total}, 255);
  for (Index k = 0; k < n; ++k) {
    const Picture& p = pictures[static_cast<std::size_t>(k)];
    for (Index row = 0; row < 3 * height; ++row) {
      std::copy_n(p.data() + row * width, width, out.data() + row * total + k * (width + gap));
    }
  }
  return out;
}

Picture thumbnail(const eg::data::ImageDataset& images, Index i) {
  constexpr Index kLargest = 96;
  const Index height = images.height();
  const Index width = images.width();
  Picture out({3, height, width});
  for (Index c = 0; c < 3; ++c) {  // a grey image has one channel for all three
    std::copy_n(images.image(i) + c % images.channels() * height * width, height * width,
                out.data() + c * height * width);
  }
  const Index larger = std::max(height, width);
  if (larger <= kLargest) return out;
  return resized(out, std::max<Index>(1, height * kLargest / larger),
                 std::max<Index>(1, width * kLargest / larger));
}

Picture enlarged(const Picture& picture, Index least) {
  const Index smaller = std::max<Index>(1, std::min(picture.dim(1), picture.dim(2)));
  const Index factor = std::max<Index>(1, eg::divide_up(least, smaller));
  return resized(picture, picture.dim(1) * factor, picture.dim(2) * factor);
}

std::string image_tag(const Picture& picture, const std::string& alt, bool crisp) {
  return "<img alt=\"" + alt + "\" width=\"" + std::to_string(picture.dim(2)) + "\" height=\"" +
         std::to_string(picture.dim(1)) + "\"" + (crisp ? " class=\"crisp\"" : "") +
         " src=\"data:image/png;base64," + base64(eg::image::encode_png(picture)) + "\"/>";
}

}  // namespace vit::report
