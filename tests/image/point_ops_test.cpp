// SPDX-License-Identifier: MIT
#include <eigengrad/image/point_ops.hpp>
#include <tests/image/pillow.hpp>

namespace image = eg::image;
using image::ByteImage;
using test::Bytes;
using test::Index;

TEST_CASE("point_ops: value") {
  const Bytes image({1, 1, 4}, {10, 60, 110, 200});
  const auto check = [&](const test::ImageFunction& f, const Bytes& expected) {
    CHECK_SAME(test::changed(image, f), expected);
  };
  check([](ByteImage i) { image::invert(i); }, Bytes({1, 1, 4}, {245, 195, 145, 55}));
  check([](ByteImage i) { image::posterize(i, 2); }, Bytes({1, 1, 4}, {0, 0, 64, 192}));
  check([](ByteImage i) { image::posterize(i, 0); }, Bytes({1, 1, 4}, {0, 0, 0, 0}));
  check([](ByteImage i) { image::solarize(i, 60.5); }, Bytes({1, 1, 4}, {10, 60, 145, 55}));
  // 255 / 190 for each level above 10.
  check([](ByteImage i) { image::autocontrast(i); }, Bytes({1, 1, 4}, {0, 67, 134, 255}));
  SECTION("equalize: each of two shades gets half of the range") {
    Bytes halves({1, 32, 32});
    for (Index i = 0; i < 1024; ++i) halves.data()[i] = i % 2 ? 100 : 101;
    const Bytes out = test::changed(halves, [](ByteImage i) { image::equalize(i); });
    CHECK(out.data()[0] == 255);
    CHECK(out.data()[1] == 0);
  }
}

TEST_CASE("point_ops: reference") {
  const auto check = [](const std::string& name, const test::ImageFunction& f) {
    INFO(name);
    CHECK(test::distance_to_pillow(name, f) == 0);
  };
  check("invert.0", [](ByteImage i) { image::invert(i); });
  check("autocontrast.0", [](ByteImage i) { image::autocontrast(i); });
  check("equalize.0", [](ByteImage i) { image::equalize(i); });
  for (const int bits : {1, 4, 7, 8}) {
    check("posterize." + std::to_string(bits), [&](ByteImage i) { image::posterize(i, bits); });
  }
  for (const char* threshold : {"0", "76.5", "128", "255"}) {
    check(std::string("solarize.") + threshold,
          [&](ByteImage i) { image::solarize(i, std::stod(threshold)); });
  }
}

TEST_CASE("point_ops: what changes nothing") {
  const Bytes image = test::noise({3, 7, 9});
  CHECK_SAME(test::changed(image, [](ByteImage i) { image::posterize(i, 8); }), image);
  CHECK_SAME(test::changed(image, [](ByteImage i) { image::solarize(i, 256); }), image);
  const auto twice = [](ByteImage i) {
    image::invert(i);
    image::invert(i);
  };
  CHECK_SAME(test::changed(image, twice), image);
  const Bytes flat = Bytes::full({3, 40, 40}, 77);
  CHECK_SAME(test::changed(flat, [](ByteImage i) { image::autocontrast(i); }), flat);
  CHECK_SAME(test::changed(flat, [](ByteImage i) { image::equalize(i); }), flat);
  const Bytes empty({3, 0, 4});
  CHECK_NOTHROW(test::changed(empty, [](ByteImage i) { image::autocontrast(i); }));
  CHECK_NOTHROW(test::changed(empty, [](ByteImage i) { image::equalize(i); }));
}

TEST_CASE("point_ops: error") {
  Bytes image = test::noise({3, 7, 9});
  CHECK_ERROR((image::posterize(image, 9), 0), eg::ValueError,
              "[posterize] bits must be 0 to 8: 9");
  Bytes flat = test::noise({7, 9});
  CHECK_ERROR((image::invert(flat), 0), eg::ShapeError, "[image] needs (C, H, W): (7, 9)");
}
