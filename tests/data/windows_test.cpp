// SPDX-License-Identifier: MIT
#include <eigengrad/data/windows.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
namespace image = eg::image;
using image::Window;
using test::Index;
using test::NdArray;

namespace {

bool same(const Window& a, const Window& b) {
  return a.top == b.top && a.left == b.left && a.height == b.height && a.width == b.width;
}

/// The erased window of `image` (C, h, w), all of which was 1: that which holds no 1. All channels
/// agree, and it is a rectangle.
Window erased(const NdArray<float>& image) {
  const Index h = image.dim(1);
  const Index w = image.dim(2);
  Index top = h, left = w, bottom = 0, right = 0, count = 0;
  for (Index i = 0; i < image.numel(); ++i) {
    if (image.data()[i] == 1) continue;
    const Index y = i / w % h;
    const Index x = i % w;
    top = std::min(top, y);
    left = std::min(left, x);
    bottom = std::max(bottom, y + 1);
    right = std::max(right, x + 1);
    ++count;
  }
  if (count == 0) return {};
  REQUIRE(count == image.dim(0) * (bottom - top) * (right - left));
  return {top, left, bottom - top, right - left};
}

}  // namespace

TEST_CASE("windows: central") {
  CHECK(same(data::detail::central_window(32, 32, 32, 32, 1), {0, 0, 32, 32}));
  CHECK(same(data::detail::central_window(160, 160, 128, 128, 1), {0, 0, 160, 160}));
  CHECK(same(data::detail::central_window(160, 200, 128, 128, 1), {0, 20, 160, 160}));
  CHECK(same(data::detail::central_window(160, 160, 128, 128, 0.875), {10, 10, 140, 140}));
  CHECK(same(data::detail::central_window(30, 20, 30, 20, 0.5), {7, 5, 15, 10}));
  CHECK(same(data::detail::central_window(1, 1, 4, 4, 0.1), {0, 0, 1, 1}));
}

TEST_CASE("windows: random resized crop") {
  const data::RandomResizedCrop crop{.scale = {0.2, 0.5}, .ratio = {0.5, 2}};
  eg::Generator rng(1);
  double area = 0;
  double log_ratio = 0;
  Index corners = 0;
  constexpr Index n = 20000;
  for (Index i = 0; i < n; ++i) {
    const Window window = data::detail::random_window(rng, crop, 100, 120);
    REQUIRE((window.top >= 0 && window.top + window.height <= 100));
    REQUIRE((window.left >= 0 && window.left + window.width <= 120));
    const double share = double(window.height * window.width) / 12000;
    const double ratio = double(window.width) / double(window.height);
    REQUIRE((share > 0.19 && share < 0.51));
    REQUIRE((ratio > 0.48 && ratio < 2.09));
    area += share / double(n);
    log_ratio += std::log(ratio) / double(n);
    corners += window.top == 0 || window.left == 0;
  }
  CHECK(std::abs(area - 0.35) < 0.01);
  CHECK(std::abs(log_ratio) < 0.05);
  CHECK(corners > n / 100);
  SECTION("all of the image, when all of it is asked for") {
    CHECK(same(data::detail::random_window(rng, {.scale = {1, 1}, .ratio = {1, 1}}, 32, 32),
               {0, 0, 32, 32}));
  }
  SECTION("the largest form that is allowed, when none fits") {
    const data::RandomResizedCrop wide{.scale = {1, 1}, .ratio = {2, 3}};
    CHECK(same(data::detail::random_window(rng, wide, 60, 60), {15, 0, 30, 60}));
  }
}

TEST_CASE("windows: random erasing") {
  const data::RandomErasing options{.probability = 0.25, .scale = {0.1, 0.3}, .ratio = {0.5, 2}};
  Index count = 0;
  double area = 0;
  constexpr Index n = 8000;
  for (Index i = 0; i < n; ++i) {
    NdArray<float> image = NdArray<float>::ones({2, 40, 50});
    data::detail::random_erasing(eg::Generator(static_cast<std::uint64_t>(i)), options,
                                 image.data(), 2, 40, 50);
    const Window window = erased(image);
    if (window.height == 0) continue;
    ++count;
    const double share = double(window.height * window.width) / 2000;
    const double ratio = double(window.height) / double(window.width);
    REQUIRE((share > 0.09 && share < 0.32));
    REQUIRE((ratio > 0.45 && ratio < 2.2));
    area += share;
  }
  CHECK(std::abs(double(count) / double(n) - 0.25) < 0.025);
  CHECK(std::abs(area / double(count) - 0.2) < 0.01);
  SECTION("noise is normal") {
    double sum = 0;
    double squares = 0;
    double fourth = 0;
    Index pixels = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      NdArray<float> image = NdArray<float>::full({3, 33, 31}, 100);
      data::detail::random_erasing(eg::Generator(i),
                                   {.probability = 1, .scale = {0.3, 0.3}, .noise = true},
                                   image.data(), 3, 33, 31);
      for (const float x : image) {
        if (x == 100) continue;
        REQUIRE(std::abs(x) < 7);
        ++pixels;
        sum += double(x);
        squares += double(x) * double(x);
        fourth += std::pow(double(x), 4);
      }
    }
    REQUIRE(pixels > 100000);
    CHECK(std::abs(sum / double(pixels)) < 0.01);
    CHECK(std::abs(squares / double(pixels) - 1) < 0.02);
    CHECK(std::abs(fourth / double(pixels) - 3) < 0.1);
  }
}

TEST_CASE("windows: cutout") {
  Index whole = 0;
  Index cut_off = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    NdArray<float> image = NdArray<float>::ones({2, 12, 15});
    data::detail::random_cutout(eg::Generator(i), 5, image.data(), 2, 12, 15);
    const Window window = erased(image);
    REQUIRE((window.height >= 3 && window.height <= 5 && window.width >= 3 && window.width <= 5));
    const bool full = window.height == 5 && window.width == 5;
    ++(full ? whole : cut_off);
    if (window.height < 5) CHECK((window.top == 0 || window.top + window.height == 12));
    if (window.width < 5) CHECK((window.left == 0 || window.left + window.width == 15));
  }
  CHECK(whole > 150);  // 8 of 12 rows and 11 of 15 columns leave it whole
  CHECK(cut_off > 150);
  NdArray<float> image = NdArray<float>::ones({1, 3, 3});
  data::detail::random_cutout(eg::Generator(1), 99, image.data(), 1, 3, 3);
  CHECK_SAME(image, NdArray<float>::zeros({1, 3, 3}));
}
