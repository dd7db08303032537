// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include <eigengrad/data/policy.hpp>
#include <tests/image/pillow.hpp>

namespace data = eg::data;
namespace image = eg::image;
using data::ImageOp;
using data::Policy;
using image::ByteImage;
using test::Bytes;
using test::Index;

namespace {

Bytes with_op(const Bytes& image, ImageOp op, double value, const data::OpOptions& options = {}) {
  return test::changed(image, [&](ByteImage i) { data::apply_op(i, op, value, options); });
}

Bytes with_policy(const Bytes& image, const Policy& policy, std::uint64_t seed) {
  return test::changed(image,
                       [&](ByteImage i) { data::apply_policy(i, policy, eg::Generator(seed)); });
}

/// As text, to be counted.
std::string key(const Bytes& image) { return std::string(image.begin(), image.end()); }

double value(ImageOp op, double strength, const data::detail::OpRanges& ranges) {
  return data::detail::op_value(op, strength, ranges, 32, 64);
}

}  // namespace

TEST_CASE("policy: operations follow Pillow's") {
  const auto check = [](ImageOp op, double value, std::uint8_t fill, const std::string& name) {
    INFO(name);
    CHECK(test::distance_to_pillow(
              name, [&](ByteImage i) { data::apply_op(i, op, value, {.fill = fill}); }) == 0);
  };
  check(ImageOp::kShearX, -0.3, 0, "shear_x_nearest.-0.3");
  check(ImageOp::kShearY, 0.25, 128, "shear_y_nearest.0.25");
  check(ImageOp::kTranslateX, 5.9, 0, "translate_x_nearest.5");
  check(ImageOp::kTranslateY, -3.9, 77, "translate_y_nearest.-3");
  check(ImageOp::kRotate, -30, 9, "rotate_nearest.-30");
  check(ImageOp::kBrightness, 0.4, 0, "brightness.1.4");
  check(ImageOp::kColor, -0.3, 0, "saturation.0.7");
  check(ImageOp::kContrast, 0.9, 0, "contrast.1.9");
  check(ImageOp::kSharpness, -0.9, 0, "sharpness.0.1");
  check(ImageOp::kPosterize, 4, 0, "posterize.4");
  check(ImageOp::kSolarize, 76.5, 0, "solarize.76.5");
  check(ImageOp::kAutoContrast, 0, 0, "autocontrast.0");
  check(ImageOp::kEqualize, 0, 0, "equalize.0");
  check(ImageOp::kInvert, 0, 0, "invert.0");
}

TEST_CASE("policy: ranges at no, half and full strength, of an image 32 x 64") {
  const auto& usual = data::detail::kRanges;
  const auto& wide = data::detail::kWideRanges;
  const auto check = [](ImageOp op, const data::detail::OpRanges& ranges, double none, double half,
                        double full) {
    CHECK(value(op, 0, ranges) == none);
    CHECK(std::abs(value(op, 0.5, ranges) - half) < 1e-12);
    CHECK(std::abs(value(op, 1, ranges) - full) < 1e-12);
  };
  check(ImageOp::kShearX, usual, 0, 0.15, 0.3);
  check(ImageOp::kShearY, wide, 0, 0.495, 0.99);
  check(ImageOp::kTranslateX, usual, 0, 14, 29);  // 150 / 331 of the width
  check(ImageOp::kTranslateY, usual, 0, 7, 14);
  check(ImageOp::kTranslateX, wide, 0, 16, 32);
  check(ImageOp::kTranslateY, wide, 0, 16, 32);
  check(ImageOp::kRotate, usual, 0, 15, 30);
  check(ImageOp::kRotate, wide, 0, 67.5, 135);
  check(ImageOp::kBrightness, usual, 0, 0.45, 0.9);
  check(ImageOp::kSharpness, wide, 0, 0.495, 0.99);
  check(ImageOp::kPosterize, usual, 8, 6, 4);
  check(ImageOp::kPosterize, wide, 8, 5, 2);
  check(ImageOp::kSolarize, usual, 255, 127.5, 0);
}

TEST_CASE("policy: no strength leaves the image as it is") {
  const Bytes image = test::noise({3, 8, 9});
  for (int i = 0; i <= static_cast<int>(ImageOp::kSharpness); ++i) {
    CHECK_SAME(with_op(image, static_cast<ImageOp>(i), 0), image);
  }
  CHECK_SAME(with_op(image, ImageOp::kPosterize, 8), image);
  CHECK_SAME(with_op(image, ImageOp::kSolarize, 256), image);
  CHECK_SAME(with_policy(image, std::monostate{}, 1), image);
  CHECK_SAME(with_policy(image, data::RandAugment{.num_ops = 0}, 1), image);
}

TEST_CASE("policy: RandAugment does each of 14 operations equally often, both ways") {
  const Bytes image = test::noise({3, 16, 20});
  std::map<std::string, Index> expected;
  const auto add = [&](ImageOp op, double v, Index count) {
    expected[key(with_op(image, op, v))] += count;
  };
  for (int i = 0; i < 14; ++i) {
    const auto op = static_cast<ImageOp>(i);
    const double v = data::detail::op_value(op, 0.5, data::detail::kRanges, 16, 20);
    add(op, v, 1);
    add(op, i >= 1 && i <= 9 ? -v : v, 1);
  }
  REQUIRE(expected.size() > 20);
  std::map<std::string, Index> seen;
  constexpr Index n = 5600;
  for (Index i = 0; i < n; ++i) {
    const Policy policy = data::RandAugment{.num_ops = 1, .magnitude = 15};
    ++seen[key(with_policy(image, policy, static_cast<std::uint64_t>(i)))];
  }
  CHECK(seen.size() == expected.size());
  for (const auto& [result, share] : expected) {
    const double mean = double(n * share) / 28;
    CHECK(std::abs(double(seen[result]) - mean) < 5 * std::sqrt(mean));
  }
}

TEST_CASE("policy: a magnitude that varies, within its range") {
  const Bytes image = Bytes::full({1, 16, 16}, 100);
  std::set<std::string> fixed;
  std::set<std::string> varied;
  for (std::uint64_t i = 0; i < 300; ++i) {
    fixed.insert(key(with_policy(image, data::RandAugment{.num_ops = 1}, i)));
    varied.insert(key(with_policy(image, data::RandAugment{.num_ops = 1, .magnitude_std = 5}, i)));
    with_policy(image, data::RandAugment{.magnitude = 30, .magnitude_std = 100}, i);
  }
  CHECK(varied.size() > 2 * fixed.size());
}

TEST_CASE("policy: TrivialAugmentWide takes all strengths") {
  const Bytes image = Bytes::full({1, 4, 4}, 100);
  // Brightness is all that can make this image anything between 101 and 199, and solarize 155.
  std::set<int> bright;
  for (std::uint64_t i = 0; i < 6000; ++i) {
    const Bytes out = with_policy(image, data::TrivialAugmentWide{}, i);
    if (out(0, 0, 0) > 100 && out(0, 0, 0) != 155) bright.insert(out(0, 0, 0));
  }
  CHECK(bright.size() == 30);
  CHECK(*bright.rbegin() == 199);
}

TEST_CASE("policy: AutoAugment's pairs") {
  // Sums of the probabilities and strengths in torchvision's table.
  double probability = 0;
  int ninths = 0;
  std::map<ImageOp, int> count;
  for (const auto& pair : data::detail::kCifarPolicy) {
    for (const auto& step : pair) {
      probability += step.probability;
      ninths += step.ninths;
      ++count[step.op];
    }
  }
  CHECK(std::abs(probability - 26.5) < 1e-9);
  CHECK(ninths == 187);
  CHECK(count[ImageOp::kEqualize] == 9);
  CHECK(count[ImageOp::kAutoContrast] == 7);
  CHECK(count[ImageOp::kShearX] == 0);
  // Invert, by 0.1 of one pair and 0.1 of another, is all that makes black white.
  const Bytes image = Bytes::full({3, 8, 8}, 0);
  Index white = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    white += with_policy(image, data::AutoAugment{}, i)(0, 4, 4) == 255;
  }
  CHECK(white > 100);  // 20000 * 0.2 / 25 = 160
  CHECK(white < 220);
}

TEST_CASE("policy: the same generator, the same image") {
  const Bytes image = test::noise({3, 12, 12});
  const Policy policies[] = {data::RandAugment{}, data::AutoAugment{}, data::TrivialAugmentWide{}};
  for (const Policy& policy : policies) {
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Bytes out = with_policy(image, policy, i);
      CHECK_SAME(with_policy(image, policy, i), out);
      seen.insert(key(out));
    }
    CHECK(seen.size() > 5);
  }
}
