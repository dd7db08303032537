// SPDX-License-Identifier: MIT
#include <eigengrad/data/cifar.hpp>
#include <eigengrad/data/synthetic.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

namespace {

/// Sum of |differences| between neighbours along x or y, over all channels.
double roughness(const data::ImageDataset& set, Index image, bool along_x) {
  double sum = 0;
  for (Index c = 0; c < 3; ++c) {
    for (Index y = 0; y < 31; ++y) {
      for (Index x = 0; x < 31; ++x) {
        const int here = set.images()(image, c, y, x);
        sum += std::abs(here - set.images()(image, c, y + !along_x, x + along_x));
      }
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("synthetic: value") {
  const auto set = data::synthetic_images({.images = 1003, .seed = 1});
  CHECK(set.images().shape() == test::Shape{1003, 3, 32, 32});
  CHECK(set.classes().size() == 10);
  CHECK(set.classes()[5] == "rows");
  std::vector<int> counts(10, 0);
  for (const Index label : set.labels()) ++counts[static_cast<std::size_t>(label)];
  for (const int count : counts) CHECK((count == 100 || count == 101));

  // What the names say: rows change along y, columns along x.
  Index right = 0;
  for (Index i = 0; i < 1000; ++i) {
    if (set.labels()(i) == 5) right += roughness(set, i, false) > roughness(set, i, true);
    if (set.labels()(i) == 6) right += roughness(set, i, false) < roughness(set, i, true);
  }
  CHECK(right >= 195);

  // Mean colour and brightness are free of the class: every class covers about the same range.
  double lowest = 255;
  double highest = 0;
  for (Index label = 0; label < 10; ++label) {
    double sum = 0;
    for (Index i = label; i < 1000; i += 10) {
      for (Index p = 0; p < 3072; ++p) sum += set.image(i)[p];
    }
    lowest = std::min(lowest, sum / 100 / 3072);
    highest = std::max(highest, sum / 100 / 3072);
  }
  CHECK(highest - lowest < 25);
}

TEST_CASE("synthetic: an image depends on the seed and its number alone") {
  const auto large = data::synthetic_images({.images = 100, .seed = 1});
  const auto small = data::synthetic_images({.images = 37, .seed = 1});
  const auto other = data::synthetic_images({.images = 37, .seed = 2});
  CHECK(std::equal(small.images().begin(), small.images().end(), large.images().begin()));
  Index equal = 0;
  for (Index i = 0; i < 37; ++i) {
    equal += std::equal(other.image(i), other.image(i) + 3072, small.image(i));
  }
  CHECK(equal == 0);
  test::check_threads([&] {
    const data::ImageDataset again = data::synthetic_images({.images = 100, .seed = 1});
    CHECK_SAME(again.images(), large.images());
    return std::vector{again.images()};
  });
}

TEST_CASE("synthetic: edge") {
  CHECK(data::synthetic_images({.images = 0}).size() == 0);
  // Without noise neighbours differ only at edges, where there are few.
  const auto clean = data::synthetic_images({.images = 10, .noise = 0});
  const auto noisy = data::synthetic_images({.images = 10, .noise = 0.2});
  CHECK(2 * roughness(clean, 0, true) < roughness(noisy, 0, true));

  const test::TemporaryFolder folder;
  data::save_cifar10(folder.path(), noisy, clean);
  const auto read = data::load_cifar10(folder.path(), data::CifarPart::kTrain);
  CHECK_SAME(read.images(), noisy.images());
  CHECK(read.classes() == noisy.classes());
}

TEST_CASE("synthetic: error") {
  CHECK_ERROR(data::synthetic_images({.images = -1}), eg::ValueError,
              "[synthetic_images] images must not be negative: -1");
  CHECK_ERROR(data::synthetic_images({.noise = -0.5}), eg::ValueError,
              "[synthetic_images] noise must be in [0, 1]: -0.5");
}
