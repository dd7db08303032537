// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

namespace eigengrad {

/// How many parts of `size` it takes to hold `n`, the last of them perhaps not full; n >= 0 and
/// size > 0, of any integer types.
template <class N, class S>
constexpr std::common_type_t<N, S> divide_up(N n, S size) {
  using T = std::common_type_t<N, S>;
  return (static_cast<T>(n) + static_cast<T>(size) - 1) / static_cast<T>(size);
}

/// The smallest multiple of `unit` that is at least `n`; n >= 0 and unit > 0, of any integer types.
template <class N, class S>
constexpr std::common_type_t<N, S> round_up(N n, S unit) {
  return divide_up(n, unit) * static_cast<std::common_type_t<N, S>>(unit);
}

}  // namespace eigengrad
