// SPDX-License-Identifier: MIT
#include <eigengrad/image/warp.hpp>
#include <tests/image/pillow.hpp>

namespace image = eg::image;
using image::AffineMatrix;
using image::ByteImage;
using image::Interpolation;
using image::Outside;
using test::Bytes;
using test::Index;

TEST_CASE("warp: value") {
  const Bytes image({1, 2, 3}, {10, 20, 30, 40, 50, 60});
  const auto check = [&](const AffineMatrix& m, Interpolation mode, Outside outside,
                         const Bytes& expected) {
    CHECK_SAME(test::changed(image, [&](ByteImage i) { image::affine(i, m, mode, outside); }),
               expected);
  };
  for (const Interpolation mode : {Interpolation::kNearest, Interpolation::kBilinear}) {
    check({1, 0, -1, 0, 1, 0}, mode, {7}, Bytes({1, 2, 3}, {7, 10, 20, 7, 40, 50}));
    check({1, 0, -1, 0, 1, 1}, mode, {7}, Bytes({1, 2, 3}, {7, 40, 50, 7, 7, 7}));
    check({1, 0, 2, 0, 1, 0}, mode, {0, true}, Bytes({1, 2, 3}, {30, 20, 10, 60, 50, 40}));
    check({-1, 0, 3, 0, 1, 0}, mode, {}, Bytes({1, 2, 3}, {30, 20, 10, 60, 50, 40}));
  }
  check({1, 0, 0.5, 0, 1, 0}, Interpolation::kBilinear, {},
        Bytes({1, 2, 3}, {15, 25, 0, 45, 55, 0}));
  check({1, 0, 0.25, 0, 1, 0}, Interpolation::kBilinear, {},  // the edge repeats up to its end
        Bytes({1, 2, 3}, {12, 22, 30, 42, 52, 60}));
  check({1, 0, 0.5, 0, 1, 0}, Interpolation::kBilinear, {0, true},
        Bytes({1, 2, 3}, {15, 25, 25, 45, 55, 55}));
}

TEST_CASE("warp: reference") {
  for (const Interpolation mode : {Interpolation::kNearest, Interpolation::kBilinear}) {
    const std::string ending = mode == Interpolation::kNearest ? "_nearest." : "_bilinear.";
    // Bilinear weights here have 11 bits, Pillow's are double.
    const int tolerance = mode == Interpolation::kNearest ? 0 : 1;
    const auto check = [&](const std::string& name, const std::string& value, const auto& matrix,
                           std::uint8_t fill) {
      INFO(name << ending << value);
      CHECK(test::distance_to_pillow(name + ending + value, [&](ByteImage i) {
              image::affine(i, matrix(std::stod(value), i), mode, {fill});
            }) <= tolerance);
    };
    for (const char* amount : {"-0.99", "-0.3", "0.11", "0.25"}) {
      check(
          "shear_x", amount, [](double s, ByteImage) { return AffineMatrix{1, s, 0, 0, 1, 0}; }, 0);
      check(
          "shear_y", amount, [](double s, ByteImage) { return AffineMatrix{1, 0, 0, s, 1, 0}; },
          128);
    }
    for (const char* pixels : {"-32", "-3", "5"}) {
      check(
          "translate_x", pixels,
          [](double n, ByteImage) { return AffineMatrix{1, 0, -n, 0, 1, 0}; }, 0);
      check(
          "translate_y", pixels,
          [](double n, ByteImage) { return AffineMatrix{1, 0, 0, 0, 1, -n}; }, 77);
    }
    for (const char* angle : {"-135", "-90", "-30", "7.5", "90", "180"}) {
      check(
          "rotate", angle,
          [](double degrees, ByteImage i) {
            return image::rotation_matrix(degrees, 1, i.height, i.width);
          },
          9);
    }
    check(
        "affine", "0",
        [](double, ByteImage) { return AffineMatrix{0.8, 0.3, 1.25, -0.2, 1.1, -2.5}; }, 30);
  }
}

TEST_CASE("warp: rotation and zoom") {
  const Bytes image = test::noise({3, 6, 6});
  const auto rotated = [&](double degrees, double zoom) {
    return test::changed(image, [&](ByteImage i) {
      image::affine(i, image::rotation_matrix(degrees, zoom, 6, 6), Interpolation::kBilinear);
    });
  };
  CHECK_SAME(rotated(0, 1), image);
  CHECK_SAME(rotated(360, 1), image);
  const Bytes quarter = rotated(90, 1);
  const Bytes larger = rotated(0, 3);
  for (Index c = 0; c < 3; ++c) {
    for (Index y = 0; y < 6; ++y) {
      for (Index x = 0; x < 6; ++x) CHECK(quarter(c, y, x) == image(c, x, 5 - y));
    }
    // Zoomed three times, pixel 1 ends between 0 and 1 of the old ones, at the centre of pixel 2.
    CHECK(larger(c, 1, 1) == image(c, 2, 2));
    CHECK(larger(c, 4, 1) == image(c, 3, 2));
  }
  SECTION("half the size, the rest is filled") {
    const Bytes small = test::changed(Bytes::full({1, 8, 8}, 200), [](ByteImage i) {
      image::affine(i, image::rotation_matrix(0, 0.5, 8, 8), Interpolation::kBilinear, {50});
    });
    for (Index y = 0; y < 8; ++y) {
      for (Index x = 0; x < 8; ++x) {
        const bool inside = y >= 2 && y < 6 && x >= 2 && x < 6;
        CHECK(small(0, y, x) == (inside ? 200 : 50));
      }
    }
  }
}

TEST_CASE("warp: edge") {
  for (const Interpolation mode : {Interpolation::kNearest, Interpolation::kBilinear}) {
    const Bytes pixel({1, 1, 1}, {9});
    const auto far = [&](ByteImage i) { image::affine(i, {1, 0, 5, 0, 1, 7}, mode, {0, true}); };
    CHECK_SAME(test::changed(pixel, far), pixel);
    CHECK_NOTHROW(test::changed(Bytes({1, 0, 3}), far));
    // As large as a matrix may be.
    const Bytes gone = test::changed(test::noise({1, 9, 300}), [&](ByteImage i) {
      image::affine(i, {9e5, 9e5, 9e5, 9e5, 9e5, 9e5}, mode, {3});
    });
    CHECK_SAME(gone, Bytes::full({1, 9, 300}, 3));
  }
}

TEST_CASE("warp: error") {
  Bytes image = test::noise({3, 5, 5});
  CHECK_ERROR((image::affine(image, {1, 0, NAN, 0, 1, 0}), 0), eg::ValueError,
              "[affine] the matrix has the entry nan");
  CHECK_ERROR((image::affine(image, {1, 0, 1, 0, 1, 0}, Interpolation::kBicubic), 0),
              eg::ValueError, "[affine] interpolation must be kNearest or kBilinear");
}
