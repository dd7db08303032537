// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <eigengrad/kernels/attention/attention_product.hpp>
#include <tests/support/test.hpp>

using eg::Index;
using test::NdArray;

namespace {

/// One product with gaps between the rows, against sums in double; what lies after C must stay.
template <class T>
void check(Index m, Index n, Index k, bool transposed, bool add, Index ldb = 0) {
  CAPTURE(m, n, k, transposed, add);
  constexpr Index kGap = 3;
  constexpr T kOutside = 77;
  const Index lda = (transposed ? m : k) + kGap, ldc = n + kGap;
  if (ldb == 0) ldb = n + kGap;
  const NdArray<T> a = test::random<T>({transposed ? k : m, lda}, 1);
  // The last row of B has no gap: nothing after it may be read.
  const NdArray<T> b = test::random<T>({std::max<Index>(0, (k - 1) * ldb + n)}, 2);
  NdArray<T> c({m, ldc});
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < ldc; ++j) c.data()[i * ldc + j] = j < n ? T(i - j) : kOutside;
  }
  eg::kernels::detail::multiply_head<T>({.m = m,
                                         .n = n,
                                         .k = k,
                                         .a = a.data(),
                                         .a_row = transposed ? 1 : lda,
                                         .a_column = transposed ? lda : 1,
                                         .b = b.data(),
                                         .ldb = ldb,
                                         .c = c.data(),
                                         .ldc = ldc,
                                         .add = add,
                                         .c_is_cold = add});
  const double tolerance = (sizeof(T) == 4 ? 1e-6 : 1e-14) * static_cast<double>(m + n + k + 1);
  Index wrong = 0;
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < ldc; ++j) {
      double expected = j < n ? (add ? static_cast<double>(i - j) : 0.0) : double{kOutside};
      for (Index p = 0; j < n && p < k; ++p) {
        expected += static_cast<double>(a.data()[transposed ? p * lda + i : i * lda + p]) *
                    static_cast<double>(b.data()[p * ldb + j]);
      }
      const double got = static_cast<double>(c.data()[i * ldc + j]);
      wrong += !(std::abs(got - expected) <= (j < n ? tolerance : 0.0));
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("attention_product: every cut of rows, columns and sums", "", float, double) {
  for (bool transposed : {false, true}) {
    for (bool add : {false, true}) {
      for (Index m = 0; m <= 26; ++m) check<TestType>(m, 35, 7, transposed, add);
      for (Index n = 0; n <= 90; ++n) check<TestType>(7, n, 5, transposed, add);
      for (Index k : {0, 1, 127, 128, 129, 256, 300}) {
        check<TestType>(12, 67, k, transposed, add);
      }
      check<TestType>(12, 40, 6, transposed, add, 1024);  // rows of B whole KBs apart
    }
  }
}
