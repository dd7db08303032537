// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/kernels/gemm/gemm_eigen.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Activation;
using eg::Index;
using eg::kernels::Gemm;
using test::NdArray;

namespace {

/// C of one product, in a matrix with gaps between the rows.
template <class T>
struct Result {
  NdArray<T> c, pre, derivative, row_sums;
};

template <class T, class Multiply>
Result<T> multiply(Multiply run, Index m, Index n, Index k, bool transpose_a, bool transpose_b,
                   bool accumulate, bool epilogue) {
  const Index gap = 3;
  const auto a = test::random<T>({transpose_a ? k : m, (transpose_a ? m : k) + gap}, 1);
  const auto b = test::random<T>({transpose_b ? n : k, (transpose_b ? k : n) + gap}, 2);
  const auto bias = test::random<T>({n}, 4);
  const auto residual = test::random<T>({m, n + 1}, 5);
  const auto factor = test::random<T>({m, n}, 6);
  Result<T> result{test::random<T>({m, n + gap}, 3), NdArray<T>::zeros({m, n + 2}),
                   NdArray<T>::zeros({m, n + 1}), NdArray<T>::zeros({m})};
  Gemm<T> g{.m = m,
            .n = n,
            .k = k,
            .a = a.data(),
            .lda = a.shape()[1],
            .transpose_a = transpose_a,
            .b = b.data(),
            .ldb = b.shape()[1],
            .transpose_b = transpose_b,
            .c = result.c.data(),
            .ldc = n + gap,
            .accumulate = accumulate};
  if (epilogue) {
    g.epilogue = {.scale = T(0.25),
                  .bias = bias.data(),
                  .activation = Activation::kGelu,
                  .pre_activation = result.pre.data(),
                  .ld_pre = n + 2,
                  .derivative = result.derivative.data(),
                  .ld_derivative = n + 1,
                  .factor = factor.data(),
                  .ld_factor = n,
                  .residual = residual.data(),
                  .ld_residual = n + 1};
  }
  if (transpose_a) g.row_sums = result.row_sums.data();
  run(g);
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("gemm_eigen: value", "", float, double) {
  using T = TestType;
  const NdArray<T> a({2, 3}, {1, 2, 3, 4, 5, 6});
  const NdArray<T> b({3, 2}, {1, 0, -1, 2, 1, 1});
  const NdArray<T> bias({2}, {10, -10});
  NdArray<T> c({2, 2}, {1, 1, 1, 1});
  Gemm<T> g{.m = 2,
            .n = 2,
            .k = 3,
            .a = a.data(),
            .lda = 3,
            .b = b.data(),
            .ldb = 2,
            .c = c.data(),
            .ldc = 2};
  eg::kernels::gemm_eigen(g);
  CHECK_SAME(c, NdArray<T>({2, 2}, {2, 7, 5, 16}));
  g.accumulate = true;
  g.epilogue = {.scale = T(2), .bias = bias.data(), .activation = Activation::kRelu};
  eg::kernels::gemm_eigen(g);
  CHECK_SAME(c, NdArray<T>({2, 2}, {18, 18, 30, 54}));
}

// Where EIGENGRAD_USE_EIGEN_GEMM is defined both sides are Eigen's, and the first case is the test.
TEMPLATE_TEST_CASE("gemm_eigen: agrees with gemm in every layout and with every epilogue", "",
                   float, double) {
  using T = TestType;
  struct Size {
    Index m, n, k;
  };
  // The last two are cut into several blocks, by rows and by columns.
  for (const Size s : {Size{1, 1, 1}, Size{1, 70, 33}, Size{70, 1, 33}, Size{17, 31, 0},
                       Size{65, 49, 300}, Size{400, 100, 700}, Size{100, 400, 700}}) {
    for (int form = 0; form < 16; ++form) {
      INFO(s.m << " x " << s.n << " x " << s.k << ", form " << form);
      const auto own = multiply<T>([](const Gemm<T>& g) { eg::kernels::gemm(g); }, s.m, s.n, s.k,
                                   form & 1, form & 2, form & 4, form & 8);
      const auto eigen = multiply<T>([](const Gemm<T>& g) { eg::kernels::gemm_eigen(g); }, s.m, s.n,
                                     s.k, form & 1, form & 2, form & 4, form & 8);
      const double close = (sizeof(T) == 4 ? 2e-7 : 4e-16) * static_cast<double>(s.k + 8);
      CHECK_CLOSE(own.c, eigen.c, close);
      CHECK_CLOSE(own.pre, eigen.pre, close);
      CHECK_CLOSE(own.derivative, eigen.derivative, close);
      CHECK_CLOSE(own.row_sums, eigen.row_sums, close);
    }
  }
}

TEST_CASE("gemm_eigen: the same bits on any number of threads") {
  struct Size {
    Index m, n, k;
  };
  for (const Size s : {Size{500, 190, 600}, Size{190, 500, 600}, Size{60, 60, 3000}}) {
    test::check_threads([&] {
      const int threads = eg::num_threads();
      const auto product = multiply<float>([](const Gemm<float>& g) { eg::kernels::gemm_eigen(g); },
                                           s.m, s.n, s.k, false, true, false, true);
      CHECK(eg::num_threads() == threads);
      return std::vector{product.c};
    });
  }
}
