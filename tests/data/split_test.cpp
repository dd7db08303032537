// SPDX-License-Identifier: MIT
#include <eigengrad/data/split.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

namespace {

/// Image i has the one pixel i.
data::ImageDataset numbered(Index n) {
  NdArray<std::uint8_t> images({n, 1, 1, 1});
  for (Index i = 0; i < n; ++i) images.data()[i] = static_cast<std::uint8_t>(i);
  return data::ImageDataset(images, NdArray<Index>::zeros({n}), {"a"});
}

std::vector<int> pixels(const data::ImageDataset& set) {
  return {set.images().begin(), set.images().end()};
}

}  // namespace

TEST_CASE("split: value") {
  const auto parts = data::split(numbered(200), 30, 7);
  const std::vector<int> train = pixels(parts.train);
  const std::vector<int> validation = pixels(parts.validation);
  CHECK(train.size() == 170);
  CHECK(validation.size() == 30);
  CHECK(std::is_sorted(train.begin(), train.end()));
  CHECK(std::is_sorted(validation.begin(), validation.end()));
  std::vector<int> all = train;
  all.insert(all.end(), validation.begin(), validation.end());
  std::sort(all.begin(), all.end());
  for (int i = 0; i < 200; ++i) CHECK(all[static_cast<std::size_t>(i)] == i);
  CHECK(validation.front() < 60);  // from everywhere, not from one end
  CHECK(validation.back() > 140);

  CHECK(pixels(data::split(numbered(200), 30, 7).validation) == validation);
  CHECK(pixels(data::split(numbered(200), 30, 8).validation) != validation);
}

TEST_CASE("split: edge") {
  CHECK(data::split(numbered(5), 0).train.size() == 5);
  CHECK(data::split(numbered(5), 0).validation.size() == 0);
  CHECK(data::split(numbered(5), 5).train.size() == 0);
  CHECK(data::split(numbered(5), 5).validation.size() == 5);
}

TEST_CASE("split: error") {
  CHECK_ERROR(data::split(numbered(5), 6), eg::ValueError,
              "[split] validation_size 6 is out of range for 5 images");
  CHECK_ERROR(data::split(numbered(5), -1), eg::ValueError,
              "[split] validation_size -1 is out of range for 5 images");
}
