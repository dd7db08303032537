// SPDX-License-Identifier: MIT
#include <algorithm>

#include <eigengrad/ops/multinomial.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEST_CASE("multinomial: draws by weight") {
  eg::Generator rng(1);
  const NdArray<float> weights({2, 4}, {1, 0, 3, 4, 0, 0, 0.5, 0});
  constexpr Index kCount = 20000;
  const NdArray<Index> drawn = eg::multinomial(weights, kCount, rng, true);
  REQUIRE(drawn.shape() == eg::Shape{2, kCount});
  double count[4] = {};
  for (Index i = 0; i < kCount; ++i) {
    ++count[drawn(0, i)];
    if (drawn(1, i) != 2) FAIL("an entry without weight was drawn: " << drawn(1, i));
  }
  CHECK(count[1] == 0);
  for (const Index i : {0, 2, 3}) {
    const double p = weights(0, i) / 8;  // within five standard deviations
    CHECK(std::abs(count[i] - kCount * p) < 5 * std::sqrt(kCount * p * (1 - p)));
  }
}

TEST_CASE("multinomial: without replacement each entry comes once") {
  eg::Generator rng(1);
  const Tensor<double> weights({5}, {1, 2, 0, 3, 4});
  double first = 0;
  for (int i = 0; i < 2000; ++i) {
    const NdArray<Index> drawn = eg::multinomial(weights, 4, rng);
    first += drawn.data()[0] == 4;
    NdArray<Index> order = drawn.clone();
    std::sort(order.begin(), order.end());
    if (test::difference(order, NdArray<Index>({4}, {0, 1, 3, 4}), 0) != "") FAIL("not once each");
  }
  CHECK(std::abs(first - 800) < 5 * std::sqrt(2000 * 0.4 * 0.6));
}

TEST_CASE("multinomial: edge") {
  eg::Generator rng(1), again(1);
  CHECK(eg::multinomial(NdArray<float>({0, 3}), 2, rng).shape() == eg::Shape{0, 2});
  CHECK(eg::multinomial(NdArray<float>({2}, {0, 0}), 0, rng).shape() == eg::Shape{0});
  CHECK_SAME(eg::multinomial(NdArray<double>({2}, {1e-300, 0}), 1, rng), NdArray<Index>({1}, {0}));
  const NdArray<Index> large =
      eg::multinomial(NdArray<double>({2}, {1.5e308, 1.5e308}), 200, rng, true);
  CHECK(large.array().sum() > 60);  // each half of the time, although the sum is infinite
  CHECK(large.array().sum() < 140);
  // Far apart: the others are still there when the largest is taken, and zeros are never drawn.
  CHECK_SAME(eg::multinomial(NdArray<double>({5}, {0, 1e-310, 1e300, 0, 1e-300}), 3, rng),
             NdArray<Index>({3}, {2, 4, 1}));
  const NdArray<float> weights = test::random<float>({3, 50}, 2, 0, 1);
  eg::Generator a(5), b(5);
  CHECK_SAME(eg::multinomial(weights, 20, a), eg::multinomial(weights, 20, b));
}

TEST_CASE("multinomial: error") {
  eg::Generator rng(1);
  const auto draw = [&](const NdArray<float>& weights, Index samples, bool replacement) {
    return eg::multinomial(weights, samples, rng, replacement);
  };
  CHECK_ERROR(draw(NdArray<float>({2, 2}, {1, 1, 1, -1}), 1, true), eg::ValueError,
              "[multinomial] weights must be finite and not negative: row 1, entry 1: -1");
  CHECK_ERROR(draw(NdArray<float>({2}, {1, std::nanf("")}), 1, true), eg::ValueError,
              "[multinomial] weights must be finite and not negative: row 0, entry 1: nan");
  CHECK_ERROR(draw(NdArray<float>({2}, {0, 0}), 3, true), eg::ValueError,
              "[multinomial] row 0 has 0 weights above zero, and needs 1");
  CHECK_ERROR(draw(NdArray<float>({1, 3}, {1, 0, 2}), 3, false), eg::ValueError,
              "[multinomial] row 0 has 2 weights above zero, and needs 3");
  CHECK_ERROR(draw(NdArray<float>({2}, {1, 1}), -1, true), eg::ValueError,
              "[multinomial] samples must not be negative: -1");
  CHECK_ERROR(draw(NdArray<float>({1, 1, 2}, {1, 1}), 1, true), eg::ShapeError,
              "[multinomial] weights must be (B, n) or (n): (1, 1, 2)");
}
