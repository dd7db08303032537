// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/kernels/column_sum.hpp>
#include <tests/support/test.hpp>

using eg::Activation;
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

TEMPLATE_TEST_CASE("activation_backward: value, in place or not, with and without sums", "", float,
                   double) {
  using T = TestType;
  const NdArray<T> dout({2, 2}, {2, 3, 5, 7});
  const NdArray<T> pre({2, 2}, {1, -1, 0, 4});
  const NdArray<T> expected({2, 2}, {2, 0, 0, 7});
  for (const bool in_place : {false, true}) {
    for (const bool sum : {false, true}) {
      NdArray<T> from = dout.clone();
      NdArray<T> d = in_place ? from : NdArray<T>({2, 2});
      NdArray<T> sums({2}, {10, 20});
      eg::kernels::activation_backward(Activation::kRelu, d.data(),
                                       static_cast<const T*>(from.data()), pre.data(),
                                       sum ? sums.data() : nullptr, true, 2, 2);
      CHECK_SAME(d, expected);
      CHECK_SAME(sums, sum ? NdArray<T>({2}, {12, 27}) : NdArray<T>({2}, {10, 20}));
    }
  }
  SECTION("nothing infinite passes a closed gate") {
    const NdArray<T> infinite({1, 1}, {T(INFINITY)});
    const NdArray<T> closed({1, 1}, {-1});
    NdArray<T> d({1, 1});
    eg::kernels::activation_backward<T>(Activation::kRelu, d.data(), infinite.data(), closed.data(),
                                        nullptr, false, 1, 1);
    CHECK(d.item() == 0);
  }
}

TEST_CASE("activation_backward: the same bits on any number of threads") {
  std::vector<NdArray<float>> first;
  const auto dout = test::random<float>({1003, 65}, 1);
  const auto pre = test::random<float>({1003, 65}, 2, -3, 3);
  for (const int threads : {1, 2, 4}) {
    eg::set_num_threads(threads);
    NdArray<float> d({1003, 65});
    NdArray<float> sums({65});
    eg::kernels::activation_backward(Activation::kGelu, d.data(), dout.data(), pre.data(),
                                     sums.data(), false, 1003, 65);
    const eg::Matrix<double> exact = d.matrix().cast<double>().colwise().sum();
    CHECK_CLOSE(sums, NdArray<double>(exact).reshape({65}), 1e-5);
    first.push_back(d);
    first.push_back(sums);
  }
  eg::set_num_threads(2);
  for (std::size_t i = 2; i < first.size(); ++i) CHECK_SAME(first[i], first[i % 2]);
}
