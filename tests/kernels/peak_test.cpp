// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/peak.hpp>
#include <tests/support/test.hpp>

TEST_CASE("peak: two measurements agree roughly") {
  const double first = eg::kernels::peak_gflops<float>(0.05);
  const double second = eg::kernels::peak_gflops<float>(0.05);
  CHECK(first > 0.5);
  CHECK(first < 1e5);
  // The machine may be shared, so only a gross difference counts.
  CHECK(second > first / 8);
  CHECK(second < first * 8);
}

TEST_CASE("peak: the loop runs the multiply-adds that it counts") {
  float factors[2] = {0.5f, 1.0f};
  eg::Index flops = 0;
  eg::simd::dispatch<eg::kernels::detail::FmaLoop<float>>(eg::Index{100}, &factors[0], &flops);
  // Every chain converges to b / (1 - a) = 2; 12 chains are summed over all lanes.
  CHECK(flops % (100 * 12 * 2) == 0);
  CHECK(factors[0] == 2.0f * static_cast<float>(flops / (100 * 2)));
}
