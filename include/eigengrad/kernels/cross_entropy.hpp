// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/softmax.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Cross-entropy of the softmax of each row of (rows, n) with its target.
namespace eigengrad::kernels {

/// What each row should be: one class each, or a row of probabilities (the other pointer is null);
/// mixed with `smoothing` of the uniform distribution. A row with a negative label does not count.
/// With labels, what a class costs may have a factor, `weights` (n) or null.
template <class T>
struct ClassTargets {
  const Index* labels;
  const T* probabilities;
  T smoothing;
  const T* weights = nullptr;

  bool ignores(Index row) const { return labels != nullptr && labels[row] < 0; }
};

namespace detail {

/// Sum over a row of t' log_total - t' (x - shift), the losses of all classes, where t' is the
/// smoothed target; with `Soft` unset t' is 1. A class of target 0 costs nothing, whatever its x.
template <class T, class V, bool Soft>
EIGENGRAD_INLINE T row_losses(const T* x, const T* target, T shift, T log_total, T keep, T uniform,
                              Index n) {
  simd::Accumulator<V> total;
  simd::transform_singly<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    auto& sum = at.part(total);
    const auto loss = log_total - (at.load(x) - shift);
    if constexpr (!Soft) {
      sum += loss;
    } else {
      const auto t = at.load(target) * keep + uniform;
      if constexpr (at.kWhole) {
        sum += t == V{} ? V{} : t * loss;
      } else if (t != T(0)) {
        sum += t * loss;
      }
    }
  });
  return total.sum();
}

template <class T>
struct CrossEntropyRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* loss, T* p, const T* x, ClassTargets<T> targets, Index row,
                                   Index end, Index n) {
    using V = simd::Vec<T, Arch>;
    const T keep = T(1) - targets.smoothing;
    const T uniform = targets.smoothing / static_cast<T>(n);
    for (; row < end; ++row) {
      if (targets.ignores(row)) {
        loss[row] = 0;  // and p stays as it is: backward does not read it
        continue;
      }
      const T* const v = x + row * n;
      const T most = row_max<T, V>(v, n);
      const T shift = most == -std::numeric_limits<T>::infinity() ? T(0) : most;
      const T total = row_exp<T, V, true>(p + row * n, v, shift, n);
      row_scale<T, V>(p + row * n, T(1) / total, n);
      // -log p as a difference of logarithms: p itself may round to 0.
      const T log_total = std::log(total);
      if (targets.probabilities != nullptr) {
        loss[row] = row_losses<T, V, true>(v, targets.probabilities + row * n, shift, log_total,
                                           keep, uniform, n);
        continue;
      }
      const Index label = targets.labels[row];
      T sum = keep * (log_total - (v[label] - shift));
      if (targets.weights != nullptr) {
        sum *= targets.weights[label];
        sum += row_losses<T, V, true>(v, targets.weights, shift, log_total, uniform, T(0), n);
      } else if (targets.smoothing > T(0)) {
        sum += uniform * row_losses<T, V, false>(v, nullptr, shift, log_total, keep, uniform, n);
      }
      loss[row] = sum;
    }
  }
};

/// dx = scale (p sum(t') - t'), where t' is the smoothed target of all classes, and its sum may
/// differ from 1. Unless `Soft`, t' is `uniform` of the sum `sum`; otherwise `sum` is added to its
/// own.
template <class T, class V, bool Soft>
EIGENGRAD_INLINE void row_gradient(T* dx, const T* p, const T* target, T sum, T scale, T keep,
                                   T uniform, Index n) {
  if constexpr (Soft) {
    for (Index i = 0; i < n; ++i) sum += target[i] * keep + uniform;
  }
  simd::transform_singly<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
    auto v = at.load(p) * sum - uniform;
    if constexpr (Soft) v = v - at.load(target) * keep;
    at.store(dx, v * scale);
  });
}

template <class T>
struct CrossEntropyRowsBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, const T* dloss, const T* p, ClassTargets<T> targets,
                                   Index row, Index end, Index n) {
    using V = simd::Vec<T, Arch>;
    const T keep = T(1) - targets.smoothing;
    const T uniform = targets.smoothing / static_cast<T>(n);
    for (; row < end; ++row) {
      T* const out = dx + row * n;
      const T scale = dloss[row];
      if (targets.ignores(row)) {
        std::fill(out, out + n, T(0));
      } else if (targets.probabilities != nullptr) {
        row_gradient<T, V, true>(out, p + row * n, targets.probabilities + row * n, T(0), scale,
                                 keep, uniform, n);
      } else if (targets.weights != nullptr) {
        // t' is the weights' share of the smoothing, and `own` more at the label.
        const T own = keep * targets.weights[targets.labels[row]];
        row_gradient<T, V, true>(out, p + row * n, targets.weights, own, scale, uniform, T(0), n);
        out[targets.labels[row]] -= own * scale;
      } else {
        row_gradient<T, V, false>(out, p + row * n, nullptr, T(1), scale, keep, uniform, n);
        out[targets.labels[row]] -= keep * scale;
      }
    }
  }
};

}  // namespace detail

/// loss (rows) and p = softmax(x) (rows, n). Labels must be below n.
template <class T>
void cross_entropy(T* loss, T* p, const T* x, ClassTargets<T> targets, Index rows, Index n) {
  parallel_for(rows, row_grain(n), [&](Index begin, Index end) {
    simd::dispatch<detail::CrossEntropyRows<T>>(loss, p, x, targets, begin, end, n);
  });
}

/// dx (rows, n) from dloss (rows) and p (rows, n).
template <class T>
void cross_entropy_backward(T* dx, const T* dloss, const T* p, ClassTargets<T> targets, Index rows,
                            Index n) {
  parallel_for(rows, row_grain(n), [&](Index begin, Index end) {
    simd::dispatch<detail::CrossEntropyRowsBackward<T>>(dx, dloss, p, targets, begin, end, n);
  });
}

EIGENGRAD_INSTANTIATE(void cross_entropy(float*, float*, const float*, ClassTargets<float>, Index,
                                         Index))
EIGENGRAD_INSTANTIATE(void cross_entropy(double*, double*, const double*, ClassTargets<double>,
                                         Index, Index))
EIGENGRAD_INSTANTIATE(void cross_entropy_backward(float*, const float*, const float*,
                                                  ClassTargets<float>, Index, Index))
EIGENGRAD_INSTANTIATE(void cross_entropy_backward(double*, const double*, const double*,
                                                  ClassTargets<double>, Index, Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
