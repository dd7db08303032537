// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/simd.hpp>

/// Matrix products: the one entry point for linear, matmul, attention and convolution.
///
/// The product is computed in register tiles of kRows x kPanel elements. B is packed into panels,
/// so that the inner loop reads it in one stream; A is read where it lies (row-major) or packed a
/// tile at a time (transposed). K is cut at fixed places, and an element's sum runs over k in
/// order whatever tile or thread it falls to: the bits do not depend on the number of threads.
namespace eigengrad::kernels {

/// What happens to each element of C after its sum: `C = act(scale * sum + bias) + residual`.
template <class T>
struct GemmEpilogue {
  T scale = T(1);
  const T* bias = nullptr;  ///< (N), added to each row
  Activation activation = Activation::kNone;
  T* pre_activation = nullptr;  ///< receives scale * sum + bias, for backward
  Index ld_pre = 0;
  const T* residual = nullptr;
  Index ld_residual = 0;

  bool trivial() const {
    return scale == T(1) && bias == nullptr && activation == Activation::kNone &&
           pre_activation == nullptr && residual == nullptr;
  }
};

/// C (M, N) = A (M, K) B (K, N), or += with `accumulate`; all row-major with leading dimensions.
/// `transpose_a` says that A is stored as (K, M), `transpose_b` that B is stored as (N, K).
template <class T>
struct Gemm {
  Index m = 0, n = 0, k = 0;
  const T* a = nullptr;
  Index lda = 0;
  bool transpose_a = false;
  const T* b = nullptr;
  Index ldb = 0;
  bool transpose_b = false;
  T* c = nullptr;
  Index ldc = 0;
  bool accumulate = false;
  GemmEpilogue<T> epilogue{};
};

namespace detail {

/// Tile sizes. Accumulators fill the registers: 8 x 3 of 32 for AVX-512, 4 x 3 of 16 elsewhere,
/// which leaves room for three vectors of B and one of A.
template <class T, class Arch>
struct GemmTile {
  static constexpr Index kLanes = simd::kLanes<T, Arch>;
  static constexpr Index kVectors = 3;
  static constexpr Index kPanel = kVectors * kLanes;
  static constexpr Index kRows = Arch::kBytes == 64 ? 8 : 4;
};

inline constexpr Index kGemmBlockK = 256;  // a tile of A and a panel of B stay in L1
inline constexpr Index kGemmBlockN = 768;  // kGemmBlockK x kGemmBlockN of packed B stay in L2

/// One register tile: `Rows` x (`Vectors` vectors) of C from `kc` steps of k.
template <class T, class Arch, int Rows, int Vectors>
EIGENGRAD_INLINE void gemm_tile(Index kc, const T* __restrict a, Index row_step, Index k_step,
                                const T* __restrict b, T* __restrict c, Index ldc, Index cols,
                                bool add) {
  using V = simd::Vec<T, Arch>;
  constexpr Index kLanes = simd::kLanes<T, Arch>;
  V sum[Rows][Vectors];
  EIGENGRAD_UNROLL
  for (int i = 0; i < Rows; ++i) {
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) sum[i][j] = V{};
  }
  for (Index p = 0; p < kc; ++p) {
    V panel[Vectors];
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) panel[j] = simd::load<V>(b + j * kLanes);
    EIGENGRAD_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const V x = a[i * row_step] - V{};
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j] += x * panel[j];
    }
    b += Vectors * kLanes;
    a += k_step;
  }
  if (cols == Vectors * kLanes) {
    EIGENGRAD_UNROLL
    for (int i = 0; i < Rows; ++i) {
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) {
        T* out = c + i * ldc + j * kLanes;
        simd::store<V>(out, add ? sum[i][j] + simd::load<V>(out) : sum[i][j]);
      }
    }
    return;
  }
  EIGENGRAD_UNROLL
  for (int i = 0; i < Rows; ++i) {
    T line[Vectors * kLanes];
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) simd::store<V>(line + j * kLanes, sum[i][j]);
    T* out = c + i * ldc;
    for (Index j = 0; j < cols; ++j) out[j] = add ? line[j] + out[j] : line[j];
  }
}

/// Copies `cols` columns of B (kc rows) into a panel of `width` columns, zeros behind them.
template <class T, class Arch>
EIGENGRAD_INLINE void gemm_pack_b(const Gemm<T>& g, Index k0, Index kc, Index n0, Index cols,
                                  Index width, T* __restrict out) {
  using V = simd::Vec<T, Arch>;
  if (!g.transpose_b) {
    const T* from = g.b + k0 * g.ldb + n0;
    for (Index p = 0; p < kc; ++p, from += g.ldb, out += width) {
      if (cols == width) {
        for (Index j = 0; j < width; j += simd::kSize<V>)
          simd::store<V>(out + j, simd::load<V>(from + j));
      } else {
        for (Index j = 0; j < width; ++j) out[j] = j < cols ? from[j] : T(0);
      }
    }
    return;
  }
  const T* from = g.b + n0 * g.ldb + k0;
  constexpr Index kStrip = 16;  // a strip of a few lines of B stays in L1 while it is turned
  for (Index p0 = 0; p0 < kc; p0 += kStrip) {
    const Index p1 = std::min(kc, p0 + kStrip);
    for (Index j = 0; j < width; ++j) {
      for (Index p = p0; p < p1; ++p) out[p * width + j] = j < cols ? from[j * g.ldb + p] : T(0);
    }
  }
}

/// Applies the epilogue to `rows` x `cols` of C at (m0, n0), while they are in cache.
template <class T, class Arch, Activation A>
EIGENGRAD_INLINE void gemm_epilogue(const Gemm<T>& g, Index m0, Index rows, Index n0, Index cols) {
  using V = simd::Vec<T, Arch>;
  const GemmEpilogue<T>& e = g.epilogue;
  for (Index i = m0; i < m0 + rows; ++i) {
    T* c = g.c + i * g.ldc + n0;
    const T* bias = e.bias ? e.bias + n0 : nullptr;
    const T* residual = e.residual ? e.residual + i * e.ld_residual + n0 : nullptr;
    T* pre = e.pre_activation ? e.pre_activation + i * e.ld_pre + n0 : nullptr;
    auto finish = [&](auto fetch, auto put) EIGENGRAD_INLINE_LAMBDA {
      V x = fetch(c) * e.scale;
      if (bias) x += fetch(bias);
      if (pre) put(pre, x);
      x = activate<A>(x);
      if (residual) x += fetch(residual);
      put(c, x);
    };
    simd::for_each_vector<V>(
        cols,
        [&](Index j) EIGENGRAD_INLINE_LAMBDA {
          finish([=](const T* p) EIGENGRAD_INLINE_LAMBDA { return simd::load<V>(p + j); },
                 [=](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store<V>(p + j, v); });
        },
        [&](Index j, Index n) EIGENGRAD_INLINE_LAMBDA {
          finish([=](const T* p)
                     EIGENGRAD_INLINE_LAMBDA { return simd::load_partial<V>(p + j, n); },
                 [=](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store_partial<V>(p + j, v, n); });
        });
  }
}

/// The block [m0, m1) x [n0, n1) of C, serially.
template <class T>
struct GemmBlock {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const Gemm<T>* gp, Index m0, Index m1, Index n0, Index n1) {
    using Tile = GemmTile<T, Arch>;
    constexpr int kRows = static_cast<int>(Tile::kRows);
    const Gemm<T>& g = *gp;
    const Index block_n =
        std::min<Index>((n1 - n0 + Tile::kPanel - 1) / Tile::kPanel * Tile::kPanel,
                        kGemmBlockN / Tile::kPanel * Tile::kPanel);
    const Index block_k = std::min(g.k, kGemmBlockK);
    eigengrad::detail::Scratch<T> packed(block_k * block_n + kRows * block_k);
    T* packed_a = packed.data() + block_k * block_n;
    for (Index n = n0; n < n1; n += block_n) {
      const Index nc = std::min(block_n, n1 - n);
      for (Index k = 0; k == 0 || k < g.k; k += kGemmBlockK) {
        const Index kc = std::min(kGemmBlockK, g.k - k);
        const bool add = g.accumulate || k > 0;
        const bool last = k + kGemmBlockK >= g.k;
        for (Index j = 0; j < nc; j += Tile::kPanel) {
          const Index cols = std::min(Tile::kPanel, nc - j);
          const Index width = (cols + Tile::kLanes - 1) / Tile::kLanes * Tile::kLanes;
          gemm_pack_b<T, Arch>(g, k, kc, n + j, cols, width, packed.data() + j * kc);
        }
        for (Index m = m0; m < m1;) {
          const Index left = m1 - m;
          const Index rows = left >= kRows ? kRows : left >= 4 ? 4 : 1;
          const T* a = g.transpose_a ? packed_a : g.a + m * g.lda + k;
          const Index row_step = g.transpose_a ? 1 : g.lda;
          const Index k_step = g.transpose_a ? rows : 1;
          if (g.transpose_a) {
            pack_a<kRows>(g.a + k * g.lda + m, g.lda, kc, rows, packed_a);
          }
          for (Index j = 0; j < nc; j += Tile::kPanel) {
            const Index cols = std::min(Tile::kPanel, nc - j);
            const T* b = packed.data() + j * kc;
            T* c = g.c + m * g.ldc + n + j;
            auto tile = [&]<int R, int W>() EIGENGRAD_INLINE_LAMBDA {
              gemm_tile<T, Arch, R, W>(kc, a, row_step, k_step, b, c, g.ldc, cols, add);
            };
            auto by_width = [&]<int R>() EIGENGRAD_INLINE_LAMBDA {
              if (cols > 2 * Tile::kLanes) {
                tile.template operator()<R, 3>();
              } else if (cols > Tile::kLanes) {
                tile.template operator()<R, 2>();
              } else {
                tile.template operator()<R, 1>();
              }
            };
            if (rows == kRows) {
              by_width.template operator()<kRows>();
            } else if (kRows > 4 && rows == 4) {
              by_width.template operator()<4>();
            } else {
              by_width.template operator()<1>();
            }
          }
          if (last && !g.epilogue.trivial()) epilogue<Arch>(g, m, rows, n, nc);
          m += rows;
        }
      }
    }
  }

  /// Copies `rows` columns of a transposed A (kc rows of it), so that a tile reads them in line.
  template <int FullRows>
  static EIGENGRAD_INLINE void pack_a(const T* from, Index lda, Index kc, Index rows, T* out) {
    if (rows == FullRows) {
      for (Index p = 0; p < kc; ++p, from += lda, out += FullRows) {
        __builtin_memcpy(out, from, FullRows * sizeof(T));
      }
      return;
    }
    for (Index p = 0; p < kc; ++p, from += lda, out += rows) {
      for (Index i = 0; i < rows; ++i) out[i] = from[i];
    }
  }

  template <class Arch>
  static EIGENGRAD_INLINE void epilogue(const Gemm<T>& g, Index m, Index rows, Index n, Index nc) {
    switch (g.epilogue.activation) {
      case Activation::kNone:
        return gemm_epilogue<T, Arch, Activation::kNone>(g, m, rows, n, nc);
      case Activation::kRelu:
        return gemm_epilogue<T, Arch, Activation::kRelu>(g, m, rows, n, nc);
      case Activation::kGelu:
        return gemm_epilogue<T, Arch, Activation::kGelu>(g, m, rows, n, nc);
      case Activation::kGeluTanh:
        return gemm_epilogue<T, Arch, Activation::kGeluTanh>(g, m, rows, n, nc);
      case Activation::kSilu:
        return gemm_epilogue<T, Arch, Activation::kSilu>(g, m, rows, n, nc);
    }
  }
};

}  // namespace detail

#ifdef EIGENGRAD_USE_EIGEN_GEMM
template <class T>
void gemm_eigen(const Gemm<T>& g);
#endif

/// Computes `g`, in parallel unless it is small or already inside a parallel region.
template <class T>
void gemm(const Gemm<T>& g) {
#ifdef EIGENGRAD_USE_EIGEN_GEMM
  gemm_eigen(g);
#else
  if (g.m <= 0 || g.n <= 0) return;
  constexpr Index kGrainFlops = 1 << 18;  // below about 10 microseconds a second thread is no gain
  constexpr Index kStep = 48;             // keeps the cut at whole tiles
  if (g.m >= g.n) {
    const Index rows = std::max<Index>(1, kGrainFlops / std::max<Index>(1, g.n * g.k));
    parallel_for(g.m, (rows + kStep - 1) / kStep * kStep, [&](Index begin, Index end) {
      simd::dispatch<detail::GemmBlock<T> >(&g, begin, end, Index{0}, g.n);
    });
  } else {
    const Index cols = std::max<Index>(1, kGrainFlops / std::max<Index>(1, g.m * g.k));
    parallel_for(g.n, (cols + kStep - 1) / kStep * kStep, [&](Index begin, Index end) {
      simd::dispatch<detail::GemmBlock<T> >(&g, Index{0}, g.m, begin, end);
    });
  }
#endif
}

EIGENGRAD_INSTANTIATE(void gemm(const Gemm<float>&))
EIGENGRAD_INSTANTIATE(void gemm(const Gemm<double>&))

}  // namespace eigengrad::kernels

#ifdef EIGENGRAD_USE_EIGEN_GEMM
#include <eigengrad/kernels/gemm_eigen.hpp>
#endif
