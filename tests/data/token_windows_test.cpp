// SPDX-License-Identifier: MIT
#include <eigengrad/data/token_windows.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

TEST_CASE("token_windows: the end of the tokens is for validation") {
  const auto [train, validation] = data::split_tokens(NdArray<Index>::arange(25));
  CHECK_SAME(train, NdArray<Index>::arange(22));
  CHECK_SAME(validation, NdArray<Index>({3}, {22, 23, 24}));
  CHECK(data::split_tokens(NdArray<Index>::arange(10), 0.1).train.numel() == 9);
  CHECK(data::split_tokens(NdArray<Index>::arange(10), 0).validation.numel() == 0);
  CHECK(data::split_tokens(NdArray<Index>::arange(10), 1).train.numel() == 0);
}

TEST_CASE("token_windows: random windows and the tokens that follow") {
  const data::TokenWindows windows(NdArray<Index>::arange(20),
                                   {.context = 4, .batch = 3, .seed = 7});
  NdArray<Index> starts = NdArray<Index>::zeros({20});
  for (Index number = 0; number < 300; ++number) {
    const data::TokenBatch batch = windows.random(number);
    REQUIRE(batch.inputs.shape() == eg::Shape{3, 4});
    for (Index b = 0; b < 3; ++b) {
      const Index start = batch.inputs(b, 0);
      starts(start) += 1;
      for (Index t = 0; t < 4; ++t) {
        REQUIRE(batch.inputs(b, t) == start + t);
        REQUIRE(batch.targets(b, t) == start + t + 1);
      }
    }
  }
  // Each of the 16 places 56 times on average, and no other.
  for (Index i = 0; i < 20; ++i) {
    CAPTURE(i);
    CHECK(starts(i) >= (i < 16 ? 30 : 0));
    CHECK(starts(i) <= (i < 16 ? 90 : 0));
  }
}

TEST_CASE("token_windows: a batch follows from the seed and its number") {
  const NdArray<Index> tokens = NdArray<Index>::arange(1000);
  const data::TokenWindows windows(tokens, {.context = 8, .batch = 5, .seed = 7});
  const data::TokenWindows same(tokens, {.context = 8, .batch = 5, .seed = 7});
  const data::TokenWindows other(tokens, {.context = 8, .batch = 5, .seed = 8});
  (void)windows.random(3);
  CHECK_SAME(windows.random(9).inputs, same.random(9).inputs);
  CHECK(test::difference(windows.random(9).inputs, windows.random(10).inputs, 0) != "");
  CHECK(test::difference(windows.random(9).inputs, other.random(9).inputs, 0) != "");
}

TEST_CASE("token_windows: all windows one after the other") {
  // 23 tokens: five windows of four with a token to follow, two left over.
  const data::TokenWindows windows(NdArray<Index>::arange(23), {.context = 4, .batch = 2});
  CHECK(windows.window_count() == 5);
  REQUIRE(windows.batch_count() == 3);
  Index next = 0;
  for (Index number = 0; number < 3; ++number) {
    const data::TokenBatch batch = windows.consecutive(number);
    CHECK(batch.inputs.dim(0) == (number < 2 ? 2 : 1));
    for (Index i = 0; i < batch.inputs.numel(); ++i, ++next) {
      CHECK(batch.inputs.data()[i] == next);
      CHECK(batch.targets.data()[i] == next + 1);
    }
  }
  CHECK(next == 20);
}

TEST_CASE("token_windows: edge") {
  // One window alone.
  const data::TokenWindows windows(NdArray<Index>({3}, {5, 6, 7}), {.context = 2, .batch = 2});
  CHECK_SAME(windows.random(0).inputs, NdArray<Index>({2, 2}, {5, 6, 5, 6}));
  CHECK_SAME(windows.random(0).targets, NdArray<Index>({2, 2}, {6, 7, 6, 7}));
  CHECK_SAME(windows.consecutive(0).targets, NdArray<Index>({1, 2}, {6, 7}));
}

TEST_CASE("token_windows: error") {
  const auto make = [](const eg::Shape& shape, Index context, Index batch) {
    return data::TokenWindows(NdArray<Index>::zeros(shape), {.context = context, .batch = batch});
  };
  CHECK_ERROR(make({8}, 8, 1), eg::ValueError,
              "[token_windows] needs more tokens than the context: tokens 8, context 8");
  CHECK_ERROR(make({8}, 0, 1), eg::ValueError,
              "[token_windows] sizes must be positive: context 0, batch 1");
  CHECK_ERROR(make({8, 1}, 4, 1), eg::ShapeError,
              "[token_windows] tokens must be (N): tokens (8, 1)");
  CHECK_ERROR(make({9}, 4, 1).random(-1), eg::ValueError,
              "[token_windows] the number of a batch must not be negative: -1");
  CHECK_ERROR(make({9}, 4, 1).consecutive(2), eg::ValueError,
              "[token_windows] batch 2 is out of range for 2");
  CHECK_ERROR(data::split_tokens(NdArray<Index>::zeros({2, 2})), eg::ShapeError,
              "[split_tokens] tokens must be (N): tokens (2, 2)");
  CHECK_ERROR(data::split_tokens(NdArray<Index>::zeros({2}), 1.5), eg::ValueError,
              "[split_tokens] validation_share must be in [0, 1]: 1.5");
}
