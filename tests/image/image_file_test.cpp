// SPDX-License-Identifier: MIT
#include <eigengrad/image/image_file.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
namespace image = eg::image;
using test::NdArray;
using Bytes = NdArray<std::uint8_t>;

namespace {

std::string file_of(const std::string& name) {
  const Bytes bytes = test::Reference("image").get<std::uint8_t>(name + ".file");
  return {bytes.begin(), bytes.end()};
}

/// The largest difference between a decoded file and Pillow's picture of it.
int error_of(const std::string& name) {
  const Bytes expected = test::Reference("image").get<std::uint8_t>(name + ".rgb");
  const Bytes actual = image::decode_image(file_of(name), name);
  if (!(actual.shape() == expected.shape())) return 256;
  int worst = 0;
  for (eg::Index i = 0; i < actual.numel(); ++i) {
    worst = std::max(worst, std::abs(int{actual.data()[i]} - int{expected.data()[i]}));
  }
  return worst;
}

std::string message(const std::string& bytes) {
  try {
    image::decode_image(bytes, "x");
  } catch (const eg::IoError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("lossless files have the pixels that Pillow reads", "[image]") {
  for (const char* name :
       {"png_rgb", "png_grey", "png_palette", "png_one_bit", "png_rgba", "png_grey_alpha",
        "png_grey_16", "bmp_rgb", "bmp_palette", "ppm", "pgm", "ppm_comment", "ppm_16", "pgm_15"}) {
    INFO(name);
    CHECK(error_of(name) == 0);
  }
}

TEST_CASE("JPEG files differ from Pillow by rounding", "[image]") {
  for (const char* name : {"jpeg_rgb", "jpeg_grey", "jpeg_progressive"}) {
    INFO(name);
    CHECK(error_of(name) <= 2);
  }
  CHECK(error_of("jpeg_subsampled") <= 12);  // decoders enlarge colour in ways of their own
}

TEST_CASE("a JPEG is rotated the right way up", "[image]") {
  for (int value = 1; value <= 8; ++value) {
    INFO(value);
    CHECK(error_of("orientation_" + std::to_string(value)) <= 2);
  }
  CHECK(error_of("orientation_big_endian") <= 2);
}

TEST_CASE("each of a file's beginnings is an error, not a picture", "[image]") {
  for (const char* name : {"png_rgb", "png_grey_16", "bmp_rgb", "bmp_palette", "jpeg_rgb",
                           "jpeg_progressive", "ppm", "ppm_comment", "ppm_16"}) {
    const std::string whole = file_of(name);
    REQUIRE_NOTHROW(image::decode_image(whole));
    // stb has the picture when it meets a PNG's last chunk, and does not ask for its checksum.
    const std::size_t end = whole.size() - (whole.starts_with("\x89PNG") ? 4 : 0);
    for (std::size_t size = 0; size < end; ++size) {
      INFO(name << ", " << size << " of " << whole.size() << " bytes");
      CHECK(message(whole.substr(0, size)).starts_with("[image] cannot read x: "));
    }
  }
}

TEST_CASE("what is no picture is refused by name, with what to do", "[image]") {
  CHECK(message("") == "[image] cannot read x: it is empty");
  CHECK(message("hello") == "[image] cannot read x: it is no PNG, JPEG, BMP, PPM or PGM picture");
  CHECK(message(file_of("gif")) ==
        "[image] cannot read x: it is a GIF file; convert it to PNG or JPEG");
  CHECK(message(file_of("tiff")) ==
        "[image] cannot read x: it is a TIFF file; convert it to PNG or JPEG");
  CHECK(message(file_of("webp")) ==
        "[image] cannot read x: it is a WebP file; convert it to PNG or JPEG");
  CHECK(message("P6 8 8 255\n123") ==
        "[image] cannot read x: it is cut off; fetch or export it again");
  CHECK(message("P6 8 x 255\n123") ==
        "[image] cannot read x: its header is damaged; fetch or export it again");
  CHECK(message("P6 100000 100000 255\n123") ==
        "[image] cannot read x: it says that it is 100000x100000 pixels; from 1 to 200000000 in "
        "all are read");
  // The same claim in a PNG's header: width and height are at bytes 16 to 23.
  std::string png = file_of("png_rgb");
  png.replace(16, 8, std::string("\0\0\x3A\x98\0\0\x3A\x98", 8));
  CHECK(message(png).find("15000x15000 pixels") != std::string::npos);
}

TEST_CASE("damage gives an error or a picture, never a crash", "[image]") {
  eg::Generator rng(5);
  for (const char* name :
       {"png_palette", "bmp_palette", "jpeg_progressive", "orientation_6", "ppm_comment"}) {
    const std::string whole = file_of(name);
    int pictures = 0;
    for (int round = 0; round < 400; ++round) {
      std::string bytes = whole;
      for (int i = 0; i < 3; ++i) {
        bytes[static_cast<std::size_t>(rng.integer(static_cast<eg::Index>(bytes.size())))] =
            static_cast<char>(rng.integer(256));
      }
      const std::string text = message(bytes);
      pictures += text == "nothing was thrown";
      if (text != "nothing was thrown") CHECK(text.starts_with("[image] cannot read x: "));
    }
    INFO(name);
    CHECK(pictures < 400);
  }
}

TEST_CASE("PNG files come back as they were written", "[image]") {
  const test::TemporaryFolder folder;
  const Bytes rgb = test::Reference("image").get<std::uint8_t>("png_rgb.rgb");
  image::write_png(folder / "a.png", rgb);
  CHECK_SAME(image::read_image(folder / "a.png"), rgb);
  CHECK(io::read_file(folder / "a.png") == image::encode_png(rgb));

  // Grey comes back as three equal channels; alpha is dropped.
  const eg::Index area = rgb.dim(1) * rgb.dim(2);
  Bytes grey({1, rgb.dim(1), rgb.dim(2)});
  Bytes rgba({4, rgb.dim(1), rgb.dim(2)});
  std::copy_n(rgb.data(), area, grey.data());
  std::copy_n(rgb.data(), 3 * area, rgba.data());
  std::copy_n(rgb.data(), area, rgba.data() + 3 * area);
  Bytes three(rgb.shape());
  for (eg::Index c = 0; c < 3; ++c) std::copy_n(grey.data(), area, three.data() + c * area);
  CHECK_SAME(image::decode_image(image::encode_png(grey)), three);
  CHECK_SAME(image::decode_image(image::encode_png(rgba)), rgb);
  CHECK(image::encode_png(rgba) != image::encode_png(rgb));
}

TEST_CASE("image files: errors", "[image]") {
  const test::TemporaryFolder folder;
  CHECK_ERROR(image::read_image(folder / "none.png"), eg::IoError,
              "[file] cannot open " + folder / "none.png" + ": No such file or directory");
  folder.write("text.png", "hello");
  CHECK_ERROR(image::read_image(folder / "text.png"), eg::IoError,
              "[image] cannot read " + folder / "text.png" +
                  ": it is no PNG, JPEG, BMP, PPM or PGM picture");
  CHECK_ERROR(image::encode_png(Bytes({5, 2, 2})), eg::ShapeError,
              "[encode_png] needs an image (C, H, W) with 1 to 4 channels: (5, 2, 2)");
  CHECK_ERROR(image::write_png(folder / "no/a.png", Bytes({1, 1, 1}, {7})), eg::IoError,
              "[file] cannot write " + folder / "no/a.png.tmp" + ": No such file or directory");
}
