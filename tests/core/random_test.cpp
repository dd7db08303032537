// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <eigengrad/core/random.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Generator;
using test::Index;
using test::NdArray;

TEST_CASE("random: Philox4x32-10's published test vectors") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(eg::detail::philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint64_t ones = ~std::uint64_t{0};
  CHECK(eg::detail::philox(ones, ones, ones) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: digits of pi.
  CHECK(eg::detail::philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: the seed decides") {
  Generator a(1);
  Generator b(1);
  Generator c(2);
  Generator d(1, 1);
  const auto x = a.next();
  CHECK(b.next() == x);
  CHECK(c.next() != x);
  CHECK(d.next() != x);
  CHECK(a.next() != x);
}

TEST_CASE("random: state is saved and restored") {
  Generator rng(5, 3);
  rng.normal();
  const Generator::State state = rng.state();
  CHECK(state == Generator::State{5, 3, 1});
  const NdArray<float> first = rng.uniform({10});
  rng.set_state(state);
  CHECK_SAME(rng.uniform({10}), first);
  Generator other(state);
  CHECK_SAME(other.uniform({10}), first);
}

TEST_CASE("random: uniform has the range, mean and variance it should") {
  Generator rng(1);
  constexpr int n = 100000;
  double sum = 0;
  double squares = 0;
  double low = 1;
  double high = 0;
  std::vector<int> bins(16, 0);
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform();
    sum += x;
    squares += x * x;
    low = std::min(low, x);
    high = std::max(high, x);
    ++bins[static_cast<std::size_t>(x * 16)];
  }
  const double mean = sum / n;
  // Five standard deviations of the estimates.
  CHECK(std::abs(mean - 0.5) < 5 * std::sqrt(1 / 12. / n));
  CHECK(std::abs(squares / n - mean * mean - 1 / 12.) < 5 * std::sqrt(1 / 180. / n));
  CHECK(low >= 0);
  CHECK(high < 1);
  double chi = 0;
  for (int count : bins) chi += (count - n / 16.) * (count - n / 16.) / (n / 16.);
  CHECK(chi < 50);  // 15 degrees of freedom; beyond it once in 80,000 seeds
  for (int i = 0; i < 1000; ++i) {
    const double x = rng.uniform(-3, -2);
    CHECK((x >= -3 && x < -2));
  }
}

TEST_CASE("random: normal has the moments it should") {
  Generator rng(2);
  constexpr int n = 100000;
  double m1 = 0;
  double m2 = 0;
  double m3 = 0;
  double m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    m1 += x;
    m2 += x * x;
    m3 += x * x * x;
    m4 += x * x * x * x;
  }
  // Five standard deviations of the estimates: variances 1, 2, 15 and 96.
  CHECK(std::abs(m1 / n) < 5 * std::sqrt(1. / n));
  CHECK(std::abs(m2 / n - 1) < 5 * std::sqrt(2. / n));
  CHECK(std::abs(m3 / n) < 5 * std::sqrt(15. / n));
  CHECK(std::abs(m4 / n - 3) < 5 * std::sqrt(96. / n));
}

TEST_CASE("random: successive draws are not correlated") {
  Generator rng(3);
  constexpr int n = 100000;
  double sum = 0;
  double last = rng.normal();
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    sum += last * x;
    last = x;
  }
  CHECK(std::abs(sum / n) < 5 * std::sqrt(1. / n));
}

TEMPLATE_TEST_CASE("random: arrays", "", float, double) {
  using T = TestType;
  Generator rng(4);
  const NdArray<T> u = rng.uniform<T>({100, 100}, T(2), T(4));
  CHECK(u.shape() == test::Shape{100, 100});
  CHECK(u.array().minCoeff() >= 2);
  CHECK(u.array().maxCoeff() <= 4);
  CHECK(std::abs(u.array().mean() - 3) < T(0.03));
  const NdArray<T> v = rng.normal<T>({100, 100}, T(-1), T(0.5));
  CHECK(std::abs(v.array().mean() + 1) < T(0.025));
  CHECK(std::abs((v.array() + T(1)).square().mean() - T(0.25)) < T(0.02));
  CHECK(rng.uniform<T>({0, 3}).numel() == 0);
}

TEST_CASE("random: forks are reproducible and leave their origin alone") {
  const Generator rng(1);
  const auto state = rng.state();
  Generator a = rng.fork(3, 4);
  Generator b = Generator(1).fork(3, 4);
  CHECK(rng.state() == state);
  CHECK(a.state() == b.state());
  CHECK(a.next() == b.next());
}

TEST_CASE("random: forks differ by each argument, by seed, stream and depth") {
  std::set<std::uint64_t> seen;
  std::size_t count = 0;
  auto add = [&](Generator g) {
    seen.insert(g.next());
    ++count;
  };
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (std::uint64_t stream = 0; stream < 4; ++stream) {
      const Generator rng(seed, stream);
      add(rng);
      for (std::uint64_t a = 0; a < 8; ++a) {
        for (std::uint64_t b = 0; b < 8; ++b) {
          add(rng.fork(a, b));
          add(rng.fork(a, b).fork(b, a));
        }
      }
    }
  }
  CHECK(seen.size() == count);
}

TEST_CASE("random: neighbouring forks are not correlated") {
  const Generator rng(9);
  constexpr int n = 100000;
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    sum += rng.fork(0, static_cast<std::uint64_t>(i)).normal() *
           rng.fork(1, static_cast<std::uint64_t>(i)).normal();
  }
  CHECK(std::abs(sum / n) < 5 * std::sqrt(1. / n));
}

TEST_CASE("random: integers stay in bounds and are even") {
  Generator rng(6);
  std::vector<int> bins(7, 0);
  constexpr int n = 70000;
  for (int i = 0; i < n; ++i) {
    const Index k = rng.integer(7);
    REQUIRE((k >= 0 && k < 7));
    ++bins[static_cast<std::size_t>(k)];
  }
  for (int count : bins) CHECK(std::abs(count - n / 7) < 500);  // five standard deviations
  for (int i = 0; i < 100; ++i) CHECK(rng.integer(1) == 0);
  const Index most = std::numeric_limits<Index>::max();
  Index largest = 0;
  for (int i = 0; i < 100; ++i) {
    const Index k = rng.integer(most);
    CHECK((k >= 0 && k < most));
    largest = std::max(largest, k);
  }
  CHECK(largest > most / 2);
  CHECK_ERROR(rng.integer(0), eg::ValueError, "[integer] n must be positive: 0");
  CHECK_ERROR(rng.integer(-4), eg::ValueError, "[integer] n must be positive: -4");
}

TEST_CASE("random: permutations hold each number once, and each order is as likely") {
  Generator rng(8);
  NdArray<Index> p = rng.permutation(1000);
  CHECK_FALSE(std::is_sorted(p.begin(), p.end()));
  std::sort(p.begin(), p.end());
  CHECK_SAME(p, NdArray<Index>::arange(1000));
  CHECK(rng.permutation(0).numel() == 0);
  CHECK_SAME(rng.permutation(1), NdArray<Index>({1}, {0}));
  std::vector<int> orders(27, 0);
  for (int i = 0; i < 6000; ++i) {
    const NdArray<Index> q = rng.permutation(3);
    ++orders[static_cast<std::size_t>(q(0) * 9 + q(1) * 3 + q(2))];
  }
  int possible = 0;
  for (int count : orders) {
    if (count == 0) continue;
    ++possible;
    CHECK(std::abs(count - 1000) < 150);  // five standard deviations
  }
  CHECK(possible == 6);
}

TEST_CASE("random: the same bits on any number of threads") {
  test::check_threads([] { return std::vector{Generator(1).normal({50000})}; });
}
