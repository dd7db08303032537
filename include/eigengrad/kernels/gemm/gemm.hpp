// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/gemm/gemm_tile.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Matrix products: the one entry point for linear, matmul and convolution.
///
/// The product is computed in register tiles of kRows x kPanel elements (gemm_tile.hpp). B is
/// packed into panels, so that the inner loop reads it in one stream; A is read where it lies
/// (row-major) or packed (transposed). K is cut at fixed places, and an element's sum runs over k
/// in order whatever tile or thread it falls to: the bits do not depend on the number of threads.
namespace eigengrad::kernels {

namespace detail {

/// How rows are cut into register tiles: whole ones, then perhaps one of 4, then single rows.
template <int FullRows>
struct GemmRowTiles {
  explicit GemmRowTiles(Index rows) : whole(rows / FullRows), rest(rows % FullRows) {}

  Index count() const { return whole + (rest >= 4 ? rest - 3 : rest); }
  Index rows(Index i) const { return i < whole ? FullRows : i == whole && rest >= 4 ? 4 : 1; }

  Index whole, rest;
};

/// The largest multiple of `unit` up to `fit` (at least one unit), evened out over `n`.
inline Index gemm_cut(Index n, Index fit, Index unit) {
  fit = std::max<Index>(1, fit / unit) * unit;
  const Index parts = std::max<Index>(1, divide_up(n, fit));
  return round_up(std::max<Index>(1, divide_up(n, parts)), unit);
}

/// The block [m0, m1) x [n0, n1) of C, serially.
///
/// A row-major: panels of B are packed, and each tile of rows meets all of them; A is read where
/// it lies, once. A transposed (a weight's gradient: a small C and a long K): A is packed, and each
/// panel of B, packed when its turn comes, meets all tiles of rows.
template <class T>
struct GemmBlock {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const Gemm<T>* gp, Index m0, Index m1, Index n0, Index n1) {
    using Tile = GemmTile<T, Arch>;
    constexpr int kRows = static_cast<int>(Tile::kRows);
    constexpr Index kPanel = Tile::kPanel;
    const Gemm<T>& g = *gp;
    const bool by_rows = !g.transpose_a;
    const Index block_k = gemm_block_k(g.k);
    const Index fit = kGemmPackedBytes / (block_k * Index{sizeof(T)});
    const Index block_m = by_rows ? m1 - m0 : gemm_cut(m1 - m0, fit, kRows);
    const Index block_n = by_rows ? gemm_cut(n1 - n0, fit, kPanel) : n1 - n0;
    // Tiles of packed A are written side by side: whole powers of two apart, they would evict one
    // another from the cache.
    const Index a_step = block_k * kRows + kPanel;
    // The last block may end in single rows, each a tile of its own.
    const Index a_size = by_rows ? 0 : (block_m / kRows + kRows) * a_step;
    eigengrad::detail::Scratch<T> packed(a_size + block_k * (by_rows ? block_n : kPanel));
    T* const packed_b = packed.data() + a_size;
    eigengrad::detail::Scratch<T> partial(g.row_sums ? block_m : 0);

    for (Index m = m0; m < m1; m += block_m) {
      const Index mc = std::min(block_m, m1 - m);
      const GemmRowTiles<kRows> tiles(mc);
      for (Index n = n0; n < n1; n += block_n) {
        const Index nc = std::min(block_n, n1 - n);
        const Index panels = divide_up(nc, kPanel);
        for (Index k = 0; k == 0 || k < g.k; k += block_k) {
          const Index kc = std::min(block_k, g.k - k);
          const bool add = g.accumulate || k > 0;
          const bool finish = k + block_k >= g.k && !g.epilogue.trivial();
          auto pack_panel = [&](Index panel, T* to) EIGENGRAD_INLINE_LAMBDA {
            const Index cols = std::min(kPanel, nc - panel * kPanel);
            const Index width = round_up(cols, Tile::kLanes);
            gemm_pack_b<T, Arch>(g, k, kc, n + panel * kPanel, cols, width, to);
          };
          // The panel of B at `column`, `count` steps from `first` on.
          auto unpacked_b = [&](Index column, Index first, Index count) EIGENGRAD_INLINE_LAMBDA {
            const Index cols = std::min(kPanel, n + nc - column);
            return g.transpose_b
                       ? GemmPrefetch<T>(g.b + column * g.ldb + first, g.ldb, cols, count)
                       : GemmPrefetch<T>(g.b + first * g.ldb + column, g.ldb, count, cols);
          };
          const Index next_kc = std::min(block_k, g.k - k - kc);
          GemmPrefetch<T> later;
          if (by_rows) {
            for (Index p = 0; p < panels; ++p) pack_panel(p, packed_b + p * kPanel * kc);
          } else {
            // Sums of a block of K first: fewer roundings than one long sum.
            T* sums = g.row_sums && n == 0 ? partial.data() : nullptr;
            if (sums) std::fill_n(sums, mc, T(0));
            gemm_pack_a<T, Arch, kRows>(packed.data(), a_step, sums, g.a + k * g.lda + m, g.lda, mc,
                                        kc);
            for (Index i = 0; sums && i < mc; ++i) g.row_sums[m + i] += sums[i];
            later = {g.a + (k + kc) * g.lda + m, g.lda, next_kc, mc};
          }
          GemmPrefetch<T> next;
          const Index count = tiles.count() * panels;
          Index tile = 0, panel = 0, row = m;
          for (Index i = 0; i < count; ++i) {
            const Index rows = tiles.rows(tile);
            if (by_rows && panel == 0) {
              if (tile + 1 < tiles.count()) {
                next = {g.a + (row + rows) * g.lda + k, g.lda, tiles.rows(tile + 1), kc};
              }
              if (finish) later = gemm_prefetch_epilogue(g, row, rows, n, nc);
            } else if (!by_rows && tile == 0) {
              pack_panel(panel, packed_b);
              next = panel + 1 < panels ? unpacked_b(n + (panel + 1) * kPanel, k, kc)
                                        : unpacked_b(n, k + kc, next_kc);
            }
            const Index j = panel * kPanel;
            const Index cols = std::min(kPanel, nc - j);
            const T* a = by_rows ? g.a + row * g.lda + k : packed.data() + tile * a_step;
            const T* b = by_rows ? packed_b + j * kc : packed_b;
            T* c = g.c + row * g.ldc + n + j;
            const Index row_step = by_rows ? g.lda : 1;
            const Index k_step = by_rows ? 1 : rows;
            auto by_width = [&]<int R>() EIGENGRAD_INLINE_LAMBDA {
              if (cols > 2 * Tile::kLanes) {
                gemm_tile<T, Arch, R, 3>(kc, a, row_step, k_step, b, 3 * Tile::kLanes, c, g.ldc,
                                         cols, add, by_rows, next, later);
              } else if (cols > Tile::kLanes) {
                gemm_tile<T, Arch, R, 2>(kc, a, row_step, k_step, b, 2 * Tile::kLanes, c, g.ldc,
                                         cols, add, by_rows, next, later);
              } else {
                gemm_tile<T, Arch, R, 1>(kc, a, row_step, k_step, b, Tile::kLanes, c, g.ldc, cols,
                                         add, by_rows, next, later);
              }
            };
            if (rows == kRows) {
              by_width.template operator()<kRows>();
            } else if (kRows > 4 && rows == 4) {
              by_width.template operator()<4>();
            } else {
              by_width.template operator()<1>();
            }
            const bool row_done = panel + 1 == panels;
            if (finish && (!by_rows || row_done)) {
              const Index first = by_rows ? 0 : j;
              gemm_epilogue<T, Arch>(g, row, rows, n + first, j + cols - first);
            }
            // On to the next panel of this tile of rows, or to the next tile on this panel.
            row += by_rows && !row_done ? 0 : rows;
            if (by_rows) {
              panel = row_done ? 0 : panel + 1;
              tile += row_done;
            } else if (++tile == tiles.count()) {
              tile = 0;
              row = m;
              ++panel;
            }
          }
        }
      }
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
  constexpr Index kRowStep = 8, kColumnStep = 48;  // whole tiles, whatever the instruction set
  auto grain = [](Index flops, Index step) {
    const Index lines = kGrainFlops / std::max<Index>(1, flops);
    return round_up(std::max<Index>(1, lines), step);
  };
  if (g.m >= g.n) {
    parallel_for(g.m, grain(g.n * g.k, kRowStep), [&](Index begin, Index end) {
      simd::dispatch<detail::GemmBlock<T>>(&g, begin, end, Index{0}, g.n);
    });
  } else {
    parallel_for(g.n, grain(g.m * g.k, kColumnStep), [&](Index begin, Index end) {
      simd::dispatch<detail::GemmBlock<T>>(&g, Index{0}, g.m, begin, end);
    });
  }
#endif
}

EIGENGRAD_INSTANTIATE(void gemm(const Gemm<float>&))
EIGENGRAD_INSTANTIATE(void gemm(const Gemm<double>&))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS

#ifdef EIGENGRAD_USE_EIGEN_GEMM
#include <eigengrad/kernels/gemm/gemm_eigen.hpp>
#endif
