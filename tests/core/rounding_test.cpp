// SPDX-License-Identifier: MIT
#include <cstddef>
#include <type_traits>

#include <eigengrad/core/rounding.hpp>
#include <tests/support/test.hpp>

namespace eg = eigengrad;
using test::Index;

TEST_CASE("rounding: parts and multiples, up to the next whole one") {
  for (Index size : {1, 2, 3, 8}) {
    for (Index n = 0; n <= 25; ++n) {
      Index parts = 0;
      while (parts * size < n) ++parts;
      CHECK(eg::divide_up(n, size) == parts);
      CHECK(eg::round_up(n, size) == parts * size);
    }
  }
}

TEST_CASE("rounding: the result has the wider of the two types") {
  const Index large = Index{1} << 40;
  CHECK(eg::divide_up(64, large) == 1);
  CHECK(eg::round_up(64, large) == large);
  CHECK(eg::round_up(large + 1, 16) == large + 16);
  static_assert(std::is_same_v<decltype(eg::divide_up(64, large)), Index>);
  static_assert(std::is_same_v<decltype(eg::round_up(std::size_t{1}, 8)), std::size_t>);
}
