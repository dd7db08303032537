// SPDX-License-Identifier: MIT
#include <eigengrad/data/array_dataset.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

TEST_CASE("array_dataset: value") {
  const NdArray<float> inputs({3, 2}, {0, 1, 10, 11, 20, 21});
  const data::ArrayDataset labelled(inputs, NdArray<Index>({3}, {7, 8, 9}));
  CHECK(labelled.size() == 3);
  const NdArray<Index> order({4}, {2, 0, 0, 1});
  const auto [x, labels] = labelled.batch(order);
  CHECK_SAME(x.value(), NdArray<float>({4, 2}, {20, 21, 0, 1, 0, 1, 10, 11}));
  CHECK_SAME(labels, NdArray<Index>({4}, {9, 7, 7, 8}));

  const data::ArrayDataset numbers(inputs, NdArray<float>({3, 1, 2}, {1, 2, 3, 4, 5, 6}));
  CHECK_SAME(numbers.batch(NdArray<Index>({1}, {1})).targets, NdArray<float>({1, 1, 2}, {3, 4}));
  const auto part = data::subset(numbers, NdArray<Index>({2}, {2, 1}));
  CHECK_SAME(part.inputs(), NdArray<float>({2, 2}, {20, 21, 10, 11}));
  CHECK_SAME(part.targets(), NdArray<float>({2, 1, 2}, {5, 6, 3, 4}));
}

TEST_CASE("array_dataset: edge") {
  const data::ArrayDataset empty(NdArray<float>({0, 3}), NdArray<Index>(test::Shape{0}));
  CHECK(empty.size() == 0);
  CHECK(empty.batch(NdArray<Index>(test::Shape{0})).inputs.shape() == test::Shape{0, 3});
}

TEST_CASE("array_dataset: error") {
  CHECK_ERROR((data::ArrayDataset(NdArray<float>({3, 2}), NdArray<Index>(test::Shape{2})), 0),
              eg::ShapeError,
              "[array_dataset] needs one target for each input: inputs (3, 2), targets (2)");
  const data::ArrayDataset set(NdArray<float>::zeros({3, 2}), NdArray<Index>::zeros({3}));
  CHECK_ERROR((set.batch(NdArray<Index>({1}, {3})), 0), eg::ValueError,
              "[array_dataset] index 3 is out of range for 3 samples");
}
