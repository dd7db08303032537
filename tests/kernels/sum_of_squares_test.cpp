// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;

TEMPLATE_TEST_CASE("sum_of_squares: value", "", float, double) {
  using T = TestType;
  for (Index n = 0; n < 140; ++n) {
    NdArray<T> x = NdArray<T>::arange(n);  // whole numbers: exact in any order
    CHECK(eg::kernels::sum_of_squares<T>(x.data(), n) == double((n - 1) * n * (2 * n - 1) / 6));
    eg::kernels::scale(x.data(), n, T(-2));
    CHECK(eg::kernels::sum_of_squares<T>(x.data(), n) ==
          double(4 * ((n - 1) * n * (2 * n - 1) / 6)));
    if (n > 1) CHECK(x(n - 1) == T(-2 * (n - 1)));
  }
}

TEST_CASE("sum_of_squares: edge") {
  const NdArray<float> large({2}, {3e38f, 0});
  CHECK(std::abs(eg::kernels::sum_of_squares(large.data(), 2) / 9e76 - 1) < 1e-6);
  const NdArray<float> bad({3}, {1, NAN, 2});
  CHECK(std::isnan(eg::kernels::sum_of_squares(bad.data(), 3)));
}
