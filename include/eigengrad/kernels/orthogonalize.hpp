// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/gemm.hpp>

/// The nearest matrix with orthonormal rows or columns, approximately, by products alone.
///
/// With x = u s v^T (its singular value decomposition), each round maps the singular values by
/// s -> 3.4445 s - 4.775 s^3 + 2.0315 s^5. From s in (0, 1] a few rounds bring all but the
/// smallest close to 1 (between about 0.7 and 1.2 after five), so x comes close to u v^T.
/// **Source** K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
namespace eigengrad::kernels {

namespace detail {

/// Copies what lies left of the diagonal of c (n, n) to the right of it.
template <class T>
void mirror(T* c, Index n) {
  constexpr Index kTile = 16;  // the lines of a tile stay in L1 while it is turned
  for (Index i0 = 0; i0 < n; i0 += kTile) {
    const Index i1 = std::min(n, i0 + kTile);
    for (Index j0 = 0; j0 <= i0; j0 += kTile) {
      for (Index j = j0; j < std::min(j0 + kTile, i1); ++j) {
        for (Index i = std::max(i0, j + 1); i < i1; ++i) c[j * n + i] = c[i * n + j];
      }
    }
  }
}

/// Computes `g`, whose result (n, n) is symmetric: blocks of rows up to the diagonal, the rest
/// mirrored.
template <class T>
void symmetric_gemm(const Gemm<T>& g) {
  constexpr Index kBlock = 48;  // smaller blocks save more products, but pack more often
  for (Index i = 0; i < g.m; i += kBlock) {
    Gemm<T> block = g;
    block.m = std::min(kBlock, g.m - i);
    block.n = i + block.m;
    block.a += g.transpose_a ? i : i * g.lda;
    block.c += i * g.ldc;
    if (g.epilogue.residual) block.epilogue.residual += i * g.epilogue.ld_residual;
    gemm(block);
  }
  mirror(g.c, g.m);
}

}  // namespace detail

/// x (rows, cols), row-major, becomes orthogonal in `rounds` rounds. Its singular values must not
/// exceed 1; dividing by the Frobenius norm makes sure of it.
///
/// Works with the Gram matrix a of the shorter side: x -> (p + q a + r a^2) x for a = x x^T, or
/// x (p + q a + r a^2) for a = x^T x, so that nothing is ever transposed in memory. Only half of
/// a and of a^2 is computed, as both are symmetric.
template <class T>
void orthogonalize(T* x, Index rows, Index cols, Index rounds) {
  constexpr T kP = T(3.4445), kQ = T(-4.775), kR = T(2.0315);
  const bool tall = rows >= cols;
  const Index n = std::min(rows, cols);
  if (n == 0) return;
  eigengrad::detail::Scratch<T> gram_memory(n * n);
  eigengrad::detail::Scratch<T> polynomial_memory(n * n);
  eigengrad::detail::Scratch<T> memory(rows * cols);
  T* a = gram_memory.data();
  T* b = polynomial_memory.data();
  T* from = x;
  T* to = memory.data();
  for (Index round = 0; round < rounds; ++round) {
    // a (n, n) = q x^T (n, rows) . x (rows, n), or q x (n, cols) . x^T (cols, n)
    Gemm<T> gram{.m = n, .n = n, .k = std::max(rows, cols)};
    gram.a = gram.b = from;
    gram.lda = gram.ldb = cols;
    gram.transpose_a = tall;
    gram.transpose_b = !tall;
    gram.c = a;
    gram.ldc = n;
    gram.epilogue.scale = kQ;
    detail::symmetric_gemm(gram);
    // b (n, n) = p + a + r / q^2 a (n, n) . a (n, n); with p in b, x is read once
    Gemm<T> square{.m = n, .n = n, .k = n, .a = a, .lda = n, .b = a, .ldb = n, .c = b, .ldc = n};
    square.epilogue.scale = kR / (kQ * kQ);
    square.epilogue.residual = a;
    square.epilogue.ld_residual = n;
    detail::symmetric_gemm(square);
    for (Index i = 0; i < n; ++i) b[i * n + i] += kP;
    // x (rows, n) . b (n, n), or b (n, n) . x (n, cols)
    Gemm<T> next{.m = rows, .n = cols, .k = n};
    next.a = tall ? from : b;
    next.lda = n;
    next.b = tall ? b : from;
    next.ldb = tall ? n : cols;
    next.c = to;
    next.ldc = cols;
    gemm(next);
    std::swap(from, to);
  }
  if (from != x) std::copy(from, from + rows * cols, x);
}

EIGENGRAD_INSTANTIATE(void orthogonalize(float*, Index, Index, Index))
EIGENGRAD_INSTANTIATE(void orthogonalize(double*, Index, Index, Index))

}  // namespace eigengrad::kernels
