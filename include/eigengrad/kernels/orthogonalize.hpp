// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>

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
  constexpr Index kTile = 16;  // the lines of a tile stay in L1 while it is mirrored
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

/// c = scale a b + residual, all (n, n), where c is symmetric.
template <class T>
void symmetric_product(T* c, const T* a, const T* b, Index n, T scale = 1,
                       const T* residual = nullptr) {
  Gemm<T> g{.m = n, .n = n, .k = n, .a = a, .lda = n, .b = b, .ldb = n, .c = c, .ldc = n};
  g.epilogue.scale = scale;
  g.epilogue.residual = residual;
  g.epilogue.ld_residual = n;
  symmetric_gemm(g);
}

}  // namespace detail

/// x (rows, cols), row-major, becomes orthogonal in `rounds` rounds. Its singular values must not
/// exceed 1; dividing by the Frobenius norm makes sure of it.
///
/// Works with the Gram matrix a of the shorter side: x -> b x with b = p + q a + r a^2, a = x x^T,
/// or x -> x b with a = x^T x, so that nothing is ever transposed in memory. Everything made of a
/// is symmetric, so half of it is computed, and commutes: the next round's a is b a b. Where one
/// side is longer than the other, several rounds are therefore made with small matrices alone, and
/// x is multiplied once, by the product of their b; after five, because rounding can make an
/// eigenvalue of a negative and each round multiplies it by 12, a is made from x again.
template <class T>
void orthogonalize(T* x, Index rows, Index cols, Index rounds) {
  constexpr T kP = T(3.4445), kQ = T(-4.775), kR = T(2.0315);
  const bool tall = rows >= cols;
  const Index n = std::min(rows, cols);
  const Index length = std::max(rows, cols);
  if (n == 0) return;
  const Index together = 4 * length > 5 * n ? 5 : 1;
  eigengrad::detail::Scratch<T> small(4 * n * n);
  eigengrad::detail::Scratch<T> memory(rows * cols);
  T* const a = small.data();  // q times the Gram matrix
  T* const b = a + n * n;
  T* product = b + n * n;  // of all b since x was multiplied
  T* other = product + n * n;
  T* from = x;
  T* to = memory.data();
  const auto polynomial = [&](T* out) {
    // p + a + r / q^2 a (n, n) . a (n, n)
    detail::symmetric_product<T>(out, a, a, n, kR / (kQ * kQ), a);
    for (Index i = 0; i < n; ++i) out[i * n + i] += kP;
  };
  while (rounds > 0) {
    // a (n, n) = q x^T (n, rows) . x (rows, n), or q x (n, cols) . x^T (cols, n)
    Gemm<T> gram{.m = n, .n = n, .k = length};
    gram.a = gram.b = from;
    gram.lda = gram.ldb = cols;
    gram.transpose_a = tall;
    gram.transpose_b = !tall;
    gram.c = a;
    gram.ldc = n;
    gram.epilogue.scale = kQ;
    detail::symmetric_gemm(gram);
    polynomial(product);
    const T* last = product;
    const Index end = std::max<Index>(rounds - together, 0);
    for (--rounds; rounds > end; --rounds) {
      detail::symmetric_product<T>(other, last, a, n);
      detail::symmetric_product<T>(a, other, last, n);
      polynomial(b);
      last = b;
      detail::symmetric_product<T>(other, b, product, n);
      std::swap(other, product);
    }
    // x (rows, n) . product (n, n), or product (n, n) . x (n, cols)
    Gemm<T> next{.m = rows, .n = cols, .k = n};
    next.a = tall ? from : product;
    next.lda = n;
    next.b = tall ? product : from;
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
