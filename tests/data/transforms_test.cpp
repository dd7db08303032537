// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include <eigengrad/data/transforms.hpp>
#include <tests/image/pillow.hpp>

namespace data = eg::data;
namespace image = eg::image;
using data::Augment;
using data::Flip;
using data::ImageTransform;
using data::Padding;
using test::Index;
using test::NdArray;

namespace {

NdArray<float> apply(const ImageTransform& transform, const NdArray<std::uint8_t>& image,
                     Index epoch = 0, Index index = 0) {
  NdArray<float> out(image.shape());
  transform(out.data(), image.data(), epoch, index);
  return out;
}

/// Pixels 1, 2, 3, ... of (C, H, W), so that each says where it came from.
NdArray<std::uint8_t> numbered(const test::Shape& shape) {
  NdArray<std::uint8_t> image(shape);
  for (Index i = 0; i < image.numel(); ++i) image.data()[i] = static_cast<std::uint8_t>(i + 1);
  return image;
}

/// Bytes as stored: the inverse of the default normalisation.
NdArray<float> bytes(const NdArray<float>& image) {
  return NdArray<float>(image.array() * 255.0f).reshape(image.shape());
}

/// Where row or column `i` comes from under reflection, written as a walk.
Index reflected(Index i, Index n) {
  Index at = 0;
  Index step = 1;
  for (Index k = i < 0 ? -i : i; k > 0; --k) {
    if (at + step < 0 || at + step >= n) step = -step;
    at += step;
  }
  return at;
}

}  // namespace

TEST_CASE("transforms: value") {
  const NdArray<std::uint8_t> image({2, 1, 3}, {0, 51, 255, 102, 204, 0});
  CHECK_CLOSE(apply(ImageTransform({}, 2, 1, 3, 0), image),
              NdArray<float>({2, 1, 3}, {0, 0.2f, 1, 0.4f, 0.8f, 0}), 1e-7);
  Augment augment;
  augment.normalization = {{0.2f, 0.4f}, {0.5f, 0.1f}};
  CHECK_CLOSE(apply(ImageTransform(augment, 2, 1, 3, 0), image),
              NdArray<float>({2, 1, 3}, {-0.4f, 0, 1.6f, 0, 4, -4}), 1e-6);
}

TEST_CASE("transforms: crop") {
  constexpr Index h = 5;
  constexpr Index w = 7;
  constexpr Index pad = 3;
  const NdArray<std::uint8_t> image = numbered({2, h, w});
  for (const Padding padding : {Padding::kReflect, Padding::kZero}) {
    Augment augment;
    augment.crop_padding = pad;
    augment.padding = padding;
    const ImageTransform transform(augment, 2, h, w, 11);
    std::set<std::pair<Index, Index>> seen;
    for (Index index = 0; index < 600; ++index) {
      const NdArray<float> out = bytes(apply(transform, image, 0, index));
      // One of the shifts gives this image; which one is free.
      Index matches = 0;
      for (Index dy = -pad; dy <= pad; ++dy) {
        for (Index dx = -pad; dx <= pad; ++dx) {
          const auto expected = [&](Index c, Index y, Index x) -> float {
            const bool inside = y + dy >= 0 && y + dy < h && x + dx >= 0 && x + dx < w;
            if (padding == Padding::kZero) return inside ? image(c, y + dy, x + dx) : 0;
            const Index from_y = y + dy < 0 ? -(y + dy) : reflected(y + dy, h);
            const Index from_x = x + dx < 0 ? -(x + dx) : reflected(x + dx, w);
            return image(c, from_y, from_x);
          };
          bool same = true;
          for (Index c = 0; c < 2 && same; ++c) {
            for (Index y = 0; y < h && same; ++y) {
              for (Index x = 0; x < w && same; ++x) {
                same = std::abs(out(c, y, x) - expected(c, y, x)) < 1e-3;
              }
            }
          }
          if (same) {
            ++matches;
            seen.emplace(dy, dx);
          }
        }
      }
      REQUIRE(matches == 1);
    }
    CHECK(seen.size() == 49);
  }
}

TEST_CASE("transforms: flip") {
  const NdArray<std::uint8_t> image = numbered({2, 2, 3});
  const NdArray<float> straight({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const NdArray<float> mirrored({2, 2, 3}, {3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10});
  const auto flipped = [&](const ImageTransform& transform, Index epoch, Index index) {
    const NdArray<float> out = bytes(apply(transform, image, epoch, index));
    const bool mirror = test::difference(out, mirrored, 1e-5).empty();
    CHECK((mirror || test::difference(out, straight, 1e-5).empty()));
    return mirror;
  };
  Augment augment;
  augment.flip = Flip::kRandom;
  const ImageTransform random(augment, 2, 2, 3, 5);
  augment.flip = Flip::kAlternating;
  const ImageTransform alternating(augment, 2, 2, 3, 5);
  const ImageTransform none({}, 2, 2, 3, 5);
  Index random_flips = 0;
  Index starts = 0;
  Index changes = 0;
  for (Index index = 0; index < 200; ++index) {
    CHECK_FALSE(flipped(none, 0, index));
    random_flips += flipped(random, 0, index);
    changes += flipped(random, 0, index) != flipped(random, 1, index);
    const bool start = flipped(alternating, 0, index);
    starts += start;
    for (Index epoch = 1; epoch < 5; ++epoch) {
      CHECK(flipped(alternating, epoch, index) == (start != (epoch % 2 == 1)));
    }
  }
  for (const Index count : {random_flips, starts, changes}) {
    CHECK(count > 70);
    CHECK(count < 130);
  }
}

TEST_CASE("transforms: shares of images that are flipped or lose their colours") {
  const NdArray<std::uint8_t> image = numbered({3, 2, 2});
  const auto looks = [&](const Augment& augment) {
    std::map<std::vector<float>, int> out;
    const ImageTransform transform(augment, 3, 2, 2, 5);
    for (Index index = 0; index < 1000; ++index) {
      const NdArray<float> x = bytes(apply(transform, image, 0, index));
      std::vector<float> first(x.begin(), x.begin() + 4);
      for (float& v : first) v = std::round(v);
      ++out[first];
    }
    return out;
  };
  const std::vector<float> plain = {1, 2, 3, 4};
  auto seen = looks({.flip = Flip::kRandom, .flip_probability = 0.25});
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[{2, 1, 4, 3}] - 250) < 60);  // four standard deviations
  seen = looks({.vertical_flip = 0.25});
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[{3, 4, 1, 2}] - 250) < 60);
  seen = looks({.flip = Flip::kRandom, .flip_probability = 1, .vertical_flip = 1});
  CHECK(seen[{4, 3, 2, 1}] == 1000);
  seen = looks({.grayscale = 0.25});  // 0.299 r + 0.587 g + 0.114 b
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[{4, 5, 6, 7}] - 250) < 60);
  CHECK(seen[plain] + seen[{4, 5, 6, 7}] == 1000);
  seen = looks({.blur = {.probability = 0.25, .sigma = {50, 50}}});
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[plain] - 750) < 60);
}

TEST_CASE("transforms: an output that is not square") {
  const ImageTransform wide({.output_size = 2, .output_width = 3}, 1, 4, 4, 0);
  CHECK(wide.height() == 2);
  CHECK(wide.width() == 3);
  // The central window of the output's form has the whole width, and 3 rows of the 4.
  const NdArray<std::uint8_t> image({1, 4, 4}, {0, 0, 0, 0, 90, 90, 90, 90,  //
                                                90, 90, 90, 90, 90, 90, 90, 90});
  NdArray<float> out({1, 2, 3});
  wide(out.data(), image.data(), 0, 0);
  for (Index x = 0; x < 3; ++x) CHECK(out(0, 0, x) < out(0, 1, x));
  CHECK(out(0, 1, 2) * 255 == Approx(90));
}

TEST_CASE("transforms: a choice depends on seed, epoch and image alone") {
  NdArray<std::uint8_t> image({3, 32, 32});
  eg::Generator rng(3);
  for (auto& pixel : image) pixel = static_cast<std::uint8_t>(rng.next());
  Augment augment;
  augment.crop_padding = 4;
  augment.flip = Flip::kRandom;
  augment.custom = [](std::span<float> pixels, eg::Generator& own) {
    pixels[0] = static_cast<float>(own.uniform());
  };
  const ImageTransform transform(augment, 3, 32, 32, 1);
  const ImageTransform same(augment, 3, 32, 32, 1);
  const ImageTransform other(augment, 3, 32, 32, 2);
  const NdArray<float> first = apply(transform, image, 3, 7);
  apply(transform, image, 0, 1);
  CHECK_SAME(apply(same, image, 3, 7), first);
  CHECK(test::difference(apply(other, image, 3, 7), first, 0) != "");
  CHECK(test::difference(apply(transform, image, 4, 7), first, 0) != "");
  CHECK(test::difference(apply(transform, image, 3, 8), first, 0) != "");
}

TEST_CASE("transforms: one step alone, and none of it") {
  const NdArray<std::uint8_t> image = test::noise({3, 16, 20});
  const NdArray<float> plain = apply(ImageTransform({}, 3, 16, 20, 1), image);
  const auto differs = [&](const Augment& augment) {
    const ImageTransform transform(augment, 3, 16, 20, 1);
    Index count = 0;
    for (Index index = 0; index < 20; ++index) {
      const NdArray<float> out = apply(transform, image, 0, index);
      for (const float x : out) REQUIRE((x >= -10 && x <= 10));
      count += !test::difference(out, plain, 0).empty();
    }
    return count;
  };
  CHECK(differs({.rotation = 20}) == 20);
  CHECK(differs({.zoom = {1.2, 1.5}}) == 20);
  CHECK(differs({.policy = data::RandAugment{.num_ops = 3, .magnitude = 20}}) >= 15);
  CHECK(differs({.policy = data::AutoAugment{}}) >= 10);
  CHECK(differs({.policy = data::TrivialAugmentWide{}}) >= 10);
  CHECK(differs({.jitter = {.brightness = 0.4}}) == 20);
  CHECK(differs({.jitter = {.contrast = 0.4}}) == 20);
  CHECK(differs({.jitter = {.saturation = 0.4}}) == 20);
  CHECK(differs({.jitter = {.hue = 0.4}}) == 20);
  CHECK(differs({.erasing = {.probability = 1}}) == 20);
  CHECK(differs({.cutout = 4}) == 20);
  CHECK(differs({.resized_crop = data::RandomResizedCrop{.scale = {0.3, 0.5}}}) == 20);
  CHECK(differs({.center_crop = 0.5}) == 20);
  SECTION("identities") {
    CHECK(differs({}) == 0);
    CHECK(differs({.policy = data::RandAugment{.num_ops = 0}}) == 0);
    CHECK(differs({.resized_crop =
                       data::RandomResizedCrop{.scale = {1, 1}, .ratio = {1.25, 1.25}}}) == 0);
    CHECK(differs({.zoom = {1, 1}}) == 0);
  }
}

TEST_CASE("transforms: one step changes no other's choices") {
  const NdArray<std::uint8_t> image = test::noise({3, 16, 16});
  Augment augment{.crop_padding = 2, .flip = Flip::kRandom};
  const ImageTransform cropped(augment, 3, 16, 16, 1);
  augment.erasing.probability = 0.5;
  const ImageTransform erased(augment, 3, 16, 16, 1);
  augment.policy = data::RandAugment{.num_ops = 0};
  const ImageTransform with_policy(augment, 3, 16, 16, 1);
  Index holes = 0;
  for (Index index = 0; index < 50; ++index) {
    const NdArray<float> before = apply(cropped, image, 2, index);
    const NdArray<float> after = apply(erased, image, 2, index);
    CHECK_SAME(apply(with_policy, image, 2, index), after);
    Index same = 0;
    for (Index i = 0; i < before.numel(); ++i) same += before.data()[i] == after.data()[i];
    holes += same < before.numel();
    CHECK(same > before.numel() / 2);
  }
  CHECK(holes > 10);
  CHECK(holes < 40);
}

TEST_CASE("transforms: output size") {
  const NdArray<std::uint8_t> image = test::noise({3, 40, 30});
  const Augment augment{.output_size = 20, .center_crop = 0.8};
  const ImageTransform transform(augment, 3, 40, 30, 0);
  CHECK(transform.height() == 20);
  CHECK(transform.width() == 20);
  NdArray<float> out({3, 20, 20});
  transform(out.data(), image.data(), 0, 0);
  const NdArray<std::uint8_t> expected = image::resized_crop(image, {8, 3, 24, 24}, 20, 20);
  for (Index i = 0; i < out.numel(); ++i) {
    REQUIRE(std::abs(out.data()[i] - expected.data()[i] / 255.0f) < 1e-6);
  }
  SECTION("random resized crop, then crop and flip of the result") {
    const NdArray<std::uint8_t> flat = NdArray<std::uint8_t>::full({3, 40, 30}, 51);
    const ImageTransform train({.output_size = 16,
                                .resized_crop = data::RandomResizedCrop{},
                                .crop_padding = 2,
                                .flip = Flip::kRandom},
                               3, 40, 30, 0);
    for (Index index = 0; index < 100; ++index) {
      NdArray<float> small({3, 16, 16});
      train(small.data(), flat.data(), 0, index);
      CHECK_SAME(small, NdArray<float>::full({3, 16, 16}, 0.2f));
    }
  }
}

TEST_CASE("transforms: edge") {
  const NdArray<std::uint8_t> pixel({1, 1, 1}, {255});
  Augment augment;
  augment.flip = Flip::kRandom;
  CHECK_SAME(apply(ImageTransform(augment, 1, 1, 1, 0), pixel), NdArray<float>({1, 1, 1}, {1}));
}

TEST_CASE("transforms: error") {
  const auto made = [](const Augment& augment) { return ImageTransform(augment, 3, 8, 6, 0); };
  Augment augment;
  augment.crop_padding = -1;
  CHECK_ERROR(made(augment), eg::ValueError, "[augment] crop_padding must not be negative: -1");
  augment.crop_padding = 6;
  CHECK_ERROR(made(augment), eg::ValueError,
              "[augment] crop_padding 6 must be below the image's size, 8 x 6");
  augment.crop_padding = 5;
  CHECK_NOTHROW(made(augment));
  augment.normalization = {{0.5f, 0.5f, 0.5f}, {1, 1}};
  CHECK_ERROR(made(augment), eg::ValueError,
              "[augment] normalization has 3 means and 2 deviations, the images have 3 channels");
  augment.normalization = {{0.5f}, {1}};
  CHECK_ERROR(made(augment), eg::ValueError,
              "[augment] normalization has 1 means and 1 deviations, the images have 3 channels");
  augment.normalization = {{0, 0, 0}, {1, 0, 1}};
  CHECK_ERROR(made(augment), eg::ValueError, "[augment] normalization.stddev must be positive: 0");
  augment.normalization = {{0, INFINITY, 0}, {1, 1, 1}};
  CHECK_ERROR(made(augment), eg::ValueError, "[augment] normalization.mean must be finite: inf");
  CHECK_ERROR(made({.output_size = -1}), eg::ValueError,
              "[augment] output_size must not be negative: -1");
  CHECK_ERROR(made({.center_crop = 0}), eg::ValueError,
              "[augment] center_crop must be in (0, 1]: 0");
  CHECK_ERROR(made({.resized_crop = data::RandomResizedCrop{.scale = {0, 1}}}), eg::ValueError,
              "[augment] resized_crop.scale must be a range in (0, 1]: {0, 1}");
  CHECK_ERROR(made({.resized_crop = data::RandomResizedCrop{.ratio = {2, 1}}}), eg::ValueError,
              "[augment] resized_crop.ratio must be a positive range: {2, 1}");
  CHECK_ERROR(made({.output_width = 4}), eg::ValueError,
              "[augment] output_width 4 needs the height, output_size");
  CHECK_ERROR(made({.output_size = 4, .output_width = -1}), eg::ValueError,
              "[augment] output_width must not be negative: -1");
  CHECK_ERROR(made({.flip_probability = 2}), eg::ValueError,
              "[augment] flip_probability must be in [0, 1]: 2");
  CHECK_ERROR(made({.vertical_flip = -1}), eg::ValueError,
              "[augment] vertical_flip must be in [0, 1]: -1");
  CHECK_ERROR(made({.grayscale = 2}), eg::ValueError, "[augment] grayscale must be in [0, 1]: 2");
  CHECK_ERROR(made({.blur = {.sigma = {0, 1}}}), eg::ValueError,
              "[augment] blur.sigma must be a positive range: {0, 1}");
  CHECK_ERROR(made({.blur = {.radius = -1}}), eg::ValueError,
              "[augment] blur.radius must not be negative: -1");
  CHECK_ERROR(made({.output_size = 4, .crop_padding = 4}), eg::ValueError,
              "[augment] crop_padding 4 must be below the image's size, 4 x 4");
  CHECK_ERROR(made({.rotation = 181}), eg::ValueError,
              "[augment] rotation must be in [0, 180]: 181");
  CHECK_ERROR(made({.zoom = {0, 1}}), eg::ValueError,
              "[augment] zoom must be a positive range: {0, 1}");
  CHECK_ERROR(made({.policy = data::RandAugment{.magnitude = 31}}), eg::ValueError,
              "[augment] policy.magnitude must be in [0, 30]: 31");
  CHECK_ERROR(made({.policy = data::RandAugment{.num_ops = -1}}), eg::ValueError,
              "[augment] policy.num_ops must be at least 0: -1");
  CHECK_ERROR(made({.policy = data::RandAugment{.magnitude_std = NAN}}), eg::ValueError,
              "[augment] policy.magnitude_std must be at least 0: nan");
  CHECK_ERROR(
      made({.policy = data::AutoAugment{.op = {.interpolation = image::Interpolation::kBicubic}}}),
      eg::ValueError, "[augment] policy.op.interpolation must be kNearest or kBilinear");
  CHECK_ERROR(made({.jitter = {.contrast = -0.1}}), eg::ValueError,
              "[augment] jitter.contrast must be at least 0: -0.1");
  CHECK_ERROR(made({.jitter = {.hue = 0.6}}), eg::ValueError,
              "[augment] jitter.hue must be in [0, 0.5]: 0.6");
  CHECK_ERROR(
      ImageTransform({.jitter = {.hue = 0.1}}, 4, 8, 8, 0), eg::ValueError,
      "[augment] policy, jitter and grayscale need images of 1 or 3 channels, these have 4");
  CHECK_ERROR(made({.erasing = {.probability = 1.1}}), eg::ValueError,
              "[augment] erasing.probability must be in [0, 1]: 1.1");
  CHECK_ERROR(made({.erasing = {.scale = {0.1, 1.5}}}), eg::ValueError,
              "[augment] erasing.scale must be a range in (0, 1]: {0.1, 1.5}");
  CHECK_ERROR(made({.cutout = -3}), eg::ValueError, "[augment] cutout must not be negative: -3");
}
