// SPDX-License-Identifier: MIT
#include <eigengrad/image/enhance.hpp>
#include <tests/image/pillow.hpp>

namespace image = eg::image;
using image::ByteImage;
using test::Bytes;

namespace {

struct Enhancement {
  const char* name;
  void (*adjust)(ByteImage image, double factor);
};
constexpr Enhancement kAll[] = {{"brightness", image::adjust_brightness},
                                {"contrast", image::adjust_contrast},
                                {"saturation", image::adjust_saturation},
                                {"sharpness", image::adjust_sharpness}};

}  // namespace

TEST_CASE("enhance: value") {
  const Bytes image({3, 1, 2}, {100, 250, 20, 50, 40, 10});
  const auto check = [&](const Enhancement& e, double factor, const Bytes& expected) {
    INFO(e.name);
    CHECK_SAME(test::changed(image, [&](ByteImage i) { e.adjust(i, factor); }), expected);
  };
  check(kAll[0], 0.5, Bytes({3, 1, 2}, {50, 125, 10, 25, 20, 5}));
  check(kAll[0], 2, Bytes({3, 1, 2}, {200, 255, 40, 100, 80, 20}));
  // Brightnesses 46 and 105; their mean is 75.5, rounded up.
  check(kAll[1], 0, Bytes({3, 1, 2}, {76, 76, 76, 76, 76, 76}));
  check(kAll[2], 0, Bytes({3, 1, 2}, {46, 105, 46, 105, 46, 105}));
  check(kAll[2], 0.5, Bytes({3, 1, 2}, {73, 177, 33, 77, 43, 57}));
  SECTION("sharpness: 5 / 13 of a dot stay, 1 / 13 goes to each pixel next to it") {
    Bytes dot = Bytes::full({1, 5, 5}, 0);
    dot(0, 2, 2) = 130;
    Bytes smooth = Bytes::full({1, 5, 5}, 0);
    for (int y = 1; y < 4; ++y) {
      for (int x = 1; x < 4; ++x) smooth(0, y, x) = 10;
    }
    smooth(0, 2, 2) = 50;
    CHECK_SAME(test::changed(dot, [](ByteImage i) { image::adjust_sharpness(i, 0); }), smooth);
  }
}

TEST_CASE("enhance: reference") {
  for (const Enhancement& e : kAll) {
    for (const char* factor : {"0", "0.1", "0.37", "0.7", "1", "1.4", "1.9"}) {
      const std::string name = std::string(e.name) + "." + factor;
      INFO(name);
      CHECK(test::distance_to_pillow(name, [&](ByteImage i) { e.adjust(i, std::stod(factor)); }) ==
            0);
    }
  }
}

TEST_CASE("enhance: factor 1 changes nothing, an empty image neither") {
  const Bytes image = test::noise({3, 9, 21});
  for (const Enhancement& e : kAll) {
    CHECK_SAME(test::changed(image, [&](ByteImage i) { e.adjust(i, 1); }), image);
    CHECK_NOTHROW(test::changed(Bytes({3, 0, 4}), [&](ByteImage i) { e.adjust(i, 2); }));
  }
}

TEST_CASE("enhance: error") {
  Bytes image = test::noise({2, 7, 9});
  CHECK_ERROR((image::adjust_saturation(image, 2), 0), eg::ShapeError,
              "[adjust_saturation] needs one channel or three, grey or red, green and blue: the "
              "image has 2");
  Bytes colour = test::noise({3, 7, 9});
  CHECK_ERROR((image::adjust_contrast(colour, NAN), 0), eg::ValueError,
              "[adjust_contrast] factor is nan");
}
