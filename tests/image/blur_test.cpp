// SPDX-License-Identifier: MIT
#include <eigengrad/image/blur.hpp>
#include <tests/image/pillow.hpp>

namespace image = eg::image;
using test::Bytes;
using test::Index;

TEST_CASE("blur: value") {
  // Weights far wider than the window are equal: a mean of nine pixels.
  Bytes bytes({1, 3, 3}, {0, 0, 0, 0, 90, 0, 0, 0, 0});
  image::gaussian_blur(bytes, 1, 1000);
  // A reflecting edge shows the middle twice, a corner four times.
  CHECK_SAME(bytes, Bytes({1, 3, 3}, {40, 20, 40, 20, 10, 20, 40, 20, 40}));
}

TEST_CASE("blur: reference") {
  const test::Reference reference("blur");
  const std::pair<Index, double> cases[] = {{1, 0.5}, {2, 1.0}, {4, 2.5}, {8, 30.0}};
  for (const auto& [radius, sigma] : cases) {
    INFO("radius " << radius);
    const Bytes ours = test::changed(
        reference.get<std::uint8_t>("image"),
        [r = radius, s = sigma](image::ByteImage x) { image::gaussian_blur(x, r, s); });
    const Bytes theirs = reference.get<std::uint8_t>(eg::detail::concat("radius", radius));
    int most = 0, different = 0;
    for (Index i = 0; i < ours.numel(); ++i) {
      const int distance = std::abs(ours.data()[i] - theirs.data()[i]);
      most = std::max(most, distance);
      different += distance > 0;
    }
    CHECK(most <= 1);
    CHECK(different < ours.numel() / 50);
  }
}

TEST_CASE("blur: edge") {
  const Bytes noise = test::noise({3, 4, 5});
  const auto blurred = [&](Index radius, double sigma) {
    return test::changed(noise,
                         [=](image::ByteImage x) { image::gaussian_blur(x, radius, sigma); });
  };
  CHECK_SAME(blurred(0, 2), noise);
  CHECK_SAME(blurred(3, 1e-3), noise);
  SECTION("white stays white, whatever the weights are") {
    const Bytes white = Bytes::full({1, 300, 300}, 255);
    CHECK_SAME(test::changed(white, [](image::ByteImage x) { image::gaussian_blur(x, 299, 120); }),
               white);
  }
}

TEST_CASE("blur: error") {
  Bytes bytes = test::noise({1, 4, 5});
  CHECK_ERROR((image::gaussian_blur(bytes, 4, 1), 0), eg::ValueError,
              "[gaussian_blur] needs sigma above 0 and 0 <= radius < height and width: sigma 1, "
              "radius 4, image 4 x 5");
  CHECK_THROWS_AS(image::gaussian_blur(bytes, 1, 0), eg::ValueError);
  CHECK_THROWS_AS(image::gaussian_blur(bytes, -1, 1), eg::ValueError);
}
