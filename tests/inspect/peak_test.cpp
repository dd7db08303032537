// SPDX-License-Identifier: MIT
#include <chrono>
#include <vector>

#include <eigengrad/inspect/peak.hpp>
#include <tests/support/test.hpp>

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

// Two timings cannot be compared on a shared machine, but the best of several runs cannot be slower
// than what all of them did in the time of the whole call.

TEMPLATE_TEST_CASE("peak: the best run is no slower than all of them together", "", float, double) {
  const auto start = std::chrono::steady_clock::now();
  const double best = eg::inspect::peak_gflops<TestType>(0.05);
  // At least 12 runs of 2^19 steps of 12 multiply-adds, each at least a lane wide.
  const double least = 12.0 * (1 << 19) * 12 * 2 * double(eg::num_threads());
  CHECK(best >= least / seconds_since(start) / 1e9);
  CHECK(best < 1e5);
}

TEST_CASE("peak: the loop runs the multiply-adds that it counts") {
  float factors[2] = {0.5f, 1.0f};
  eg::Index flops = 0;
  eg::simd::dispatch<eg::detail::FmaLoop<float>>(eg::Index{100}, &factors[0], &flops);
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
    eg::simd::dispatch<eg::detail::TriadLoop<float>>(a.data(), static_cast<const float*>(b.data()),
                                                     static_cast<const float*>(c.data()), 0.5f, n);
    for (std::size_t i = 0; i < size; ++i) CHECK(a[i] == 500 + static_cast<float>(i));
    CHECK(a[size] == -1);
  }
}

TEMPLATE_TEST_CASE("peak: the best triad is no slower than all of them together", "", float,
                   double) {
  const eg::Index bytes = eg::Index{8} << 20;
  const auto start = std::chrono::steady_clock::now();
  const double best = eg::inspect::bandwidth_gbs<TestType>(0, bytes);
  CHECK(best >= 5 * 3 * double(bytes) / seconds_since(start) / 1e9);  // five runs over three arrays
  CHECK(best < 1e5);
}
