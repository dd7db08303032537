// SPDX-License-Identifier: MIT
#include <vector>

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

TEST_CASE("peak: the triad computes b + factor c up to its last element and not beyond") {
  for (eg::Index n : {0, 1, 15, 16, 17, 100}) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<float> a(size + 1, -1), b(size + 1), c(size + 1);
    for (std::size_t i = 0; i <= size; ++i) {
      b[i] = static_cast<float>(i);
      c[i] = 1000;
    }
    eg::simd::dispatch<eg::kernels::detail::TriadLoop<float>>(
        a.data(), static_cast<const float*>(b.data()), static_cast<const float*>(c.data()), 0.5f,
        n);
    for (std::size_t i = 0; i < size; ++i) CHECK(a[i] == 500 + static_cast<float>(i));
    CHECK(a[size] == -1);
  }
}

TEST_CASE("peak: memory bandwidth in float and double agree roughly") {
  const eg::Index bytes = eg::Index{8} << 20;
  const double single = eg::kernels::bandwidth_gbs<float>(0.02, bytes);
  const double twice = eg::kernels::bandwidth_gbs<double>(0.02, bytes);
  CHECK(single > 0.1);
  CHECK(single < 1e5);
  // The same bytes, whatever their type; the machine may be shared.
  CHECK(twice > single / 8);
  CHECK(twice < single * 8);
}
