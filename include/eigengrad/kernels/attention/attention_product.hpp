// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/gemm/gemm_tile.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The small matrix products of one head, by one thread.
namespace eigengrad::kernels::detail {

/// C (m, n) = A (m, k) B (k, n), or += with `add`; B and C row-major.
///
/// A head's operands are small, and were in cache a moment ago: the register tile reads both where
/// they lie. What a large product gains by packing them would be lost here.
template <class T>
struct HeadProduct {
  Index m = 0, n = 0, k = 0;
  const T* a = nullptr;
  Index a_row = 0, a_column = 1;  ///< strides of A: its transpose is read as easily
  const T* b = nullptr;
  Index ldb = 0;
  T* c = nullptr;
  Index ldc = 0;
  bool add = false;
  bool c_is_cold = false;  ///< C comes from memory: its lines are asked for while sums are made
};

/// Computes a HeadProduct. K is cut at places that it alone decides.
template <class T>
struct MultiplyHead {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const HeadProduct<T>* product) {
    constexpr Index kLanes = simd::kLanes<T, Arch>;
    constexpr Index kVectors = Arch::kBytes == 64 ? 4 : 2;  // and six rows: they fill the registers
    const HeadProduct<T>& g = *product;
    const Index blocks = std::max<Index>(1, divide_up(g.k, kLargestK));
    const Index step = std::max<Index>(1, divide_up(g.k, blocks));
    alignas(64) T copy[kLargestK * kVectors * kLanes];
    for (Index k = 0; k == 0 || k < g.k; k += step) {
      const Index kc = std::min(step, g.k - k);
      Index vectors = divide_up(g.n, kLanes);
      for (Index j = 0; j < g.n;) {
        const Index panels = divide_up(vectors, kVectors);
        const Index width = divide_up(vectors, panels);
        if constexpr (kVectors == 4) {
          if (width == 4) panel<Arch, 4>(g, k, kc, j, copy);
          if (width == 3) panel<Arch, 3>(g, k, kc, j, copy);
        }
        if (width == 2) panel<Arch, 2>(g, k, kc, j, copy);
        if (width == 1) panel<Arch, 1>(g, k, kc, j, copy);
        j += width * kLanes;
        vectors -= width;
      }
    }
  }

 private:
  static constexpr Index kLargestK = 128;  // this much of B stays in L1

  /// The columns of C from j on, as many as fill `Vectors` vectors.
  template <class Arch, int Vectors>
  static EIGENGRAD_INLINE void panel(const HeadProduct<T>& g, Index k, Index kc, Index j, T* copy) {
    using V = simd::Vec<T, Arch>;
    constexpr Index kLanes = simd::kLanes<T, Arch>;
    constexpr Index kWidth = Vectors * kLanes;
    const Index cols = std::min(kWidth, g.n - j);
    const T* b = g.b + k * g.ldb + j;
    Index ldb = g.ldb;
    // Past a ragged end there may be no memory; and rows whole KBs apart share few places in L1.
    if (cols < kWidth || ldb * Index{sizeof(T)} % 1024 == 0) {
      for (Index p = 0; p < kc; ++p, b += ldb) {
        T* to = copy + p * kWidth;
        simd::transform<V>(cols, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
          simd::store<V>(to + at.i, at.load(b));  // zeros past the end
        });
      }
      b = copy;
      ldb = kWidth;
    }
    // Tiles of six rows, then of five, which together make every number from 20 on. Single rows
    // end the others: they keep the registers waiting.
    const Index fives = 5 * ((g.m + 5) / 6) <= g.m ? (g.m + 5) / 6 * 6 - g.m : 0;
    const Index sixes = (g.m - 5 * fives) / 6 * 6;
    GemmPrefetch<T> none;
    Index i = 0;
    auto rows = [&]<int Rows>(Index end) EIGENGRAD_INLINE_LAMBDA {
      for (; i < end; i += Rows) {
        gemm_tile<T, Arch, Rows, Vectors>(kc, g.a + i * g.a_row + k * g.a_column, g.a_row,
                                          g.a_column, b, ldb, g.c + i * g.ldc + j, g.ldc, cols,
                                          g.add || k > 0, g.c_is_cold, none, none);
      }
    };
    rows.template operator()<6>(sixes);
    rows.template operator()<5>(sixes + 5 * fives);
    rows.template operator()<1>(g.m);
  }
};

template <class T>
void multiply_head(const HeadProduct<T>& g) {
  simd::dispatch<MultiplyHead<T>>(&g);
}

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
