// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <tests/support/test.hpp>

namespace test {

/// Differentiates op(x, argument) twice, the second time with `argument` refilled between
/// forward and backward; in the end it is as before. Empty when the gradients of x agree, else what
/// differs.
template <class T, class U, class F>
std::string refill_difference(const NdArray<T>& x, NdArray<U>& argument, U refill, const F& op) {
  const NdArray<U> before = argument.clone();
  const auto gradient = [&](bool refilled) {
    const Tensor<T> leaf(x, true);
    const Tensor<T> y = op(leaf, argument);
    if (refilled) argument.fill(refill);
    y.backward(random<T>(y.shape(), 77));
    return leaf.grad();
  };
  const NdArray<T> expected = gradient(false);
  const std::string out = difference(gradient(true), expected, 0.0);
  std::copy(before.begin(), before.end(), argument.begin());
  return out;
}

}  // namespace test

/// The gradient of x is that of the forward, whatever the caller writes to the array afterwards.
#define CHECK_REFILL(x, argument, refill, op) \
  CHECK(test::refill_difference(x, argument, refill, op) == "")
