// SPDX-License-Identifier: MIT
#pragma once

#include <benchmarks/suite/harness.hpp>

#include <eigengrad/core/parallel.hpp>

/// Naive versions that several files need.
namespace bench {

inline Exact exact(const Array& a) {
  Exact out(a.shape());
  for (Index i = 0; i < a.numel(); ++i) out.data()[i] = a.data()[i];
  return out;
}

/// The transpose of a matrix.
template <class T>
Exact transposed(const eg::NdArray<T>& a) {
  Exact out(Shape{a.dim(1), a.dim(0)});
  for (Index i = 0; i < a.dim(0); ++i) {
    for (Index j = 0; j < a.dim(1); ++j) out(j, i) = a(i, j);
  }
  return out;
}

/// a (m, k) b (k, n); each row a sum of rows of b.
inline Exact naive_product(const Exact& a, const Exact& b) {
  const Index n = b.dim(1);
  Exact out = Exact::zeros(Shape{a.dim(0), n});
  eg::parallel_for(a.dim(0), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      double* row = out.data() + i * n;
      for (Index p = 0; p < a.dim(1); ++p) {
        const double x = a(i, p);
        const double* from = b.data() + p * n;
        for (Index j = 0; j < n; ++j) row[j] += x * from[j];
      }
    }
  });
  return out;
}

/// One value from each element.
template <class F>
Exact each(const Array& x, F&& f) {
  Exact out(x.shape());
  for (Index i = 0; i < x.numel(); ++i) out.data()[i] = f(double(x.data()[i]));
  return out;
}

/// The distribution function of the standard normal, and gelu with its derivative.
inline double normal_cdf(double x) { return std::erfc(-x * M_SQRT1_2) / 2; }
inline double naive_gelu(double x) { return x * normal_cdf(x); }
inline double naive_gelu_slope(double x) {
  return normal_cdf(x) + x * std::exp(-x * x / 2) * M_SQRT1_2 * M_2_SQRTPI / 2;
}

}  // namespace bench
