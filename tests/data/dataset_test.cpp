// SPDX-License-Identifier: MIT
#include <eigengrad/data/dataset.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

namespace {

data::ImageDataset counted(Index n) {
  NdArray<std::uint8_t> images({n, 1, 2, 3});
  for (Index i = 0; i < images.numel(); ++i) images.data()[i] = static_cast<std::uint8_t>(i);
  NdArray<Index> labels({n});
  for (Index i = 0; i < n; ++i) labels(i) = i % 2;
  return data::ImageDataset(images, labels, {"even", "odd"});
}

}  // namespace

TEST_CASE("dataset: value") {
  const data::ImageDataset set = counted(4);
  CHECK(set.size() == 4);
  CHECK(set.channels() == 1);
  CHECK(set.height() == 2);
  CHECK(set.width() == 3);
  CHECK(set.image_size() == 6);
  CHECK(set.image(2)[1] == 13);
  CHECK(set.classes()[1] == "odd");

  const data::ImageDataset part = data::subset(set, NdArray<Index>({3}, {3, 0, 3}));
  CHECK_SAME(part.images(), NdArray<std::uint8_t>({3, 1, 2, 3}, {18, 19, 20, 21, 22, 23, 0, 1, 2, 3,
                                                                 4, 5, 18, 19, 20, 21, 22, 23}));
  CHECK_SAME(part.labels(), NdArray<Index>({3}, {1, 0, 1}));
  CHECK(part.classes() == set.classes());
}

TEST_CASE("dataset: join") {
  const data::ImageDataset set = counted(5);
  const auto part = [&](std::vector<Index> indices) {
    return data::subset(set, NdArray<Index>({Index(indices.size())}, indices));
  };
  const data::ImageDataset joined = data::join({part({4}), part({}), part({0, 3})});
  const data::ImageDataset expected = part({4, 0, 3});
  CHECK_SAME(joined.images(), expected.images());
  CHECK_SAME(joined.labels(), expected.labels());
  CHECK(joined.classes() == set.classes());
}

TEST_CASE("dataset: edge") {
  CHECK(data::ImageDataset().size() == 0);
  CHECK(data::subset(counted(2), NdArray<Index>(test::Shape{0})).size() == 0);
  CHECK(data::subset(counted(2), NdArray<Index>(test::Shape{0})).height() == 2);
}

TEST_CASE("dataset: error") {
  const NdArray<std::uint8_t> images = NdArray<std::uint8_t>::zeros({2, 1, 2, 2});
  CHECK_ERROR(data::ImageDataset(images, NdArray<Index>({3}, {0, 0, 0}), {"a"}), eg::ShapeError,
              "[image_dataset] needs images (N, C, H, W) and labels (N): images (2, 1, 2, 2), "
              "labels (3)");
  CHECK_ERROR(
      data::ImageDataset(NdArray<std::uint8_t>::zeros({2, 4}), NdArray<Index>::zeros({2}), {"a"}),
      eg::ShapeError,
      "[image_dataset] needs images (N, C, H, W) and labels (N): images (2, 4), labels (2)");
  CHECK_ERROR(data::ImageDataset(images, NdArray<Index>({2}, {0, 1}), {"a"}), eg::ValueError,
              "[image_dataset] label 1 of image 1 is out of range for 1 classes");
  CHECK_ERROR(data::ImageDataset(images, NdArray<Index>({2}, {-1, 0}), {"a"}), eg::ValueError,
              "[image_dataset] label -1 of image 0 is out of range for 1 classes");
  CHECK_ERROR(data::subset(counted(4), NdArray<Index>({1}, {4})), eg::ValueError,
              "[subset] index 4 is out of range for 4 images");
  CHECK_ERROR(data::subset(counted(4), NdArray<Index>({1}, {-1})), eg::ValueError,
              "[subset] index -1 is out of range for 4 images");
  CHECK_ERROR(data::join({}), eg::ValueError, "[join] needs at least one data set");
  CHECK_ERROR(
      data::join({counted(1), data::ImageDataset(images, NdArray<Index>::zeros({2}), {"a"})}),
      eg::ShapeError,
      "[join] needs images of one size: the first data set has (1, 2, 3), another (1, 2, 2)");
  const data::ImageDataset other(counted(2).images(), counted(2).labels(), {"odd", "even"});
  CHECK_ERROR(data::join({counted(1), other}), eg::ValueError,
              "[join] the data sets must have the same classes in the same order");
}
