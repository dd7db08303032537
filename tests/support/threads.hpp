// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <vector>

#include <tests/support/test.hpp>

namespace test {

/// Runs with `n` threads, then sets the previous number again.
class Threads {
 public:
  explicit Threads(int n) : before_(eg::num_threads()) { eg::set_num_threads(n); }
  ~Threads() { eg::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// What `compute` returns, a vector of arrays, has the same bits each time, on any number of
/// threads.
template <class Compute>
void check_threads(Compute compute) {
  const auto with = [&](int n) {
    const Threads guard(n);
    return compute();
  };
  const auto expected = with(1);
  REQUIRE(!expected.empty());
  for (const int n : {1, 2, 3, 4}) {
    const auto actual = with(n);
    REQUIRE(actual.size() == expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      INFO("result " << i << " on " << n << " threads");
      REQUIRE(actual[i].shape() == expected[i].shape());
      const std::size_t bytes =
          static_cast<std::size_t>(actual[i].numel()) * sizeof(*actual[i].data());
      CHECK((bytes == 0 || std::memcmp(actual[i].data(), expected[i].data(), bytes) == 0));
    }
  }
}

}  // namespace test
