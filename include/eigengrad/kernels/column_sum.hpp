// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd.hpp>

/// Column sums of a matrix (the gradient of a bias), alone or along with an activation's gradient.
namespace eigengrad::kernels {

namespace detail {

/// sums (cols) += the rows of x (rows, cols), in order.
template <class T>
struct ColumnSumRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* sums, const T* x, Index rows, Index cols) {
    using V = simd::Vec<T, Arch>;
    auto some_rows = [&]<int R>(const T* row) EIGENGRAD_INLINE_LAMBDA {
      simd::for_each_vector<V>(
          cols,
          [&](Index j) EIGENGRAD_INLINE_LAMBDA {
            V total = simd::load<V>(sums + j);
            EIGENGRAD_UNROLL
            for (int i = 0; i < R; ++i) total += simd::load<V>(row + i * cols + j);
            simd::store<V>(sums + j, total);
          },
          [&](Index j, Index left) EIGENGRAD_INLINE_LAMBDA {
            for (int i = 0; i < R; ++i) {
              for (Index c = j; c < j + left; ++c) sums[c] += row[i * cols + c];
            }
          });
    };
    Index r = 0;
    for (; r + 4 <= rows; r += 4) some_rows.template operator()<4>(x + r * cols);
    for (; r < rows; ++r) some_rows.template operator()<1>(x + r * cols);
  }
};

/// dout act'(pre).
template <Activation A>
struct ActivationGradient {
  template <class V>
  EIGENGRAD_INLINE V operator()(V dout, V pre) const {
    if constexpr (A == Activation::kRelu) {
      return pre > V{} ? dout : V{};  // an infinite dout does not pass a closed gate
    } else {
      return dout * activate_derivative<A>(pre);
    }
  }
};

/// sums (cols) = column sums of x (rows, cols), or += with `accumulate`; nothing if `sums` is null.
/// `prepare(first, last)` is called on a few rows before they are summed, while it is their turn
/// to be in cache.
///
/// Rows are cut into at most 64 chunks whose sums are added in order: the cut depends on the
/// number of rows alone, so the bits do not depend on the number of threads.
template <class T, class Prepare>
void column_sum_chunks(T* sums, bool accumulate, const T* x, Index rows, Index cols,
                       Prepare prepare) {
  constexpr Index kGroup = 8;
  const Index chunk = std::max<Index>(64, (rows + 63) / 64);
  const Index chunks = (rows + chunk - 1) / chunk;
  eigengrad::detail::Scratch<T> partial(sums ? chunks * cols : 0);
  parallel_for(chunks, row_grain(chunk * cols), [&](Index begin, Index end) {
    if (sums) std::fill(partial.data() + begin * cols, partial.data() + end * cols, T(0));
    for (Index c = begin; c < end; ++c) {
      const Index stop = std::min(rows, (c + 1) * chunk);
      for (Index r = c * chunk; r < stop; r += kGroup) {
        const Index last = std::min(stop, r + kGroup);
        prepare(r, last);
        if (sums == nullptr) continue;
        simd::dispatch<ColumnSumRows<T>>(partial.data() + c * cols, x + r * cols, last - r, cols);
      }
    }
  });
  if (sums == nullptr) return;
  if (!accumulate) std::fill(sums, sums + cols, T(0));
  simd::dispatch<ColumnSumRows<T>>(sums, static_cast<const T*>(partial.data()), chunks, cols);
}

}  // namespace detail

/// out (cols) = sum over rows of x (rows, cols), or += with `accumulate`.
template <class T>
void column_sum(T* out, const T* x, Index rows, Index cols, bool accumulate = false) {
  detail::column_sum_chunks(out, accumulate, x, rows, cols, [](Index, Index) {});
}

/// d = dout act'(pre), all (rows, cols), in one pass with the column sums of d when `sums` (cols)
/// is not null; those are added to it with `accumulate`. `d` may be `dout`.
template <class T>
void activation_backward(Activation a, T* d, const T* dout, const T* pre, T* sums, bool accumulate,
                         Index rows, Index cols) {
  auto run = [&](auto gradient) {
    using Rows = detail::Map<T, decltype(gradient), const T*, const T*>;
    detail::column_sum_chunks(
        sums, accumulate, static_cast<const T*>(d), rows, cols, [&](Index first, Index last) {
          const Index at = first * cols;
          simd::dispatch<Rows>(gradient, d + at, (last - first) * cols, dout + at, pre + at);
        });
  };
  switch (a) {
    case Activation::kNone:
      return run(detail::ActivationGradient<Activation::kNone>());
    case Activation::kRelu:
      return run(detail::ActivationGradient<Activation::kRelu>());
    case Activation::kGelu:
      return run(detail::ActivationGradient<Activation::kGelu>());
    case Activation::kGeluTanh:
      return run(detail::ActivationGradient<Activation::kGeluTanh>());
    case Activation::kSilu:
      return run(detail::ActivationGradient<Activation::kSilu>());
  }
}

EIGENGRAD_INSTANTIATE(void column_sum(float*, const float*, Index, Index, bool))
EIGENGRAD_INSTANTIATE(void column_sum(double*, const double*, Index, Index, bool))
EIGENGRAD_INSTANTIATE(void activation_backward(Activation, float*, const float*, const float*,
                                               float*, bool, Index, Index))
EIGENGRAD_INSTANTIATE(void activation_backward(Activation, double*, const double*, const double*,
                                               double*, bool, Index, Index))

}  // namespace eigengrad::kernels
