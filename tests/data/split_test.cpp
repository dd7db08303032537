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

TEST_CASE("split: k folds hold back each sample once") {
  const auto folds = data::k_fold(11, 3, 7);
  REQUIRE(folds.size() == 3);
  std::vector<Index> held;
  for (const data::Fold& fold : folds) {
    CHECK(fold.train.numel() + fold.validation.numel() == 11);
    CHECK((fold.validation.numel() == 3 || fold.validation.numel() == 4));
    CHECK(std::is_sorted(fold.train.begin(), fold.train.end()));
    CHECK(std::is_sorted(fold.validation.begin(), fold.validation.end()));
    held.insert(held.end(), fold.validation.begin(), fold.validation.end());
    for (const Index i : fold.train) {
      CHECK(std::find(fold.validation.begin(), fold.validation.end(), i) == fold.validation.end());
    }
  }
  CHECK(held.front() + 1 != held[1]);  // at random, not in pieces
  std::sort(held.begin(), held.end());
  for (Index i = 0; i < 11; ++i) CHECK(held[static_cast<std::size_t>(i)] == i);
  CHECK_SAME(data::k_fold(11, 3, 7)[1].train, folds[1].train);
  CHECK(pixels(data::subset(numbered(11), folds[0].validation)).front() ==
        static_cast<int>(folds[0].validation(0)));
}

TEST_CASE("split: folds share out every class equally") {
  NdArray<Index> labels({30});
  for (Index i = 0; i < 30; ++i) labels(i) = i < 5 ? 2 : (i < 20 ? 0 : 1);  // 5, 15 and 10
  for (const data::Fold& fold : data::k_fold(labels, 5, 1)) {
    std::vector<int> count(3, 0);
    for (const Index i : fold.validation) ++count[static_cast<std::size_t>(labels(i))];
    CHECK(count == std::vector<int>{3, 2, 1});
  }
  CHECK_FALSE(test::difference(data::k_fold(labels, 5, 1)[0].validation,
                               data::k_fold(labels, 5, 2)[0].validation, 0)
                  .empty());
}

TEST_CASE("split: edge") {
  CHECK(data::split(numbered(5), 0).train.size() == 5);
  CHECK(data::split(numbered(5), 0).validation.size() == 0);
  CHECK(data::split(numbered(5), 5).train.size() == 0);
  CHECK(data::split(numbered(5), 5).validation.size() == 5);
}

TEST_CASE("split: error") {
  CHECK_ERROR(data::k_fold(5, 1), eg::ValueError,
              "[k_fold] folds must be from 2 to the number of samples, 5: 1");
  CHECK_ERROR(data::k_fold(5, 6), eg::ValueError,
              "[k_fold] folds must be from 2 to the number of samples, 5: 6");
  CHECK_ERROR(data::split(numbered(5), 6), eg::ValueError,
              "[split] validation_size 6 is out of range for 5 images");
  CHECK_ERROR(data::split(numbered(5), -1), eg::ValueError,
              "[split] validation_size -1 is out of range for 5 images");
}
