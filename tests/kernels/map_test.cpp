// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/map.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;

namespace {

struct Polynomial {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b, const V& c) const {
    return a * b + c;
  }
};
struct Twice {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x + x;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("map: every element of any length, and none after it", "", float, double) {
  using T = TestType;
  for (Index n = 0; n < 70; ++n) {
    // Whole numbers: the result is exact whether or not the product is fused with the sum.
    NdArray<T> a({n + 1}), b({n + 1}), c({n + 1});
    for (Index i = 0; i <= n; ++i) {
      a(i) = T(i + 1);
      b(i) = T(2 * i - 5);
      c(i) = T(7 - i);
    }
    NdArray<T> out = NdArray<T>::full({n + 1}, T(-12345));
    const auto in = [](const NdArray<T>& x) { return x.data(); };
    eg::kernels::map(Polynomial(), out.data(), n, in(a), in(b), in(c));
    for (Index i = 0; i < n; ++i) CHECK(out(i) == a(i) * b(i) + c(i));
    CHECK(out(n) == T(-12345));
  }
}

TEST_CASE("map: the output may be the input") {
  NdArray<float> x = NdArray<float>::arange(100003);
  eg::kernels::map(Twice(), x.data(), x.numel(), static_cast<const float*>(x.data()));
  for (Index i = 0; i < x.numel(); ++i) {
    if (x(i) != static_cast<float>(2 * i)) FAIL("element " << i);
  }
}
