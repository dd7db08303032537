// SPDX-License-Identifier: MIT
// A unit with an stb of its own, which reads JPEG alone. What the library reads here is read by it;
// what it reads in the other unit is not.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
#pragma GCC diagnostic pop

#include <cstdio>

#include <eigengrad/image/image_file.hpp>

bool other_unit_reads(const std::string& png);

int main() {
  const std::string png = eigengrad::image::encode_png(
      eigengrad::NdArray<std::uint8_t>({1, 2, 2}, {1, 2, 3, 4}));
  bool refused = false;
  try {
    eigengrad::image::decode_image(png);
  } catch (const eigengrad::IoError&) {
    refused = true;
  }
  if (!refused) std::puts("the unit with an stb without PNG read a PNG: with another unit's stb");
  const bool read = other_unit_reads(png);
  if (!read) std::puts("the unit with the library's stb read with another unit's");
  return refused && read ? 0 : 1;
}
