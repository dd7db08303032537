// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include <eigengrad/kernels/gemm/gemm.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Activation;
using eg::Index;
using eg::kernels::Gemm;
using test::NdArray;

namespace {

constexpr double kOutside = 77;  // what stands between the rows of C and must stay there

/// A matrix product with everything around it: operands with gaps between their rows.
template <class T>
struct Problem {
  Index m, n, k;
  bool transpose_a = false, transpose_b = false, accumulate = false;
  Index gap = 0;

  NdArray<T> a{}, b{}, c{}, bias{}, residual{}, pre{};
  Gemm<T> gemm{};

  void prepare() {
    const Index a_rows = transpose_a ? k : m, a_cols = transpose_a ? m : k;
    const Index b_rows = transpose_b ? n : k, b_cols = transpose_b ? k : n;
    a = test::random<T>({a_rows, a_cols + gap}, 1);
    b = test::random<T>({b_rows, b_cols + gap}, 2);
    c = NdArray<T>::full({m, n + gap}, T(kOutside));
    if (accumulate) {
      c.matrix().leftCols(n) = test::random<T>({m, n}, 3).matrix();
    }
    gemm = {.m = m,
            .n = n,
            .k = k,
            .a = a.data(),
            .lda = a_cols + gap,
            .transpose_a = transpose_a,
            .b = b.data(),
            .ldb = b_cols + gap,
            .transpose_b = transpose_b,
            .c = c.data(),
            .ldc = n + gap,
            .accumulate = accumulate};
  }

  /// The product alone, in double.
  eg::Matrix<double> expected() const {
    const eg::Matrix<double> x = a.matrix().leftCols(transpose_a ? m : k).template cast<double>();
    const eg::Matrix<double> y = b.matrix().leftCols(transpose_b ? k : n).template cast<double>();
    eg::Matrix<double> z = eg::Matrix<double>::Zero(m, n);
    if (accumulate) z = test::random<T>({m, n}, 3).matrix().template cast<double>();
    if (transpose_a && transpose_b) {
      z += x.transpose() * y.transpose();
    } else if (transpose_a) {
      z += x.transpose() * y;
    } else if (transpose_b) {
      z += x * y.transpose();
    } else {
      z += x * y;
    }
    return z;
  }

  /// Largest difference from `wanted`, infinite when something outside was written.
  double error(const eg::Matrix<double>& wanted) const {
    if (gap > 0 && (c.matrix().rightCols(gap).array() != T(kOutside)).any()) return INFINITY;
    const auto difference = (c.matrix().leftCols(n).template cast<double>() - wanted).array().abs();
    const double worst = difference.size() == 0 ? 0 : difference.maxCoeff();
    return std::isnan(worst) || !difference.allFinite() ? INFINITY : worst;
  }
};

template <class T>
double tolerance(Index k) {
  // Entries are below 1; rounding grows with the number of terms at worst.
  return (sizeof(T) == 4 ? 1e-7 : 2e-16) * static_cast<double>(k + 8);
}

/// Runs a product in each of the four layouts and says whether all were right.
template <class T>
bool right_in_all_layouts(Index m, Index n, Index k, Index gap = 0, bool accumulate = false) {
  bool right = true;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      Problem<T> p{.m = m,
                   .n = n,
                   .k = k,
                   .transpose_a = ta,
                   .transpose_b = tb,
                   .accumulate = accumulate,
                   .gap = gap};
      p.prepare();
      eg::kernels::gemm(p.gemm);
      right = right && p.error(p.expected()) <= tolerance<T>(k);
    }
  }
  return right;
}

double activate(Activation a, double x) {
  switch (a) {
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kNone:
      break;
  }
  return x;
}

/// Its derivative, by a difference quotient in double: good to 1e-9.
double activate_derivative(Activation a, double x) {
  if (a == Activation::kRelu) return x > 0 ? 1 : 0;
  const double h = 1e-6;
  return (activate(a, x + h) - activate(a, x - h)) / (2 * h);
}

}  // namespace

TEMPLATE_TEST_CASE("gemm: value", "", float, double) {
  using T = TestType;
  const NdArray<T> a({2, 3}, {1, 2, 3, 4, 5, 6});
  const NdArray<T> b({3, 2}, {1, 0, -1, 2, 1, 1});
  NdArray<T> c({2, 2});
  eg::kernels::gemm<T>({.m = 2,
                        .n = 2,
                        .k = 3,
                        .a = a.data(),
                        .lda = 3,
                        .b = b.data(),
                        .ldb = 2,
                        .c = c.data(),
                        .ldc = 2});
  CHECK_SAME(c, NdArray<T>({2, 2}, {2, 7, 5, 16}));
}

TEMPLATE_TEST_CASE("gemm: every size around the tiles, in every layout", "", float, double) {
  using T = TestType;
  for (Index size = 1; size <= 70; ++size) {
    INFO("size " << size);
    CHECK(right_in_all_layouts<T>(size, 50, 9));
    CHECK(right_in_all_layouts<T>(13, size, 9));
    CHECK(right_in_all_layouts<T>(9, 17, size));
    CHECK(right_in_all_layouts<T>(size, size, size));
  }
}

TEMPLATE_TEST_CASE("gemm: inner dimensions across the blocks", "", float, double) {
  using T = TestType;
  for (const Index k : {0, 1, 2, 383, 384, 385, 767, 768, 769, 1000}) {
    INFO("k " << k);
    CHECK(right_in_all_layouts<T>(11, 53, k));
    CHECK(right_in_all_layouts<T>(11, 53, k, 5, true));
  }
}

TEMPLATE_TEST_CASE("gemm: columns across the blocks, and products that run in parallel", "", float,
                   double) {
  using T = TestType;
  for (const Index n : {767, 768, 769, 1600}) {
    INFO("n " << n);
    CHECK(right_in_all_layouts<T>(5, n, 20));
    CHECK(right_in_all_layouts<T>(100, n, 33));
  }
  CHECK(right_in_all_layouts<T>(500, 130, 300));
}

TEMPLATE_TEST_CASE("gemm: rows with gaps, and sums onto what is there", "", float, double) {
  using T = TestType;
  for (const Index gap : {0, 1, 7, 16}) {
    for (const bool accumulate : {false, true}) {
      INFO("gap " << gap << ", accumulate " << accumulate);
      for (const Index n : {1, 3, 16, 17, 31, 48, 49, 95}) {
        CHECK(right_in_all_layouts<T>(n, 19, 33, gap, accumulate));
        CHECK(right_in_all_layouts<T>(19, n, 33, gap, accumulate));
      }
    }
  }
}

TEMPLATE_TEST_CASE("gemm: epilogues", "", float, double) {
  using T = TestType;
  for (const Index n : {1, 15, 16, 17, 50}) {
    for (const Index k : {0, 12, 300}) {
      for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu,
                                          Activation::kGeluTanh, Activation::kSilu}) {
        for (int parts = 0; parts < 16; ++parts) {
          const double close = 2 * tolerance<T>(k);  // the product's and the activation's
          const bool scaled = parts & 1, bias = parts & 2, residual = parts & 4, keep = parts & 8;
          INFO("n " << n << ", k " << k << ", " << eg::activation_name(activation) << ", parts "
                    << parts);
          Problem<T> p{.m = 21, .n = n, .k = k, .transpose_b = true, .gap = 3};
          p.prepare();
          p.bias = test::random<T>({n}, 4);
          p.residual = test::random<T>({p.m, n + 2}, 5);
          p.pre = NdArray<T>::full({p.m, n + 1}, T(kOutside));
          p.gemm.epilogue = {.scale = scaled ? T(0.25) : T(1),
                             .bias = bias ? p.bias.data() : nullptr,
                             .activation = activation,
                             .pre_activation = keep ? p.pre.data() : nullptr,
                             .ld_pre = n + 1,
                             .residual = residual ? p.residual.data() : nullptr,
                             .ld_residual = n + 2};
          eg::kernels::gemm(p.gemm);
          eg::Matrix<double> wanted = p.expected() * (scaled ? 0.25 : 1.0);
          if (bias) wanted.rowwise() += p.bias.matrix().row(0).template cast<double>();
          if (keep) {
            CHECK((p.pre.matrix().leftCols(n).template cast<double>() - wanted)
                      .array()
                      .abs()
                      .maxCoeff() <= close);
            CHECK((p.pre.matrix().rightCols(1).array() == T(kOutside)).all());
          }
          wanted = wanted.unaryExpr([&](double x) { return activate(activation, x); }).eval();
          if (residual) wanted += p.residual.matrix().leftCols(n).template cast<double>();
          CHECK(p.error(wanted) <= close);
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("gemm: the activation's derivative, and a factor", "", float, double) {
  using T = TestType;
  for (const Index n : {1, 15, 16, 17, 50}) {
    for (const Index k : {0, 12, 400}) {
      for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kGelu,
                                          Activation::kGeluTanh, Activation::kSilu}) {
        INFO("n " << n << ", k " << k << ", " << eg::activation_name(activation));
        const double close = 1e-8 + 2 * tolerance<T>(k);
        Problem<T> p{.m = 21, .n = n, .k = k, .transpose_b = true, .gap = 3};
        p.prepare();
        p.bias = test::random<T>({n}, 4);
        const NdArray<T> factor = test::random<T>({p.m, n + 2}, 5);
        NdArray<T> derivative = NdArray<T>::full({p.m, n + 1}, T(kOutside));
        p.gemm.epilogue.bias = p.bias.data();
        p.gemm.epilogue.activation = activation;
        p.gemm.epilogue.derivative = derivative.data();
        p.gemm.epilogue.ld_derivative = n + 1;
        p.gemm.epilogue.factor = factor.data();
        p.gemm.epilogue.ld_factor = n + 2;
        eg::kernels::gemm(p.gemm);
        eg::Matrix<double> sum = p.expected();
        sum.rowwise() += p.bias.matrix().row(0).template cast<double>();
        const eg::Matrix<double> slope =
            sum.unaryExpr([&](double x) { return activate_derivative(activation, x); });
        const eg::Matrix<double> value =
            sum.unaryExpr([&](double x) { return activate(activation, x); })
                .cwiseProduct(factor.matrix().leftCols(n).template cast<double>());
        CHECK(p.error(value) <= close);
        CHECK((derivative.matrix().leftCols(n).template cast<double>() - slope)
                  .array()
                  .abs()
                  .maxCoeff() <= close);
        CHECK((derivative.matrix().rightCols(1).array() == T(kOutside)).all());
      }
    }
  }
}

TEMPLATE_TEST_CASE("gemm: sums of A's rows ride along", "", float, double) {
  using T = TestType;
  struct Size {
    Index m, n, k;
  };
  for (const Size s : {Size{1, 1, 1}, Size{17, 5, 0}, Size{50, 100, 33}, Size{3, 200, 1000},
                       Size{500, 130, 900}, Size{193, 1600, 385}}) {
    INFO(s.m << " x " << s.n << " x " << s.k);
    Problem<T> p{.m = s.m, .n = s.n, .k = s.k, .transpose_a = true, .gap = 2};
    p.prepare();
    NdArray<T> sums = test::random<T>({s.m}, 6);
    const eg::Matrix<double> wanted =
        sums.matrix().row(0).template cast<double>() +
        p.a.matrix().leftCols(s.m).template cast<double>().colwise().sum();
    p.gemm.row_sums = sums.data();
    eg::kernels::gemm(p.gemm);
    CHECK(p.error(p.expected()) <= tolerance<T>(s.k));
    CHECK((sums.matrix().row(0).template cast<double>() - wanted).array().abs().maxCoeff() <=
          tolerance<T>(s.k));
  }
}

TEMPLATE_TEST_CASE("gemm: nothing to do", "", float, double) {
  using T = TestType;
  NdArray<T> c = NdArray<T>::full({2, 2}, T(5));
  eg::kernels::gemm<T>({.m = 0, .n = 2, .k = 2, .c = c.data(), .ldc = 2});
  eg::kernels::gemm<T>({.m = 2, .n = 0, .k = 2, .c = c.data(), .ldc = 2});
  CHECK_SAME(c, NdArray<T>::full({2, 2}, T(5)));
  eg::kernels::gemm<T>({.m = 2, .n = 2, .k = 0, .c = c.data(), .ldc = 2, .accumulate = true});
  CHECK_SAME(c, NdArray<T>::full({2, 2}, T(5)));
  eg::kernels::gemm<T>({.m = 2, .n = 2, .k = 0, .c = c.data(), .ldc = 2});
  CHECK_SAME(c, NdArray<T>::zeros({2, 2}));
}

TEMPLATE_TEST_CASE("gemm: the same bits on any number of threads", "", float, double) {
  using T = TestType;
  struct Size {
    Index m, n, k;
  };
  for (const Size s : {Size{500, 190, 300}, Size{190, 500, 300}, Size{97, 97, 600},
                       Size{1, 3000, 400}, Size{3000, 1, 400}, Size{65, 65, 1000}}) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        INFO(s.m << " x " << s.n << " x " << s.k << ", transposed " << ta << tb);
        test::check_threads([&] {
          Problem<T> p{.m = s.m, .n = s.n, .k = s.k, .transpose_a = ta, .transpose_b = tb};
          p.prepare();
          p.bias = test::random<T>({s.n}, 4);
          p.gemm.epilogue.bias = p.bias.data();
          p.gemm.epilogue.activation = Activation::kGelu;
          NdArray<T> sums = NdArray<T>::zeros({s.m});
          if (ta) p.gemm.row_sums = sums.data();
          eg::kernels::gemm(p.gemm);
          return std::vector{p.c, sums};
        });
      }
    }
  }
}

TEST_CASE("gemm: NaN and infinity go where they belong") {
  // What stands after the last column of a panel must not leak into the columns that count.
  NdArray<float> a = NdArray<float>::ones({2, 3});
  NdArray<float> b = NdArray<float>::ones({3, 20});
  a(0, 1) = INFINITY;
  b(2, 19) = NAN;
  NdArray<float> c({2, 19});
  eg::kernels::gemm<float>({.m = 2,
                            .n = 19,
                            .k = 3,
                            .a = a.data(),
                            .lda = 3,
                            .b = b.data(),
                            .ldb = 20,
                            .c = c.data(),
                            .ldc = 19});
  for (Index j = 0; j < 19; ++j) {
    CHECK(c(0, j) == INFINITY);
    CHECK(c(1, j) == 3);
  }
}
