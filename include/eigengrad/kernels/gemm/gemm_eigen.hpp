// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <Eigen/Core>

#include <eigengrad/kernels/gemm/gemm.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Matrix products through Eigen's, with the meaning of `gemm`: the oracle of its tests, and what
/// `gemm` itself calls where EIGENGRAD_USE_EIGEN_GEMM is defined. With Eigen's EIGEN_USE_BLAS the
/// products are an installed BLAS's; give that one thread, it works inside ours.
namespace eigengrad::kernels {

namespace detail {

template <class T>
struct GemmEigenEpilogue {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const Gemm<T>* g, Index m0, Index rows, Index n0, Index cols) {
    gemm_epilogue<T, Arch>(*g, m0, rows, n0, cols);
  }
};

/// The block [m0, m1) x [n0, n1) of C, by one thread.
template <class T>
void gemm_eigen_block(const Gemm<T>& g, Index m0, Index m1, Index n0, Index n1) {
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using ColMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
  using Stride = Eigen::OuterStride<>;
  const eigengrad::detail::OneThread serial;
  const Index m = m1 - m0, n = n1 - n0;
  Eigen::Map<RowMajor, 0, Stride> c(g.c + m0 * g.ldc + n0, m, n, Stride(g.ldc));
  auto multiply = [&](const auto& a, const auto& b) {
    if (g.accumulate) {
      c.noalias() += a * b;
    } else {
      c.noalias() = a * b;
    }
  };
  // A matrix stored transposed is a column-major one.
  auto with_a = [&](const auto& a) {
    if (g.transpose_b) {
      multiply(a, Eigen::Map<const ColMajor, 0, Stride>(g.b + n0 * g.ldb, g.k, n, Stride(g.ldb)));
    } else {
      multiply(a, Eigen::Map<const RowMajor, 0, Stride>(g.b + n0, g.k, n, Stride(g.ldb)));
    }
  };
  if (g.transpose_a) {
    with_a(Eigen::Map<const ColMajor, 0, Stride>(g.a + m0, m, g.k, Stride(g.lda)));
  } else {
    with_a(Eigen::Map<const RowMajor, 0, Stride>(g.a + m0 * g.lda, m, g.k, Stride(g.lda)));
  }
  for (Index k = 0; g.row_sums && n0 == 0 && k < g.k; ++k) {
    for (Index i = m0; i < m1; ++i) g.row_sums[i] += g.a[k * g.lda + i];
  }
  if (!g.epilogue.trivial()) simd::dispatch<GemmEigenEpilogue<T>>(&g, m0, m, n0, n);
}

}  // namespace detail

/// Computes `g` with Eigen's product.
///
/// C is cut at places that its shape alone decides: Eigen adds up in an order that depends on the
/// size of a product, and no result may depend on the number of threads.
template <class T>
void gemm_eigen(const Gemm<T>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  constexpr Index kBlock = 1 << 24;  // multiplications; smaller blocks pack B too often
  constexpr Index kStep = 48;
  const bool by_rows = g.m >= g.n;
  const Index length = by_rows ? g.m : g.n, line = (by_rows ? g.n : g.m) * std::max<Index>(1, g.k);
  const Index step = (kBlock / line + kStep) / kStep * kStep;
  parallel_for(length, step, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += step) {
      const Index stop = std::min(end, i + step);
      if (by_rows) {
        detail::gemm_eigen_block(g, i, stop, Index{0}, g.n);
      } else {
        detail::gemm_eigen_block(g, Index{0}, g.m, i, stop);
      }
    }
  });
}

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
