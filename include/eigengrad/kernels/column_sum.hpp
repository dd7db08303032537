// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/simd.hpp>

/// Column sums of a matrix (the gradient of a bias), alone or along with an activation's gradient.
namespace eigengrad::kernels {

namespace detail {

/// For `rows` rows: d = dout act'(pre) unless A is kNone, and sums += d unless `sums` is null.
template <class T, Activation A>
struct ActivationBackwardRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* d, const T* dout, const T* pre, T* sums, Index rows,
                                   Index cols) {
    using V = simd::Vec<T, Arch>;
    auto some_rows = [&]<int R>(Index row) EIGENGRAD_INLINE_LAMBDA {
      const Index at = row * cols;
      auto column = [&](auto fetch, auto put) EIGENGRAD_INLINE_LAMBDA {
        V total = sums ? fetch(sums) : V{};
        EIGENGRAD_UNROLL
        for (int i = 0; i < R; ++i) {
          V x = fetch(dout + at + i * cols);
          if constexpr (A != Activation::kNone) {
            x *= activate_derivative<A>(fetch(pre + at + i * cols));
            put(d + at + i * cols, x);
          }
          total += x;
        }
        if (sums) put(sums, total);
      };
      simd::for_each_vector<V>(
          cols,
          [&](Index j) EIGENGRAD_INLINE_LAMBDA {
            column([=](const T* p) EIGENGRAD_INLINE_LAMBDA { return simd::load<V>(p + j); },
                   [=](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store<V>(p + j, v); });
          },
          [&](Index j, Index n) EIGENGRAD_INLINE_LAMBDA {
            column([=](const T* p)
                       EIGENGRAD_INLINE_LAMBDA { return simd::load_partial<V>(p + j, n); },
                   [=](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store_partial<V>(p + j, v, n); });
          });
    };
    Index row = 0;
    for (; row + 4 <= rows; row += 4) some_rows.template operator()<4>(row);
    for (; row < rows; ++row) some_rows.template operator()<1>(row);
  }
};

/// Rows are cut into at most 64 chunks whose sums are added in order: the cut depends on the
/// number of rows alone, so the bits do not depend on the number of threads.
template <class T, Activation A>
void activation_backward(T* d, const T* dout, const T* pre, T* sums, bool accumulate, Index rows,
                         Index cols) {
  const Index chunk = std::max<Index>(64, (rows + 63) / 64);
  const Index chunks = (rows + chunk - 1) / chunk;
  eigengrad::detail::Scratch<T> partial(sums ? chunks * cols : 0);
  parallel_for(chunks, row_grain(chunk * cols), [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      T* sum = nullptr;
      if (sums) {
        sum = partial.data() + c * cols;
        std::fill(sum, sum + cols, T(0));
      }
      const Index at = c * chunk * cols;
      simd::dispatch<ActivationBackwardRows<T, A>>(A == Activation::kNone ? nullptr : d + at,
                                                   dout + at,
                                                   A == Activation::kNone ? nullptr : pre + at, sum,
                                                   std::min(chunk, rows - c * chunk), cols);
    }
  });
  if (sums == nullptr) return;
  if (!accumulate) std::fill(sums, sums + cols, T(0));
  using Add = ActivationBackwardRows<T, Activation::kNone>;
  const T* none = nullptr;
  simd::dispatch<Add>(static_cast<T*>(nullptr), static_cast<const T*>(partial.data()), none, sums,
                      chunks, cols);
}

}  // namespace detail

/// out (cols) = sum over rows of x (rows, cols), or += with `accumulate`.
template <class T>
void column_sum(T* out, const T* x, Index rows, Index cols, bool accumulate = false) {
  detail::activation_backward<T, Activation::kNone>(nullptr, x, nullptr, out, accumulate, rows,
                                                    cols);
}

/// d = dout act'(pre), all (rows, cols), in one pass with the column sums of d when `sums` (cols)
/// is not null; those are added to it with `accumulate`. `d` may be `dout`. `a` is not kNone.
template <class T>
void activation_backward(Activation a, T* d, const T* dout, const T* pre, T* sums, bool accumulate,
                         Index rows, Index cols) {
  switch (a) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return detail::activation_backward<T, Activation::kRelu>(d, dout, pre, sums, accumulate, rows,
                                                               cols);
    case Activation::kGelu:
      return detail::activation_backward<T, Activation::kGelu>(d, dout, pre, sums, accumulate, rows,
                                                               cols);
    case Activation::kGeluTanh:
      return detail::activation_backward<T, Activation::kGeluTanh>(d, dout, pre, sums, accumulate,
                                                                   rows, cols);
    case Activation::kSilu:
      return detail::activation_backward<T, Activation::kSilu>(d, dout, pre, sums, accumulate, rows,
                                                               cols);
  }
}

}  // namespace eigengrad::kernels
