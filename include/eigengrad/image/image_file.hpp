// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/image/image_format.hpp>
#include <eigengrad/image/stb.hpp>
#include <eigengrad/io/file.hpp>

/// Pictures in and out of files: PNG, JPEG, BMP, PPM and PGM are read, PNG is written.
///
/// Not in the umbrella, for it needs stb (https://github.com/nothings/stb; Debian's libstb-dev):
/// the headers alone, there is nothing to link.
///
/// stb is compiled privately into each source file (stb.hpp), with that file's own settings, so the
/// functions that reach it are `static` too: an inline function would be the same one in the whole
/// program, made from whichever file's stb the linker takes.
namespace eigengrad::image {

/// More pixels than this are refused before memory is asked for: a header of fifty bytes can claim
/// any size.
inline constexpr Index kMaxImagePixels = 200'000'000;

namespace detail {

[[noreturn]] inline void fail_image(const std::string& name, const std::string& what) {
  throw IoError(eigengrad::detail::concat("[image] cannot read ", name, ": ", what));
}

inline void check_image_size(const std::string& name, Index width, Index height) {
  if (width < 1 || height < 1 || width > kMaxImagePixels / height) {
    fail_image(name, eigengrad::detail::concat("it says that it is ", width, "x", height,
                                               " pixels; from 1 to ", kMaxImagePixels,
                                               " in all are read"));
  }
}

inline constexpr const char* kCutOff = "it is cut off; fetch or export it again";
inline constexpr const char* kDamaged = "it is damaged; fetch or export it again";

/// Pixel (y, x) of the picture, as it is to be looked at, is the stored one at
/// first + y * down + x * right.
struct Orientation {
  bool transposed;  ///< height and width change places
  Index first, down, right;

  Orientation(int exif, Index height, Index width) : transposed(exif >= 5) {
    const Index last_row = (height - 1) * width;
    const Index last = height * width - 1;
    switch (exif) {
      case 2:
        set(width - 1, width, -1);
        break;
      case 3:
        set(last, -width, -1);
        break;
      case 4:
        set(last_row, -width, 1);
        break;
      case 5:
        set(0, 1, width);
        break;
      case 6:
        set(last_row, 1, -width);
        break;
      case 7:
        set(last, -1, -width);
        break;
      case 8:
        set(width - 1, -1, width);
        break;
      default:
        set(0, width, 1);
    }
  }

 private:
  void set(Index first_, Index down_, Index right_) {
    first = first_;
    down = down_;
    right = right_;
  }
};

/// From interleaved samples (height, width, channels; 1 or 3 of them) to (3, H, W) the right way
/// up. `sample(i)` is the byte of sample number i.
template <class Sample>
NdArray<std::uint8_t> to_planes(Index height, Index width, Index channels, int exif,
                                const Sample& sample) {
  const Orientation o(exif, height, width);
  NdArray<std::uint8_t> out({3, o.transposed ? width : height, o.transposed ? height : width});
  std::uint8_t* at = out.data();
  for (Index c = 0; c < 3; ++c) {
    for (Index y = 0; y < out.dim(1); ++y) {
      Index from = (o.first + y * o.down) * channels + (channels == 3 ? c : 0);
      for (Index x = 0; x < out.dim(2); ++x, from += o.right * channels) *at++ = sample(from);
    }
  }
  return out;
}

inline NdArray<std::uint8_t> decode_pnm(std::string_view bytes, const std::string& name) {
  const PnmHeader h = pnm_header(bytes);
  if (!h.ok) fail_image(name, "its header is damaged; fetch or export it again");
  check_image_size(name, h.width, h.height);
  const Index size = h.largest > 255 ? 2 : 1;
  const Index needed = h.width * h.height * h.channels * size;
  if (static_cast<Index>(bytes.size() - h.pixels_at) < needed) fail_image(name, kCutOff);
  const ByteView pixels{bytes.substr(h.pixels_at)};
  return to_planes(h.height, h.width, h.channels, 1, [&](Index i) {
    const Index value = pixels.number(static_cast<std::size_t>(i * size), static_cast<int>(size));
    return static_cast<std::uint8_t>((std::min(value, h.largest) * 255 + h.largest / 2) /
                                     h.largest);
  });
}

static inline NdArray<std::uint8_t> decode_stb(std::string_view bytes, const std::string& name,
                                               int exif) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) {
    fail_image(name,
               eigengrad::detail::concat("its header is cut off, damaged or claims too much (",
                                         stbi_failure_reason(), "); fetch or export it again"));
  }
  check_image_size(name, width, height);
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 3), stbi_image_free);
  if (!pixels) {
    fail_image(name,
               eigengrad::detail::concat("it is cut off, damaged or of a rare kind (",
                                         stbi_failure_reason(), "); fetch or export it again"));
  }
  const stbi_uc* p = pixels.get();
  return to_planes(height, width, 3, exif, [p](Index i) { return p[i]; });
}

}  // namespace detail

/// A picture from the bytes of its file as RGB, (3, H, W). `name` goes into the messages.
///
/// Grey becomes three equal channels, 16 bits become 8, transparency is dropped (the colour that
/// stands below it stays), and a JPEG is rotated as its camera's orientation says.
///
/// **Throws** IoError when the bytes are of another format, cut off or damaged, or claim more than
/// `kMaxImagePixels`.
static inline NdArray<std::uint8_t> decode_image(std::string_view bytes,
                                                 const std::string& name = "the picture") {
  if (bytes.empty()) detail::fail_image(name, "it is empty");
  if (bytes.size() > INT_MAX) detail::fail_image(name, "it is larger than 2 GiB");
  switch (detail::image_format(bytes)) {
    case detail::ImageFormat::kPnm:
      return detail::decode_pnm(bytes, name);
    case detail::ImageFormat::kPng:
      return detail::decode_stb(bytes, name, 1);
    case detail::ImageFormat::kBmp:
      if (!detail::bmp_is_complete(bytes)) detail::fail_image(name, detail::kCutOff);
      return detail::decode_stb(bytes, name, 1);
    case detail::ImageFormat::kJpeg: {
      const detail::JpegFacts facts = detail::jpeg_facts(bytes);
      if (facts.damaged) detail::fail_image(name, detail::kDamaged);
      if (!facts.complete) detail::fail_image(name, detail::kCutOff);
      return detail::decode_stb(bytes, name, facts.orientation);
    }
    case detail::ImageFormat::kUnknown:
      break;
  }
  const std::string_view foreign = detail::foreign_format(bytes);
  if (!foreign.empty()) {
    detail::fail_image(
        name, eigengrad::detail::concat("it is ", foreign, " file; convert it to PNG or JPEG"));
  }
  detail::fail_image(name, "it is no PNG, JPEG, BMP, PPM or PGM picture");
}

/// A picture from a file as RGB, (3, H, W); see `decode_image`. **Throws** IoError, naming the
/// file.
static inline NdArray<std::uint8_t> read_image(const std::string& path) {
  return decode_image(io::read_file(path), path);
}

/// The bytes of a PNG file of an image (C, H, W): grey (C = 1), grey with alpha (2), RGB (3) or RGB
/// with alpha (4).
///
/// **Throws** ShapeError for another shape.
static inline std::string encode_png(const NdArray<std::uint8_t>& image) {
  if (image.rank() != 3 || image.dim(0) < 1 || image.dim(0) > 4 || image.numel() == 0 ||
      image.numel() > INT_MAX / 2) {
    throw ShapeError(eigengrad::detail::concat(
        "[encode_png] needs an image (C, H, W) with 1 to 4 channels: ", image.shape()));
  }
  const Index channels = image.dim(0);
  const Index area = image.dim(1) * image.dim(2);
  std::string pixels(static_cast<std::size_t>(image.numel()), '\0');
  for (Index c = 0; c < channels; ++c) {
    const std::uint8_t* plane = image.data() + c * area;
    for (Index i = 0; i < area; ++i) {
      pixels[static_cast<std::size_t>(i * channels + c)] = static_cast<char>(plane[i]);
    }
  }
  std::string out;
  const auto append = [](void* to, void* data, int size) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(data),
                                          static_cast<std::size_t>(size));
  };
  const int width = static_cast<int>(image.dim(2));
  if (!stbi_write_png_to_func(append, &out, width, static_cast<int>(image.dim(1)),
                              static_cast<int>(channels), pixels.data(),
                              width * static_cast<int>(channels))) {
    throw StateError("[encode_png] there is not enough memory");
  }
  return out;
}

/// Writes a PNG file of an image (C, H, W), as a whole or not at all; see `encode_png`.
/// **Throws** ShapeError; IoError when the file cannot be written.
static inline void write_png(const std::string& path, const NdArray<std::uint8_t>& image) {
  io::write_file(path, encode_png(image));
}

}  // namespace eigengrad::image
