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

/// What is multiplied in one go: rows [m, m + rows) and columns [n, n + cols) of C, over steps
/// [k, k + steps) of K.
struct GemmPart {
  Index m, rows, n, cols, k, steps;
  bool add;     ///< to what C holds
  bool finish;  ///< the last steps of K: the epilogue follows
};

/// Packs and multiplies one part after another of a block of C.
///
/// A row-major (by rows): panels of B are packed, and each tile of rows meets all of them; A is
/// read where it lies, once. A transposed (a weight's gradient: a small C and a long K): A is
/// packed, and each panel of B, packed just before, meets all tiles of rows.
template <class T, class Arch>
struct GemmParts {
  using Tile = GemmTile<T, Arch>;
  static constexpr int kRows = static_cast<int>(Tile::kRows);
  static constexpr Index kPanel = Tile::kPanel;
  using RowTiles = GemmRowTiles<kRows>;

  const Gemm<T>& g;
  T* packed_a;
  Index a_step;     ///< from one tile of packed A to the next
  T* packed_b;      ///< all panels, or one
  T* partial_sums;  ///< for Gemm::row_sums
  GemmPrefetch<T> next{}, later{};

  EIGENGRAD_INLINE bool by_rows() const { return !g.transpose_a; }

  EIGENGRAD_INLINE void multiply(const GemmPart& part) {
    const Index next_steps = std::min(gemm_block_k(g.k), g.k - part.k - part.steps);
    next = later = {};
    if (by_rows()) {
      for (Index p = 0; p < divide_up(part.cols, kPanel); ++p) {
        pack_panel(part, p, packed_b + p * kPanel * part.steps);
      }
    } else {
      pack_a(part);
      later = {g.a + (part.k + part.steps) * g.lda + part.m, g.lda, next_steps, part.rows};
    }
    multiply_packed(part, next_steps);
  }

 private:
  EIGENGRAD_INLINE void pack_panel(const GemmPart& part, Index panel, T* to) const {
    const Index cols = std::min(kPanel, part.cols - panel * kPanel);
    const Index width = round_up(cols, Tile::kLanes);
    gemm_pack_b<T, Arch>(g, part.k, part.steps, part.n + panel * kPanel, cols, width, to);
  }

  EIGENGRAD_INLINE void pack_a(const GemmPart& part) const {
    // Sums of a block of K first: fewer roundings than one long sum.
    T* sums = g.row_sums && part.n == 0 ? partial_sums : nullptr;
    if (sums) std::fill_n(sums, part.rows, T(0));
    gemm_pack_a<T, Arch, kRows>(packed_a, a_step, sums, g.a + part.k * g.lda + part.m, g.lda,
                                part.rows, part.steps);
    for (Index i = 0; sums && i < part.rows; ++i) g.row_sums[part.m + i] += sums[i];
  }

  /// The panel of B at `column` of C, `steps` steps from `first` on, where it lies.
  EIGENGRAD_INLINE GemmPrefetch<T> unpacked_b(const GemmPart& part, Index column, Index first,
                                              Index steps) const {
    const Index cols = std::min(kPanel, part.n + part.cols - column);
    return g.transpose_b ? GemmPrefetch<T>(g.b + column * g.ldb + first, g.ldb, cols, steps)
                         : GemmPrefetch<T>(g.b + first * g.ldb + column, g.ldb, steps, cols);
  }

  /// All tiles of rows with all panels, in one loop, so that the register tiles are compiled once.
  EIGENGRAD_INLINE void multiply_packed(const GemmPart& part, Index next_steps) {
    const RowTiles tiles(part.rows);
    const Index panels = divide_up(part.cols, kPanel);
    const Index count = tiles.count() * panels;
    Index tile = 0, panel = 0, row = part.m;
    for (Index i = 0; i < count; ++i) {
      const Index rows = tiles.rows(tile);
      if (by_rows() && panel == 0) {
        if (tile + 1 < tiles.count()) {
          next = {g.a + (row + rows) * g.lda + part.k, g.lda, tiles.rows(tile + 1), part.steps};
        }
        if (part.finish) later = gemm_prefetch_epilogue(g, row, rows, part.n, part.cols);
      } else if (!by_rows() && tile == 0) {
        pack_panel(part, panel, packed_b);
        next = panel + 1 < panels
                   ? unpacked_b(part, part.n + (panel + 1) * kPanel, part.k, part.steps)
                   : unpacked_b(part, part.n, part.k + part.steps, next_steps);
      }
      multiply_tile(part, tile, rows, row, panel * kPanel);
      const bool row_done = panel + 1 == panels;
      if (part.finish && (!by_rows() || row_done)) {
        const Index end = std::min(part.cols, (panel + 1) * kPanel);
        const Index first = by_rows() ? 0 : panel * kPanel;
        gemm_epilogue<T, Arch>(g, row, rows, part.n + first, end - first);
      }
      // On to the next panel of this tile of rows, or to the next tile on this panel.
      row += by_rows() && !row_done ? 0 : rows;
      if (by_rows()) {
        panel = row_done ? 0 : panel + 1;
        tile += row_done;
      } else if (++tile == tiles.count()) {
        tile = 0;
        row = part.m;
        ++panel;
      }
    }
  }

  /// Tile `tile`, `rows` rows of C from `row` on, with the panel at `column` of the part.
  EIGENGRAD_INLINE void multiply_tile(const GemmPart& part, Index tile, Index rows, Index row,
                                      Index column) {
    const Index cols = std::min(kPanel, part.cols - column);
    const T* a = by_rows() ? g.a + row * g.lda + part.k : packed_a + tile * a_step;
    const T* b = by_rows() ? packed_b + column * part.steps : packed_b;
    T* c = g.c + row * g.ldc + part.n + column;
    const Index row_step = by_rows() ? g.lda : 1;
    const Index k_step = by_rows() ? 1 : rows;
    auto by_width = [&]<int R>() EIGENGRAD_INLINE_LAMBDA {
      if (cols > 2 * Tile::kLanes) {
        gemm_tile<T, Arch, R, 3>(part.steps, a, row_step, k_step, b, 3 * Tile::kLanes, c, g.ldc,
                                 cols, part.add, by_rows(), next, later);
      } else if (cols > Tile::kLanes) {
        gemm_tile<T, Arch, R, 2>(part.steps, a, row_step, k_step, b, 2 * Tile::kLanes, c, g.ldc,
                                 cols, part.add, by_rows(), next, later);
      } else {
        gemm_tile<T, Arch, R, 1>(part.steps, a, row_step, k_step, b, Tile::kLanes, c, g.ldc, cols,
                                 part.add, by_rows(), next, later);
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
};

/// The block [m0, m1) x [n0, n1) of C, serially: cut so that what is packed stays in cache.
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
    // Tiles of packed A are written next to each other: whole powers of two apart, they would evict
    // one another from the cache.
    const Index a_step = block_k * kRows + kPanel;
    // The last block may end in single rows, each a tile of its own.
    const Index a_size = by_rows ? 0 : (block_m / kRows + kRows) * a_step;
    eigengrad::detail::Scratch<T> packed(a_size + block_k * (by_rows ? block_n : kPanel));
    eigengrad::detail::Scratch<T> partial(g.row_sums ? block_m : 0);
    GemmParts<T, Arch> parts{g, packed.data(), a_step, packed.data() + a_size, partial.data()};
    for (Index m = m0; m < m1; m += block_m) {
      for (Index n = n0; n < n1; n += block_n) {
        for (Index k = 0; k == 0 || k < g.k; k += block_k) {
          parts.multiply({.m = m,
                          .rows = std::min(block_m, m1 - m),
                          .n = n,
                          .cols = std::min(block_n, n1 - n),
                          .k = k,
                          .steps = std::min(block_k, g.k - k),
                          .add = g.accumulate || k > 0,
                          .finish = k + block_k >= g.k && !g.epilogue.trivial()});
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
  constexpr Index kGrainFlops =
      1 << 18;  // about 10 microseconds: below, one more thread is no gain
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
