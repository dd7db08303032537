// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>

EIGENGRAD_BEGIN_VECTORS

/// What a matrix product is made of: the register tile, packing, prefetching, the epilogue.
namespace eigengrad::kernels {

/// What happens to each element of C after its sum:
/// `C = factor act(scale sum + bias) + residual`; absent arrays are left out.
template <class T>
struct GemmEpilogue {
  T scale = T(1);
  const T* bias = nullptr;  ///< (N), added to each row
  Activation activation = Activation::kNone;
  T* pre_activation = nullptr;  ///< receives scale * sum + bias
  Index ld_pre = 0;
  T* derivative = nullptr;  ///< receives act'(scale * sum + bias), for backward
  Index ld_derivative = 0;
  const T* factor = nullptr;
  Index ld_factor = 0;
  const T* residual = nullptr;
  Index ld_residual = 0;

  bool trivial() const {
    return scale == T(1) && bias == nullptr && activation == Activation::kNone &&
           pre_activation == nullptr && derivative == nullptr && factor == nullptr &&
           residual == nullptr;
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
  /// (M): the sums of A's rows over K are added to it, where A is transposed (null otherwise) and
  /// N is not 0. It is a bias's gradient, summed while A is packed for the weight's.
  T* row_sums = nullptr;
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

inline constexpr Index kGemmBlockK = 384;  // longer sums are cut: a tile of A stays in L1
inline constexpr Index kGemmPackedBytes = Index{768} << 10;  // of packed B: it stays in L2

inline constexpr Index kGemmPrefetchSteps = 4;  // steps of k to each cache line asked for

/// Length of the blocks that K is cut into: equal ones. Depends on K alone, as the sums do.
inline Index gemm_block_k(Index k) {
  const Index blocks = std::max<Index>(1, divide_up(k, kGemmBlockK));
  return std::max<Index>(1, divide_up(k, blocks));
}

enum GemmPrefetchPurpose { kForReading = 0, kForWriting = 1 };  // as __builtin_prefetch has them

/// Memory that will be needed soon, asked for one cache line at a time. The hardware foresees
/// neither the rows of the next tile of A nor the pieces of rows of a panel; and many requests at
/// once would hold up the loads of the tile that is being computed.
template <class T, int Purpose = kForReading>
class GemmPrefetch {
 public:
  GemmPrefetch() = default;
  /// `rows` rows of `n` elements, `step` apart.
  GemmPrefetch(const T* from, Index step, Index rows, Index n)
      : row_(from), step_(step), length_(n), rows_(n > 0 ? rows : 0) {}

  EIGENGRAD_INLINE void line() {
    if (rows_ <= 0) return;
    __builtin_prefetch(row_ + at_, Purpose);
    at_ += 64 / static_cast<Index>(sizeof(T));
    if (at_ < length_) return;
    at_ = 0;
    row_ += step_;
    --rows_;
  }

 private:
  const T* row_ = nullptr;
  Index step_ = 0, length_ = 0, rows_ = 0, at_ = 0;
};

/// What the epilogue will read of another matrix, as large as its part of C.
template <class T>
EIGENGRAD_INLINE GemmPrefetch<T> gemm_prefetch_epilogue(const Gemm<T>& g, Index m0, Index rows,
                                                        Index n0, Index cols) {
  const GemmEpilogue<T>& e = g.epilogue;
  if (e.factor) return {e.factor + m0 * e.ld_factor + n0, e.ld_factor, rows, cols};
  if (e.residual) return {e.residual + m0 * e.ld_residual + n0, e.ld_residual, rows, cols};
  return {};
}

/// Puts a tile into C that ends within the tile's last vector. Out of line: it is compiled once.
template <class T>
[[gnu::noinline]] void gemm_store_ragged(T* c, Index ldc, Index rows, Index cols, const T* tile,
                                         Index width, bool add) {
  for (Index i = 0; i < rows; ++i, c += ldc, tile += width) {
    for (Index j = 0; j < cols; ++j) c[j] = add ? tile[j] + c[j] : tile[j];
  }
}

/// One register tile: `Rows` x (`Vectors` vectors) of C from `kc` steps of k. Meanwhile asks for
/// what `next` and `later` hold, and for the tile's own place in C where `ask_for_c` says that this
/// will not be in cache: stores to many lines at once would otherwise fill the store buffer.
template <class T, class Arch, int Rows, int Vectors>
EIGENGRAD_INLINE void gemm_tile(Index kc, const T* __restrict a, Index row_step, Index k_step,
                                const T* __restrict b, Index b_step, T* __restrict c, Index ldc,
                                Index cols, bool add, bool ask_for_c, GemmPrefetch<T>& next,
                                GemmPrefetch<T>& later) {
  using V = simd::Vec<T, Arch>;
  constexpr Index kLanes = simd::kLanes<T, Arch>;
  GemmPrefetch<T, kForWriting> place(c, ldc, ask_for_c ? Rows : 0, cols);
  V sum[Rows][Vectors];
  EIGENGRAD_UNROLL
  for (int i = 0; i < Rows; ++i) {
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) sum[i][j] = V{};
  }
  for (Index p = 0; p < kc; ++p) {
    if (p % kGemmPrefetchSteps == 0) {
      next.line();
      later.line();
      place.line();
    }
    V panel[Vectors];
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) panel[j] = simd::load<V>(b + j * kLanes);
    EIGENGRAD_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const V x = a[i * row_step] - V{};
      EIGENGRAD_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j] += x * panel[j];
    }
    b += b_step;
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
  T tile[Rows * Vectors * kLanes];
  EIGENGRAD_UNROLL
  for (int i = 0; i < Rows; ++i) {
    EIGENGRAD_UNROLL
    for (int j = 0; j < Vectors; ++j) {
      simd::store<V>(tile + (i * Vectors + j) * kLanes, sum[i][j]);
    }
  }
  gemm_store_ragged(c, ldc, Rows, cols, tile, Vectors * kLanes, add);
}

/// Copies `cols` columns of B (kc rows) into a panel of `width` columns, zeros after them.
template <class T, class Arch>
EIGENGRAD_INLINE void gemm_pack_b(const Gemm<T>& g, Index k0, Index kc, Index n0, Index cols,
                                  Index width, T* __restrict out) {
  using V = simd::Vec<T, Arch>;
  if (!g.transpose_b) {
    const T* from = g.b + k0 * g.ldb + n0;
    for (Index p = 0; p < kc; ++p, from += g.ldb, out += width) {
      if (cols == GemmTile<T, Arch>::kPanel) {  // known when compiled: no call of memcpy
        EIGENGRAD_UNROLL
        for (Index j = 0; j < GemmTile<T, Arch>::kPanel; j += simd::kSize<V>)
          simd::store<V>(out + j, simd::load<V>(from + j));
      } else {
        for (Index j = 0; j < width; ++j) out[j] = j < cols ? from[j] : T(0);
      }
    }
    return;
  }
  const T* from = g.b + n0 * g.ldb + k0;
  simd::dispatch<Transpose<T>>(out, width, from, g.ldb, cols,
                               kc);  // a kernel of its own: compiled once
  for (Index p = 0; cols < width && p < kc; ++p) {
    for (Index j = cols; j < width; ++j) out[p * width + j] = T(0);
  }
}

/// Copies a transposed A, `kc` rows of `m` elements, into tiles of `Rows` (then perhaps 4, then 1)
/// columns, each of which a register tile reads in line; tiles start `step` apart. Adds the rows
/// to `sums` (m) unless it is null.
template <class T, class Arch, int Rows>
EIGENGRAD_INLINE void gemm_pack_a(T* __restrict out, Index step, T* __restrict sums, const T* from,
                                  Index lda, Index m, Index kc) {
  using V = simd::Vec<T, Arch>;
  auto some_rows = [&]<int R>(Index p) EIGENGRAD_INLINE_LAMBDA {
    auto copy = [&]<int Width>(T* to, const T* column) EIGENGRAD_INLINE_LAMBDA {
      EIGENGRAD_UNROLL
      for (int r = 0; r < R; ++r) {
        __builtin_memcpy(to + (p + r) * Width, column + r * lda, Width * sizeof(T));
      }
    };
    T* to = out;
    Index i = 0;
    for (; i + Rows <= m; i += Rows, to += step) copy.template operator()<Rows>(to, from + i);
    if (i + 4 <= m) {
      copy.template operator()<4>(to, from + i);
      i += 4;
      to += step;
    }
    for (; i < m; ++i, to += step) copy.template operator()<1>(to, from + i);
    if (sums == nullptr) return;
    simd::transform_singly<V>(m, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      auto total = at.load(sums);
      EIGENGRAD_UNROLL
      for (int r = 0; r < R; ++r) total += at.load(from + r * lda);
      at.store(sums, total);
    });
  };
  Index p = 0;
  for (; p + 4 <= kc; p += 4, from += 4 * lda) some_rows.template operator()<4>(p);
  for (; p < kc; ++p, from += lda) some_rows.template operator()<1>(p);
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
    const T* factor = e.factor ? e.factor + i * e.ld_factor + n0 : nullptr;
    T* pre = e.pre_activation ? e.pre_activation + i * e.ld_pre + n0 : nullptr;
    T* derivative = e.derivative ? e.derivative + i * e.ld_derivative + n0 : nullptr;
    simd::transform<V>(cols, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      V x = at.load(c) * e.scale;
      if (bias) x += at.load(bias);
      if (pre) at.store(pre, x);
      if (derivative) {
        V slope;
        x = activate<A>(x, slope);
        at.store(derivative, slope);
      } else {
        x = activate<A>(x);
      }
      if (factor) x *= at.load(factor);
      if (residual) x += at.load(residual);
      at.store(c, x);
    });
  }
}

template <class T, class Arch>
EIGENGRAD_INLINE void gemm_epilogue(const Gemm<T>& g, Index m, Index rows, Index n, Index cols) {
  switch (g.epilogue.activation) {
    case Activation::kNone:
      return gemm_epilogue<T, Arch, Activation::kNone>(g, m, rows, n, cols);
    case Activation::kRelu:
      return gemm_epilogue<T, Arch, Activation::kRelu>(g, m, rows, n, cols);
    case Activation::kGelu:
      return gemm_epilogue<T, Arch, Activation::kGelu>(g, m, rows, n, cols);
    case Activation::kGeluTanh:
      return gemm_epilogue<T, Arch, Activation::kGeluTanh>(g, m, rows, n, cols);
    case Activation::kSilu:
      return gemm_epilogue<T, Arch, Activation::kSilu>(g, m, rows, n, cols);
  }
}

}  // namespace detail
}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
