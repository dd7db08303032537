// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd.hpp>

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

/// So many rows are worked on together: their sums do not wait for each other, and the weights
/// are loaded once for all of them.
inline constexpr Index kNormRows = 4;

template <class T, class V, bool Centered>
EIGENGRAD_INLINE V normalize(V x, const RowStatistics<T>& s, Index row) {
  if constexpr (Centered) {
    return (x - s.mean[row]) * s.rstd[row] + s.offset[row];
  } else {
    return x * s.rstd[row];
  }
}

/// Statistics of `R` rows from `row` on.
template <class T, class V, bool Centered, int R>
EIGENGRAD_INLINE void norm_statistics(RowStatistics<T> s, const T* x, Index row, Index n, T eps) {
  const T* const p = x + row * n;
  T mean[R] = {};
  if constexpr (Centered) {
    V sum[R] = {};
    simd::for_each_vector<V>(
        n,
        [&](Index i) EIGENGRAD_INLINE_LAMBDA {
          EIGENGRAD_UNROLL
          for (int r = 0; r < R; ++r) sum[r] += simd::load<V>(p + r * n + i);
        },
        [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
          EIGENGRAD_UNROLL
          for (int r = 0; r < R; ++r) sum[r] += simd::load_partial<V>(p + r * n + i, left);
        });
    EIGENGRAD_UNROLL
    for (int r = 0; r < R; ++r) mean[r] = simd::reduce_add(sum[r]) / static_cast<T>(n);
  }
  // Squares of differences from the mean: the difference of two large squares has no digits left.
  V first[R] = {};
  V second[R] = {};
  T first_rest[R] = {};
  T second_rest[R] = {};
  simd::for_each_vector<V>(
      n,
      [&](Index i) EIGENGRAD_INLINE_LAMBDA {
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          const V d = simd::load<V>(p + r * n + i) - mean[r];
          if constexpr (Centered) first[r] += d;
          second[r] += d * d;
        }
      },
      [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          for (Index j = i; j < i + left; ++j) {
            const T d = p[r * n + j] - mean[r];
            first_rest[r] += d;
            second_rest[r] += d * d;
          }
        }
      });
  EIGENGRAD_UNROLL
  for (int r = 0; r < R; ++r) {
    // `shift` is what rounding took from the mean.
    const T shift = (simd::reduce_add(first[r]) + first_rest[r]) / static_cast<T>(n);
    T variance = (simd::reduce_add(second[r]) + second_rest[r]) / static_cast<T>(n);
    if constexpr (Centered) variance = std::max(variance - shift * shift, T(0));
    const T rstd = T(1) / std::sqrt(variance + eps);
    s.rstd[row + r] = rstd;
    if constexpr (Centered) {
      s.mean[row + r] = mean[r];
      s.offset[row + r] = -shift * rstd;
    }
  }
}

template <class T, class V, bool Centered, int R>
EIGENGRAD_INLINE void norm_rows(T* y, RowStatistics<T> s, const T* x, const T* weight,
                                const T* bias, Index row, Index n, T eps) {
  norm_statistics<T, V, Centered, R>(s, x, row, n, eps);
  auto scale = [&](V v, V w, V b, int r) EIGENGRAD_INLINE_LAMBDA {
    const V normal = normalize<T, V, Centered>(v, s, row + r);
    return Centered ? normal * w + b : normal * w;
  };
  const T* const p = x + row * n;
  T* const out = y + row * n;
  simd::for_each_vector<V>(
      n,
      [&](Index i) EIGENGRAD_INLINE_LAMBDA {
        const V w = simd::load<V>(weight + i);
        const V b = Centered ? simd::load<V>(bias + i) : w;
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          simd::store<V>(out + r * n + i, scale(simd::load<V>(p + r * n + i), w, b, r));
        }
      },
      [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
        const V w = simd::load_partial<V>(weight + i, left);
        const V b = Centered ? simd::load_partial<V>(bias + i, left) : w;
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          const V v = simd::load_partial<V>(p + r * n + i, left);
          simd::store_partial<V>(out + r * n + i, scale(v, w, b, r), left);
        }
      });
}

template <class T, bool Centered>
struct NormForward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, RowStatistics<T> s, const T* x, const T* weight,
                                   const T* bias, Index row, Index end, Index n, T eps) {
    using V = simd::Vec<T, Arch>;
    for (; row + kNormRows <= end; row += kNormRows) {
      norm_rows<T, V, Centered, kNormRows>(y, s, x, weight, bias, row, n, eps);
    }
    for (; row < end; ++row) norm_rows<T, V, Centered, 1>(y, s, x, weight, bias, row, n, eps);
  }
};

/// With g = dout w and h the normalised row: dx = (g - mean(g) - h mean(g h)) rstd, written or
/// added; dweight += dout h and dbias += dout. Null outputs are left out.
template <class T, class V, bool Centered, int R>
EIGENGRAD_INLINE void norm_rows_backward(T* dx, bool add, T* dweight, T* dbias, const T* dout,
                                         const T* x, RowStatistics<T> s, const T* weight, Index row,
                                         Index n) {
  const T* const p = x + row * n;
  const T* const d = dout + row * n;
  V first[R] = {};
  V second[R] = {};
  auto sums = [&](V dy, V v, V w, V& dw, V& db, int r) EIGENGRAD_INLINE_LAMBDA {
    const V h = normalize<T, V, Centered>(v, s, row + r);
    const V g = dy * w;
    if constexpr (Centered) first[r] += g;
    second[r] += g * h;
    dw += dy * h;
    if constexpr (Centered) db += dy;
  };
  const bool parameters = dweight != nullptr;
  simd::for_each_vector<V>(
      n,
      [&](Index i) EIGENGRAD_INLINE_LAMBDA {
        const V w = simd::load<V>(weight + i);
        V dw = parameters ? simd::load<V>(dweight + i) : V{};
        V db = parameters && Centered ? simd::load<V>(dbias + i) : V{};
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          sums(simd::load<V>(d + r * n + i), simd::load<V>(p + r * n + i), w, dw, db, r);
        }
        if (parameters) {
          simd::store<V>(dweight + i, dw);
          if constexpr (Centered) simd::store<V>(dbias + i, db);
        }
      },
      [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
        // Lanes behind the end have dout = 0 and add nothing.
        const V w = simd::load_partial<V>(weight + i, left);
        V dw = parameters ? simd::load_partial<V>(dweight + i, left) : V{};
        V db = parameters && Centered ? simd::load_partial<V>(dbias + i, left) : V{};
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          sums(simd::load_partial<V>(d + r * n + i, left),
               simd::load_partial<V>(p + r * n + i, left), w, dw, db, r);
        }
        if (parameters) {
          simd::store_partial<V>(dweight + i, dw, left);
          if constexpr (Centered) simd::store_partial<V>(dbias + i, db, left);
        }
      });
  if (dx == nullptr) return;

  T mean_g[R];
  T mean_gh[R];
  EIGENGRAD_UNROLL
  for (int r = 0; r < R; ++r) {
    mean_g[r] = simd::reduce_add(first[r]) / static_cast<T>(n);
    mean_gh[r] = simd::reduce_add(second[r]) / static_cast<T>(n);
  }
  auto gradient = [&](V dy, V v, V w, int r) EIGENGRAD_INLINE_LAMBDA {
    const V h = normalize<T, V, Centered>(v, s, row + r);
    if constexpr (Centered) {
      return (dy * w - mean_g[r] - h * mean_gh[r]) * s.rstd[row + r];
    } else {
      return (dy * w - h * mean_gh[r]) * s.rstd[row + r];
    }
  };
  T* const out = dx + row * n;
  simd::for_each_vector<V>(
      n,
      [&](Index i) EIGENGRAD_INLINE_LAMBDA {
        const V w = simd::load<V>(weight + i);
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          const Index at = r * n + i;
          V g = gradient(simd::load<V>(d + at), simd::load<V>(p + at), w, r);
          if (add) g += simd::load<V>(out + at);
          simd::store<V>(out + at, g);
        }
      },
      [&](Index i, Index left) EIGENGRAD_INLINE_LAMBDA {
        const V w = simd::load_partial<V>(weight + i, left);
        EIGENGRAD_UNROLL
        for (int r = 0; r < R; ++r) {
          const Index at = r * n + i;
          V g = gradient(simd::load_partial<V>(d + at, left), simd::load_partial<V>(p + at, left),
                         w, r);
          if (add) g += simd::load_partial<V>(out + at, left);
          simd::store_partial<V>(out + at, g, left);
        }
      });
}

template <class T, bool Centered>
struct NormBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                                   RowStatistics<T> s, const T* weight, Index row, Index end,
                                   Index n) {
    using V = simd::Vec<T, Arch>;
    for (; row + kNormRows <= end; row += kNormRows) {
      norm_rows_backward<T, V, Centered, kNormRows>(dx, add, dweight, dbias, dout, x, s, weight,
                                                    row, n);
    }
    for (; row < end; ++row) {
      norm_rows_backward<T, V, Centered, 1>(dx, add, dweight, dbias, dout, x, s, weight, row, n);
    }
  }
};

}  // namespace detail

/// y (rows, n) and the statistics from x (rows, n), weight (n) and, when `Centered`, bias (n).
template <class T, bool Centered>
void norm(T* y, RowStatistics<T> s, const T* x, const T* weight, const T* bias, Index rows, Index n,
          T eps) {
  if (n == 0) return;
  // Whole groups of rows to each thread: then the same rows go together whatever their number.
  const Index grain = (row_grain(n) + detail::kNormRows - 1) / detail::kNormRows;
  parallel_for(rows, grain * detail::kNormRows, [&](Index begin, Index end) {
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
