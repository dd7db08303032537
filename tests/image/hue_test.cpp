// SPDX-License-Identifier: MIT
#include <eigengrad/image/hue.hpp>
#include <tests/image/pillow.hpp>

namespace image = eg::image;
using image::ByteImage;
using test::Bytes;

TEST_CASE("hue: value") {
  // Red, green, blue, yellow and grey, one after the other. Hues are bytes: yellow's is rounded.
  const Bytes image({3, 1, 5}, {200, 0, 0, 100, 7, 0, 200, 0, 100, 7, 0, 0, 200, 0, 7});
  const Bytes third = test::changed(image, [](ByteImage i) { image::adjust_hue(i, 1.0 / 3); });
  CHECK_SAME(third, Bytes({3, 1, 5}, {0, 0, 200, 0, 7, 200, 0, 0, 100, 7, 0, 200, 0, 99, 7}));
}

TEST_CASE("hue: reference") {
  for (const char* factor : {"-0.5", "-0.1", "0.05", "0.3"}) {
    INFO(factor);
    CHECK(test::distance_to_pillow(std::string("hue.") + factor, [&](ByteImage i) {
            image::adjust_hue(i, std::stod(factor));
          }) == 0);
  }
}

TEST_CASE("hue: factor 0 changes nothing, grey stays grey") {
  const Bytes image = test::noise({3, 5, 11});
  CHECK_SAME(test::changed(image, [](ByteImage i) { image::adjust_hue(i, 0); }), image);
  const Bytes grey = test::noise({1, 5, 11});
  CHECK_SAME(test::changed(grey, [](ByteImage i) { image::adjust_hue(i, 0.4); }), grey);
}

TEST_CASE("hue: error") {
  Bytes image = test::noise({3, 5, 11});
  CHECK_ERROR((image::adjust_hue(image, 0.6), 0), eg::ValueError,
              "[adjust_hue] factor must be in [-0.5, 0.5]: 0.6");
}
