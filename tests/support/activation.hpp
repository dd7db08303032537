// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/activation.hpp>
#include <tests/support/test.hpp>

namespace test {

// An activation, and its derivative, as functions for `map`.

template <eg::Activation A>
struct Value {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::kernels::activate<A>(x);
  }
};

template <eg::Activation A>
struct Derivative {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::kernels::activate_derivative<A>(x);
  }
};

}  // namespace test
