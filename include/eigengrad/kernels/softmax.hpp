// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Softmax over the middle axis of (outer, n, inner), forward and backward.
namespace eigengrad::kernels {

namespace detail {

/// Largest element of a row; NaN if one is NaN, -inf for an empty row.
template <class T, class V>
EIGENGRAD_INLINE T row_max(const T* x, Index n) {
  constexpr T kInf = std::numeric_limits<T>::infinity();
  simd::Accumulator<V> most{simd::broadcast<V>(-kInf), -kInf};
  simd::transform_singly<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    auto& part = at.part(most);
    part = simd::max_nan(part, at.load(x));
  });
  T top = most.rest;
  for (Index i = 0; i < simd::kSize<V>; ++i) top = simd::max_nan<T>(top, most.lanes[i]);
  return top;
}

/// e^x where no x is above 0, as the differences from a maximum are: fewer selects than in `exp`.
template <class V>
EIGENGRAD_INLINE V softmax_exp(const V& x) {
  if constexpr (!vmath::detail::kFastFloat<V>) {
    return vmath::exp(x);
  } else {
    const V low = simd::broadcast<V>(vmath::detail::kExpLow);
    // In this order the compiler sees one instruction; what NaN gives is replaced below.
    const V e = vmath::detail::exp_in_range(simd::max(low, x));
    const V y = x < vmath::detail::kExpLow ? V{} : e;
    return x == x ? y : x;
  }
}

/// Sum of exp(x - shift) over a row, whose terms go to y when `Store`.
template <class T, class V, bool Store>
EIGENGRAD_INLINE T row_exp(T* y, const T* x, T shift, Index n) {
  simd::Accumulator<V> total;
  simd::transform<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    const V e = softmax_exp(at.load(x) - shift);
    if constexpr (Store) at.store(y, e);
    at.add(total, e);
  });
  return total.sum();
}

template <class T, class V>
EIGENGRAD_INLINE void row_scale(T* y, T scale, Index n) {
  simd::transform_singly<V>(
      n, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(y, at.load(y) * scale); });
}

/// One row that lies contiguously: y = exp(x - max) / sum, or x - max - log(sum).
/// A row of -inf alone (everything masked) gives zeros, not NaN.
template <class T, class V, bool Log>
EIGENGRAD_INLINE void softmax_row(T* y, const T* x, Index n) {
  const T most = row_max<T, V>(x, n);
  const T shift = most == -std::numeric_limits<T>::infinity() ? T(0) : most;
  const T total = row_exp<T, V, !Log>(y, x, shift, n);
  if constexpr (Log) {
    // Two subtractions: the sum of a large shift and a small logarithm would lose the latter.
    const T log_total = std::log(total);
    simd::transform_singly<V>(
        n, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(y, at.load(x) - shift - log_total); });
  } else {
    row_scale<T, V>(y, total == T(0) ? T(0) : T(1) / total, n);
  }
}

/// One row of the gradient: dx = y (dout - sum(dout y)), or dout - exp(y) sum(dout).
template <class T, class V, bool Log>
EIGENGRAD_INLINE void softmax_row_backward(T* dx, const T* dout, const T* y, Index n) {
  simd::Accumulator<V> sum;
  simd::transform_singly<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    const auto d = at.load(dout);
    at.part(sum) += Log ? d : d * at.load(y);
  });
  const T total = sum.sum();
  simd::transform<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    const V d = at.load(dout), v = at.load(y);
    at.store(dx, Log ? d - vmath::exp(v) * total : v * (d - total));
  });
}

template <class T, bool Log>
struct SoftmaxRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, Index rows, Index n) {
    for (Index r = 0; r < rows; ++r) {
      softmax_row<T, simd::Vec<T, Arch>, Log>(y + r * n, x + r * n, n);
    }
  }
};

template <class T, bool Log>
struct SoftmaxRowsBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, const T* dout, const T* y, Index rows, Index n) {
    for (Index r = 0; r < rows; ++r) {
      softmax_row_backward<T, simd::Vec<T, Arch>, Log>(dx + r * n, dout + r * n, y + r * n, n);
    }
  }
};

/// (rows, cols) to (cols, rows), so that what is reduced lies contiguously, or back.
template <class T>
void transpose(T* out, const T* in, Index rows, Index cols) {
  simd::dispatch<Transpose<T>>(out, rows, in, cols, rows, cols);
}

}  // namespace detail

/// y = softmax(x), or log softmax; x and y are (outer, n, inner), reduced over n.
template <class T, bool Log>
void softmax(T* y, const T* x, Index outer, Index n, Index inner) {
  using Rows = detail::SoftmaxRows<T, Log>;
  if (inner == 1) {
    parallel_for(outer, row_grain(n), [&](Index begin, Index end) {
      simd::dispatch<Rows>(y + begin * n, x + begin * n, end - begin, n);
    });
    return;
  }
  const Index size = n * inner;
  parallel_for(outer, row_grain(size), [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> rows(size);
    for (Index o = begin; o < end; ++o) {
      detail::transpose(rows.data(), x + o * size, n, inner);
      simd::dispatch<Rows>(rows.data(), static_cast<const T*>(rows.data()), inner, n);
      detail::transpose(y + o * size, rows.data(), inner, n);
    }
  });
}

/// dx from dout and y, all (outer, n, inner).
template <class T, bool Log>
void softmax_backward(T* dx, const T* dout, const T* y, Index outer, Index n, Index inner) {
  using Rows = detail::SoftmaxRowsBackward<T, Log>;
  if (inner == 1) {
    parallel_for(outer, row_grain(n), [&](Index begin, Index end) {
      const Index at = begin * n;
      simd::dispatch<Rows>(dx + at, dout + at, y + at, end - begin, n);
    });
    return;
  }
  const Index size = n * inner;
  parallel_for(outer, row_grain(size), [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> d(size);
    eigengrad::detail::Scratch<T> v(size);
    for (Index o = begin; o < end; ++o) {
      detail::transpose(d.data(), dout + o * size, n, inner);
      detail::transpose(v.data(), y + o * size, n, inner);
      simd::dispatch<Rows>(d.data(), static_cast<const T*>(d.data()),
                           static_cast<const T*>(v.data()), inner, n);
      detail::transpose(dx + o * size, d.data(), inner, n);
    }
  });
}

EIGENGRAD_INSTANTIATE(void softmax<float, false>(float*, const float*, Index, Index, Index))
EIGENGRAD_INSTANTIATE(void softmax<double, false>(double*, const double*, Index, Index, Index))
EIGENGRAD_INSTANTIATE(void softmax_backward<float, false>(float*, const float*, const float*, Index,
                                                          Index, Index))
EIGENGRAD_INSTANTIATE(void softmax_backward<double, false>(double*, const double*, const double*,
                                                           Index, Index, Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
