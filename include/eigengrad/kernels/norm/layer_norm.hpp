// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/norm/norm_vectors.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Rows scaled to unit size, with their mean subtracted (layer norm) or not (RMS norm): forward
/// and backward of (rows, n), each row read from memory once.
namespace eigengrad::kernels {

/// What backward needs of each row: its normalised values are (x - mean) rstd + offset.
///
/// The mean is rounded to T, so with a large mean all values of the row would be off by the same
/// small amount; `offset` puts that right. RMS norm uses `rstd` alone.
template <class T>
struct RowStatistics {
  T* mean;
  T* offset;
  T* rstd;
};

namespace detail {

/// Statistics of the `rows` rows from `row` on.
///
/// Deviations are taken not from the mean, which is not known before all of the row is read, but
/// from the mean k of its first m = 4 elements, whose distance to the true one then goes into
/// `offset`. Little is lost in (sum of squares) - (sum)^2: var + (mean - k)^2 <= (1 + n / m) var
/// always, and is about (1 + 1 / m) var if the elements come in no order.
template <class T, class V, bool Centered>
EIGENGRAD_INLINE void norm_statistics(RowStatistics<T> s, const T* x, Index row, Index rows,
                                      Index n, T eps) {
  V first[kNormRows] = {};
  V second[kNormRows] = {};
  for (Index r = 0; r < rows; ++r) {
    const T* const p = x + (row + r) * n;
    T near = 0;
    if constexpr (Centered) {
      near = n < 4 ? p[0] : ((p[0] + p[1]) + (p[2] + p[3])) * T(0.25);
      s.mean[row + r] = near;
    }
    V sum[2] = {};
    V squares[2] = {};
    norm_vectors<V>(n, [&](const auto& at) EIGENGRAD_INLINE_LAMBDA {
      V d = at.load(p);
      if constexpr (Centered) {
        d = at.once(d - near);
        sum[at.parity] += d;
      } else {
        d = at.once(d);
      }
      squares[at.parity] += d * d;
    });
    first[r] = sum[0] + sum[1];
    second[r] = squares[0] + squares[1];
  }
  NormGroup<T> shift;  // from `near` to the mean
  NormGroup<T> rstd;
  norm_sums<V>(rstd, second);
  const T share = T(1) / static_cast<T>(n);
  rstd *= share;
  if constexpr (Centered) {
    norm_sums<V>(shift, first);
    shift *= share;
    rstd -= shift * shift;
    rstd = rstd < NormGroup<T>{} ? NormGroup<T>{} : rstd;
  }
  rstd += eps;
  EIGENGRAD_UNROLL
  for (Index r = 0; r < kNormRows; ++r) rstd[r] = std::sqrt(rstd[r]);
  rstd = T(1) / rstd;
  norm_store(s.rstd + row, rstd, rows);
  if constexpr (Centered) norm_store<T>(s.offset + row, -shift * rstd, rows);
}

/// The statistics of one row, held as scalars: an operation on a vector and a scalar repeats the
/// scalar in a register of the kernel's own instruction set.
template <class T, bool Centered>
struct NormRow {
  T mean = 0, offset = 0, rstd;
  EIGENGRAD_INLINE NormRow(const RowStatistics<T>& s, Index row) : rstd(s.rstd[row]) {
    if constexpr (Centered) {
      mean = s.mean[row];
      offset = s.offset[row];
    }
  }
  template <class V>
  EIGENGRAD_INLINE V normalize(const V& x) const {
    if constexpr (Centered) {
      return (x - mean) * rstd + offset;
    } else {
      return x * rstd;
    }
  }
};

/// y of the rows [row, end) from their statistics.
template <class T, class V, bool Centered>
EIGENGRAD_INLINE void norm_rows(T* y, const RowStatistics<T>& s, const T* x, const T* weight,
                                const T* bias, Index row, Index end, Index n) {
  for (; row < end; ++row) {
    const NormRow<T, Centered> of(s, row);
    const T* const p = x + row * n;
    T* const out = y + row * n;
    norm_vectors<V>(n, [&](const auto& at) EIGENGRAD_INLINE_LAMBDA {
      V v = of.normalize(at.load(p)) * at.load(weight);
      if constexpr (Centered) v += at.load(bias);
      at.store(out, v);
    });
  }
}

/// Calls `sums(first, rows)` and then `use(first, rows)` for each group of [row, end).
///
/// A group's rows are read one after the other, as they lie: reading them in parallel, the cache
/// would not see what comes next, which costs more than half the speed on rows that are not in it.
/// The sums of a group are taken before those of the group before are used: the steps from a sum to
/// what is made of it depend on each other, and overlap with the other group's work.
template <class Sums, class Use>
EIGENGRAD_INLINE void norm_groups(Index row, Index end, Sums sums, Use use) {
  Index before = 0;
  for (; row < end + kNormRows; row += kNormRows) {
    const Index rows = std::min(kNormRows, end - row);
    if (rows > 0) sums(row, rows);
    if (before > 0) use(row - kNormRows, before);
    before = rows;
  }
}

template <class T, bool Centered>
struct NormForward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, RowStatistics<T> s, const T* x, const T* weight,
                                   const T* bias, Index row, Index end, Index n, T eps) {
    using V = simd::Vec<T, Arch>;
    norm_groups(
        row, end,
        [&](Index first, Index rows)
            EIGENGRAD_INLINE_LAMBDA { norm_statistics<T, V, Centered>(s, x, first, rows, n, eps); },
        [&](Index first, Index rows) EIGENGRAD_INLINE_LAMBDA {
          norm_rows<T, V, Centered>(y, s, x, weight, bias, first, first + rows, n);
        });
  }
};

/// With g = dout w and h the normalised row: the means of g and g h of `rows` rows;
/// dweight += dout h and dbias += dout, left out if null.
template <class T, class V, bool Centered>
EIGENGRAD_INLINE void norm_backward_sums(NormGroup<T>& mean_g, NormGroup<T>& mean_gh, T* dweight,
                                         T* dbias, const T* dout, const T* x,
                                         const RowStatistics<T>& s, const T* weight, Index row,
                                         Index rows, Index n) {
  V first[kNormRows] = {};
  V second[kNormRows] = {};
  for (Index r = 0; r < rows; ++r) {
    const NormRow<T, Centered> of(s, row + r);
    const T* const p = x + (row + r) * n;
    const T* const d = dout + (row + r) * n;
    V g[2] = {};
    V gh[2] = {};
    norm_vectors<V>(n, [&](const auto& at) EIGENGRAD_INLINE_LAMBDA {
      const V w = at.load(weight);
      const V dy = at.once(at.load(d));
      const V t = dy * of.normalize(at.load(p));
      if constexpr (Centered) g[at.parity] += dy * w;
      gh[at.parity] += t * w;
      if (dweight) {
        at.store(dweight, at.load(dweight) + t);
        if constexpr (Centered) at.store(dbias, at.load(dbias) + dy);
      }
    });
    first[r] = g[0] + g[1];
    second[r] = gh[0] + gh[1];
  }
  norm_sums<V>(mean_g, first);
  norm_sums<V>(mean_gh, second);
  const T share = T(1) / static_cast<T>(n);
  mean_g *= share;
  mean_gh *= share;
}

/// dx = (g - mean(g) - h mean(g h)) rstd of the rows of a group, written or added. Only g and x
/// change along a row: dx = dout (w rstd) + ((x - mean) a + b) takes half the steps.
template <class T, class V, bool Centered>
EIGENGRAD_INLINE void norm_rows_backward(T* dx, bool add, const T* mean_g, const T* mean_gh,
                                         const T* dout, const T* x, const RowStatistics<T>& s,
                                         const T* weight, Index row, Index rows, Index n) {
  for (Index r = 0; r < rows; ++r) {
    const NormRow<T, Centered> of(s, row + r);
    const T* const p = x + (row + r) * n;
    const T* const d = dout + (row + r) * n;
    T* const out = dx + (row + r) * n;
    const T a = -(of.rstd * of.rstd * mean_gh[r]);
    const T b = -(of.rstd * (mean_g[r] + of.offset * mean_gh[r]));
    norm_vectors<V>(n, [&](const auto& at) EIGENGRAD_INLINE_LAMBDA {
      V g = at.load(p);
      if constexpr (Centered) {
        g = (g - of.mean) * a + b;
      } else {
        g *= a;
      }
      g += at.load(d) * (at.load(weight) * of.rstd);
      if (add) {
        const V old = at.load(out);
        g = at.once(g + old, old);
      }
      at.store(out, g);
    });
  }
}

template <class T, bool Centered>
struct NormBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                                   RowStatistics<T> s, const T* weight, Index row, Index end,
                                   Index n) {
    using V = simd::Vec<T, Arch>;
    T mean_g[2][kNormRows];  // of two groups, alternating
    T mean_gh[2][kNormRows];
    norm_groups(
        row, end,
        [&](Index first, Index rows) EIGENGRAD_INLINE_LAMBDA {
          NormGroup<T> g;
          NormGroup<T> gh;
          norm_backward_sums<T, V, Centered>(g, gh, dweight, dbias, dout, x, s, weight, first, rows,
                                             n);
          const Index parity = (first - row) / kNormRows % 2;
          norm_store<T>(mean_g[parity], g, kNormRows);
          norm_store<T>(mean_gh[parity], gh, kNormRows);
        },
        [&](Index first, Index rows) EIGENGRAD_INLINE_LAMBDA {
          if (dx == nullptr) return;
          const Index parity = (first - row) / kNormRows % 2;
          norm_rows_backward<T, V, Centered>(dx, add, mean_g[parity], mean_gh[parity], dout, x, s,
                                             weight, first, rows, n);
        });
  }
};

}  // namespace detail

/// y (rows, n) and the statistics from x (rows, n), weight (n) and, when `Centered`, bias (n).
template <class T, bool Centered>
void norm(T* y, RowStatistics<T> s, const T* x, const T* weight, const T* bias, Index rows, Index n,
          T eps) {
  if (n == 0) return;
  parallel_for(rows, row_grain(n), [&](Index begin, Index end) {
    simd::dispatch<detail::NormForward<T, Centered>>(y, s, x, weight, bias, begin, end, n, eps);
  });
}

/// dx (rows, n), written or added to; dweight and dbias (n), written. dx may be null, dweight and
/// dbias both may; dbias counts only when `Centered`.
template <class T, bool Centered>
void norm_backward(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                   RowStatistics<T> s, const T* weight, Index rows, Index n) {
  const bool parameters = dweight != nullptr;
  if (parameters) {
    std::fill(dweight, dweight + n, T(0));
    if constexpr (Centered) std::fill(dbias, dbias + n, T(0));
  }
  if (n == 0 || rows == 0) return;
  // The number of chunks depends on the rows alone, so the sums do not depend on the threads.
  const Index chunks = std::clamp<Index>(rows / 16, 1, 64);
  const Index grain = std::max<Index>(1, kElementGrain * chunks / (rows * n));
  const Index width = parameters ? n : 0;
  eigengrad::detail::Scratch<T> partial(chunks * 2 * width);
  parallel_for(chunks, grain, [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      T* dw = parameters ? partial.data() + c * 2 * n : nullptr;
      if (parameters) std::fill(dw, dw + 2 * n, T(0));
      simd::dispatch<detail::NormBackward<T, Centered>>(dx, add, dw, dw + width, dout, x, s, weight,
                                                        rows * c / chunks, rows * (c + 1) / chunks,
                                                        n);
    }
  });
  for (Index c = 0; parameters && c < chunks; ++c) {
    const T* dw = partial.data() + c * 2 * n;
    for (Index i = 0; i < n; ++i) dweight[i] += dw[i];
    if constexpr (Centered) {
      for (Index i = 0; i < n; ++i) dbias[i] += dw[n + i];
    }
  }
}

EIGENGRAD_INSTANTIATE(void norm<float, true>(float*, RowStatistics<float>, const float*,
                                             const float*, const float*, Index, Index, float))
EIGENGRAD_INSTANTIATE(void norm<double, true>(double*, RowStatistics<double>, const double*,
                                              const double*, const double*, Index, Index, double))
EIGENGRAD_INSTANTIATE(void norm_backward<float, true>(float*, bool, float*, float*, const float*,
                                                      const float*, RowStatistics<float>,
                                                      const float*, Index, Index))
EIGENGRAD_INSTANTIATE(void norm_backward<double, true>(double*, bool, double*, double*,
                                                       const double*, const double*,
                                                       RowStatistics<double>, const double*, Index,
                                                       Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
