// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Column sums of a matrix: the gradient of a bias.
namespace eigengrad::kernels {

namespace detail {

/// sums (cols) += the rows of x (rows, cols), in order.
template <class T>
struct ColumnSumRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* sums, const T* x, Index rows, Index cols) {
    using V = simd::Vec<T, Arch>;
    auto some_rows = [&]<int R>(const T* row) EIGENGRAD_INLINE_LAMBDA {
      simd::transform_singly<V>(cols, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        auto total = at.load(sums);
        EIGENGRAD_UNROLL
        for (int i = 0; i < R; ++i) total += at.load(row + i * cols);
        at.store(sums, total);
      });
    };
    Index r = 0;
    for (; r + 4 <= rows; r += 4) some_rows.template operator()<4>(x + r * cols);
    for (; r < rows; ++r) some_rows.template operator()<1>(x + r * cols);
  }
};

}  // namespace detail

/// out (cols) = sum over rows of x (rows, cols), or += with `accumulate`.
///
/// Rows are cut into at most 64 chunks whose sums are added in order: the cut depends on the
/// number of rows alone, so the bits do not depend on the number of threads.
template <class T>
void column_sum(T* out, const T* x, Index rows, Index cols, bool accumulate = false) {
  const Index chunk = std::max<Index>(64, divide_up(rows, 64));
  const Index chunks = divide_up(rows, chunk);
  eigengrad::detail::Scratch<T> partial(chunks * cols);
  parallel_for(chunks, row_grain(chunk * cols), [&](Index begin, Index end) {
    std::fill(partial.data() + begin * cols, partial.data() + end * cols, T(0));
    for (Index c = begin; c < end; ++c) {
      const Index first = c * chunk, last = std::min(rows, first + chunk);
      simd::dispatch<detail::ColumnSumRows<T>>(partial.data() + c * cols, x + first * cols,
                                               last - first, cols);
    }
  });
  if (!accumulate) std::fill(out, out + cols, T(0));
  simd::dispatch<detail::ColumnSumRows<T>>(out, static_cast<const T*>(partial.data()), chunks,
                                           cols);
}

EIGENGRAD_INSTANTIATE(void column_sum(float*, const float*, Index, Index, bool))
EIGENGRAD_INSTANTIATE(void column_sum(double*, const double*, Index, Index, bool))
}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
