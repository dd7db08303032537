// SPDX-License-Identifier: MIT
#include <eigengrad/image/resize.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace image = eg::image;
using image::Interpolation;
using test::Index;
using test::NdArray;
using test::Shape;
using Bytes = NdArray<std::uint8_t>;

namespace {

struct Mode {
  const char* name;
  Interpolation interpolation;
};
constexpr Mode kModes[] = {{"nearest", Interpolation::kNearest},
                           {"bilinear", Interpolation::kBilinear},
                           {"bicubic", Interpolation::kBicubic}};
const std::vector<std::pair<Index, Index>> kSizes = {{13, 29}, {26, 58}, {6, 11}, {13, 40},
                                                     {7, 29},  {1, 1},   {40, 3}, {5, 90}};

/// The largest distance of two bytes; a thousand for different shapes.
int distance(const Bytes& a, const Bytes& b) {
  if (!(a.shape() == b.shape())) return 1000;
  int most = 0;
  for (Index i = 0; i < a.numel(); ++i) most = std::max(most, std::abs(a.data()[i] - b.data()[i]));
  return most;
}

Bytes noise(const Shape& shape) {
  Bytes out(shape);
  eg::Generator rng(3);
  for (auto& pixel : out) pixel = static_cast<std::uint8_t>(rng.next());
  return out;
}

}  // namespace

TEST_CASE("resize: value") {
  const Bytes row({1, 4}, {0, 100, 200, 40});
  CHECK_SAME(image::resize(row, 1, 2, {Interpolation::kNearest}), Bytes({1, 2}, {100, 40}));
  CHECK_SAME(image::resize(row, 1, 2, {.antialias = false}), Bytes({1, 2}, {50, 120}));
  // Weights 3 3 1 and 1 3 3, each over 7: the filter ends at the edge.
  CHECK_SAME(image::resize(row, 1, 2), Bytes({1, 2}, {71, 117}));
  const Bytes column({2, 1}, {0, 80});
  CHECK_SAME(image::resize(column, 4, 1), Bytes({4, 1}, {0, 20, 60, 80}));
  CHECK_SAME(image::resize(column, 4, 1, {Interpolation::kNearest}), Bytes({4, 1}, {0, 0, 80, 80}));
  CHECK_SAME(image::resized_crop(row, {0, 1, 1, 2}, 1, 4), Bytes({1, 4}, {100, 125, 175, 200}));
}

TEST_CASE("resize: reference") {
  const test::Reference reference("resize");
  const Bytes image = reference.get<std::uint8_t>("image");
  for (const Mode& mode : kModes) {
    for (const auto& [h, w] : kSizes) {
      const std::string size = std::to_string(h) + "x" + std::to_string(w);
      const std::string name = mode.name;
      INFO(name << " to " << size);
      const image::ResizeOptions options{mode.interpolation};
      CHECK_SAME(image::resize(image, h, w, options),
                 reference.get<std::uint8_t>(name + "." + size));
      CHECK_SAME(image::resized_crop(image, {2, 5, 9, 21}, h, w, options),
                 reference.get<std::uint8_t>(name + ".window." + size));
      if (mode.interpolation == Interpolation::kNearest) continue;
      CHECK(distance(image::resize(image, h, w, {mode.interpolation, false}),
                     reference.get<std::uint8_t>(name + ".sampled." + size)) <= 1);
    }
  }
}

TEST_CASE("resize: the same size changes nothing, one colour stays") {
  const Bytes image = noise({3, 17, 20});
  for (const Mode& mode : kModes) {
    for (const bool antialias : {false, true}) {
      const image::ResizeOptions options{mode.interpolation, antialias};
      CHECK_SAME(image::resize(image, 17, 20, options), image);
      for (const Index h : {1, 5, 16, 33}) {
        CHECK_SAME(image::resize(Bytes::full({1, 9, 11}, 255), h, 2 * h, options),
                   Bytes::full({1, h, 2 * h}, 255));
      }
    }
  }
}

TEST_CASE("resize: a plane is resized alone, on any number of threads") {
  const Bytes images = noise({7, 3, 40, 50});
  test::check_threads([&] { return std::vector{image::resize(images, 33, 21)}; });
  const Bytes plane({40, 50}, std::span<const std::uint8_t>(images.data() + 11 * 2000, 2000));
  const Bytes all = image::resize(images, 33, 21);
  const Bytes expected({33, 21}, std::span<const std::uint8_t>(all.data() + 11 * 693, 693));
  CHECK_SAME(image::resize(plane, 33, 21), expected);
}

TEST_CASE("resize: edge") {
  CHECK_SAME(image::resize(Bytes({1, 1}, {9}), 2, 3), Bytes::full({2, 3}, 9));
  CHECK(image::resize(Bytes({0, 3, 4, 4}), 2, 2).shape() == Shape{0, 3, 2, 2});
}

TEST_CASE("resize: error") {
  const Bytes image = noise({3, 8, 6});
  CHECK_ERROR(image::resize(image, 0, 5), eg::ShapeError,
              "[resize] needs images (..., H, W) and a size of at least 1 x 1: images (3, 8, 6), "
              "size 0 x 5");
  CHECK_ERROR(image::resize(Bytes({4}), 2, 2), eg::ShapeError,
              "[resize] needs images (..., H, W) with pixels: images (4)");
  CHECK_ERROR(image::resize(Bytes({3, 0, 4}), 2, 2), eg::ShapeError,
              "[resize] needs images (..., H, W) with pixels: images (3, 0, 4)");
  CHECK_ERROR(image::resized_crop(image, {1, 0, 8, 6}, 2, 2), eg::ValueError,
              "[resize] the window must be inside the image: 8 x 6 at (1, 0) of 8 x 6");
}
