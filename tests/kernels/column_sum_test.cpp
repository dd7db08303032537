// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/kernels/column_sum.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Index;
using test::NdArray;

TEMPLATE_TEST_CASE("column_sum: value", "", float, double) {
  using T = TestType;
  const NdArray<T> x({3, 2}, {1, 10, 2, 20, 3, 30});
  NdArray<T> sums({2}, {100, 200});
  eg::kernels::column_sum(sums.data(), x.data(), 3, 2, true);
  CHECK_SAME(sums, NdArray<T>({2}, {106, 260}));
  eg::kernels::column_sum(sums.data(), x.data(), 3, 2);
  CHECK_SAME(sums, NdArray<T>({2}, {6, 60}));
}

TEMPLATE_TEST_CASE("column_sum: any size equals Eigen in double", "", float, double) {
  using T = TestType;
  for (const Index rows : {0, 1, 3, 4, 8, 9, 63, 64, 65, 130, 4097}) {
    for (const Index cols : {1, 7, 8, 15, 16, 17, 33, 100}) {
      INFO(rows << " x " << cols);
      const NdArray<T> x = test::random<T>({rows, cols}, 1);
      NdArray<T> sums = NdArray<T>::full({cols}, T(NAN));
      eg::kernels::column_sum(sums.data(), x.data(), rows, cols);
      const eg::Matrix<double> exact = x.matrix().template cast<double>().colwise().sum();
      CHECK_CLOSE(sums, NdArray<double>(exact).reshape({cols}), sizeof(T) == 4 ? 1e-5 : 1e-13);
    }
  }
}

TEST_CASE("column_sum: the same bits on any number of threads") {
  const auto x = test::random<float>({4099, 65}, 1);
  test::check_threads([&] {
    NdArray<float> sums(test::Shape{65});
    eg::kernels::column_sum(sums.data(), x.data(), 4099, 65);
    return std::vector{sums};
  });
}
