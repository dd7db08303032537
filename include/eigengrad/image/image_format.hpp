// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>

/// What the bytes of a picture say about themselves before they are decoded: the format, whether
/// they are all there, and which way up a camera held it. Part of `eigengrad/image/image_file.hpp`.
namespace eigengrad::image::detail {

enum class ImageFormat { kUnknown, kPng, kJpeg, kBmp, kPnm };

/// By the first bytes: names lie.
inline ImageFormat image_format(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (bytes.starts_with("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (bytes.starts_with("BM")) return ImageFormat::kBmp;
  if (bytes.starts_with("P5") || bytes.starts_with("P6")) return ImageFormat::kPnm;
  return ImageFormat::kUnknown;
}

/// The name of a picture format that is known, but not read; else empty.
inline std::string_view foreign_format(std::string_view bytes) {
  if (bytes.starts_with("GIF8")) return "a GIF";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "a WebP";
  if (bytes.starts_with(std::string_view("II*\0", 4)) ||
      bytes.starts_with(std::string_view("MM\0*", 4))) {
    return "a TIFF";
  }
  if (bytes.size() > 8 && bytes.substr(4, 4) == "ftyp") return "a HEIF or AVIF";
  return "";
}

/// Whole numbers out of bytes; 0 past their end.
struct ByteView {
  std::string_view bytes;
  bool big_endian = true;

  std::uint32_t number(std::size_t at, int size) const {
    std::uint32_t out = 0;
    for (int i = 0; i < size; ++i) {
      const std::size_t k = at + static_cast<std::size_t>(big_endian ? i : size - 1 - i);
      out = out << 8 | (k < bytes.size() ? static_cast<std::uint8_t>(bytes[k]) : 0u);
    }
    return out;
  }
};

/// The orientation (1 to 8) in an Exif segment, 1 when it names none.
///
/// **Source** Exif 2.3, CIPA DC-008-2012, 4.6.4: tag 0x0112 of the first directory.
inline int exif_orientation(std::string_view segment) {
  constexpr std::string_view head("Exif\0\0", 6);
  if (!segment.starts_with(head)) return 1;
  const ByteView tiff{segment.substr(head.size()), segment.substr(head.size()).starts_with("MM")};
  const std::size_t directory = tiff.number(4, 4);
  const std::uint32_t entries = tiff.number(directory, 2);
  for (std::uint32_t i = 0; i < entries && directory + 12 * i < tiff.bytes.size(); ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.number(entry, 2) != 0x0112) continue;
    const std::uint32_t value = tiff.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

struct JpegFacts {
  bool damaged = false;   ///< something that a decoder might stumble over
  bool complete = false;  ///< the mark of its end is there; decoders make up what is missing
  int orientation = 1;
};

/// Does each Huffman table of a segment have at most 256 codes? stb_image, before 2.28, believes
/// it and writes after its own.
inline bool huffman_tables_fit(std::string_view segment) {
  const ByteView view{segment};
  for (std::size_t at = 0; at < segment.size();) {
    std::size_t codes = 0;
    for (std::size_t i = 1; i <= 16; ++i) codes += view.number(at + i, 1);
    if (codes > 256) return false;
    at += 17 + codes;
  }
  return true;
}

/// Walks over the segments, and over the pixels between them, up to the end.
///
/// **Source** ITU-T T.81, annex B
inline JpegFacts jpeg_facts(std::string_view bytes) {
  JpegFacts out;
  const ByteView view{bytes};
  bool pixels = false;
  for (std::size_t at = 2; at + 1 < bytes.size();) {
    const bool marked = view.number(at, 1) == 0xFF;
    const std::uint32_t marker = view.number(at + 1, 1);
    const bool in_pixels = marker == 0 || (marker >= 0xD0 && marker <= 0xD7);
    if (!marked || marker == 0xFF || (pixels && in_pixels)) {
      ++at;  // pixels, filling, or bytes that decoders skip as well
      continue;
    }
    if (marker == 0xD9) {
      out.complete = true;
      return out;
    }
    const std::size_t length = std::max<std::size_t>(view.number(at + 2, 2), 2);
    const std::string_view segment = bytes.substr(std::min(at + 4, bytes.size()), length - 2);
    if (marker == 0xE1 && out.orientation == 1) out.orientation = exif_orientation(segment);
    if (marker == 0xC4) out.damaged = out.damaged || !huffman_tables_fit(segment);
    pixels = marker == 0xDA;
    at += 2 + length;
  }
  return out;
}

/// Are all the rows of an uncompressed BMP there? Decoders read zeros for those that are not.
inline bool bmp_is_complete(std::string_view bytes) {
  const ByteView view{bytes, false};
  const bool core = view.number(14, 4) == 12;  // the header of OS/2
  const std::uint64_t width = core ? view.number(18, 2) : view.number(18, 4);
  const auto signed_height = static_cast<std::int32_t>(view.number(22, 4));
  const std::uint64_t height = core ? view.number(20, 2)
                                    : static_cast<std::uint64_t>(std::max<std::int64_t>(
                                          signed_height, -std::int64_t{signed_height}));
  const std::uint64_t bits = core ? view.number(24, 2) : view.number(28, 2);
  const std::uint64_t row = divide_up(width * std::min<std::uint64_t>(bits, 32), 32) * 4;
  // Rows are below 2^36 bytes and fewer than 2^32: divide, for the product could overflow.
  const std::uint64_t first = view.number(10, 4);
  return first <= bytes.size() && (height == 0 || row <= (bytes.size() - first) / height);
}

/// What a PGM or PPM says before its pixels.
struct PnmHeader {
  bool ok = false;
  Index channels = 0, width = 0, height = 0, largest = 0;
  std::size_t pixels_at = 0;
};

/// **Source** https://netpbm.sourceforge.net/doc/ppm.html
inline PnmHeader pnm_header(std::string_view bytes) {
  PnmHeader out;
  out.channels = bytes.starts_with("P6") ? 3 : 1;
  std::size_t at = 2;
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (Index* field : {&out.width, &out.height, &out.largest}) {
    while (at < bytes.size() && (is_space(bytes[at]) || bytes[at] == '#')) {
      if (bytes[at] == '#') at = std::min(bytes.find('\n', at), bytes.size() - 1);
      ++at;
    }
    const auto [end, error] =
        std::from_chars(bytes.data() + at, bytes.data() + bytes.size(), *field);
    if (error != std::errc() || *field < 1) return out;
    at = static_cast<std::size_t>(end - bytes.data());
  }
  out.pixels_at = at + 1;  // one space after the last number
  out.ok = at < bytes.size() && is_space(bytes[at]) && out.largest < 65536 &&
           out.width < (Index{1} << 31) && out.height < (Index{1} << 31);
  return out;
}

}  // namespace eigengrad::image::detail
