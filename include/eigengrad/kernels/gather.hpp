// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Rows taken by number, and their gradient: rows added by number.
namespace eigengrad::kernels {

/// The first of `count` indices that is not in [0, n); `count` if all are.
inline Index find_out_of_range(const Index* indices, Index count, Index n) {
  const auto outside = [n](Index i) { return i < 0 || i >= n; };
  std::atomic<bool> found{false};
  parallel_for(count, 4 * kElementGrain, [&](Index begin, Index end) {
    if (std::any_of(indices + begin, indices + end, outside)) {
      found.store(true, std::memory_order_relaxed);
    }
  });
  return found ? std::find_if(indices, indices + count, outside) - indices : count;
}

/// out[o, j, :] = in[o, indices[j], :] with out (outer, count, inner), in (outer, n, inner).
template <class T>
void gather_rows(T* out, const T* in, const Index* indices, Index outer, Index n, Index count,
                 Index inner) {
  parallel_for(outer * count, row_grain(inner), [&](Index begin, Index end) {
    Index o = begin / count;
    Index j = begin % count;
    for (Index row = begin; row < end; ++row) {
      detail::copy_run<false>(out + row * inner, in + (o * n + indices[j]) * inner, inner);
      if (++j == count) {
        j = 0;
        ++o;
      }
    }
  });
}

/// dx[o, indices[j], :] += dout[o, j, :], j in rising order whatever the number of threads.
template <class T>
void scatter_add_rows(T* dx, const T* dout, const Index* indices, Index outer, Index n, Index count,
                      Index inner) {
  // Rows may repeat, so threads share out `outer` and strips of columns, never j.
  constexpr Index kStrip = 16;
  const Index strips = divide_up(inner, kStrip);
  parallel_for(outer * strips, row_grain(count * std::min(kStrip, inner)),
               [&](Index begin, Index end) {
                 while (begin < end) {
                   const Index o = begin / strips;
                   const Index last = std::min(end, (o + 1) * strips);
                   const Index first = (begin - o * strips) * kStrip;
                   const Index width = std::min(inner, (last - o * strips) * kStrip) - first;
                   for (Index j = 0; j < count; ++j) {
                     detail::copy_run<true>(dx + (o * n + indices[j]) * inner + first,
                                            dout + (o * count + j) * inner + first, width);
                   }
                   begin = last;
                 }
               });
}

/// Where each element of a gather comes from: element (j, rest) of the result, j along the gathered
/// axis, is that of x at (indices[j, rest], rest).
struct GatherLayout {
  detail::StridedNest rest;  ///< the other axes: `out` walks the result, `in` walks x
  Index count;               ///< size of the result's axis
  Index out_step, in_step;   ///< strides of the axis in the result and in x

  GatherLayout(const Shape& indices, const Shape& x, Index axis)
      : count(indices[axis]),
        out_step(eigengrad::detail::row_major_strides(indices)[axis]),
        in_step(eigengrad::detail::row_major_strides(x)[axis]) {
    Shape sizes = indices;
    sizes[axis] = 1;  // collapse drops it
    rest = detail::StridedNest::collapse(sizes, eigengrad::detail::row_major_strides(indices),
                                         eigengrad::detail::row_major_strides(x));
  }
};

/// Calls f(offset in the result, offset in x) for each element. Those that differ only along the
/// axis, and so may meet in x, come to one thread and in rising order.
template <class F>
void for_each_gathered(const GatherLayout& g, const Index* indices, F f) {
  const Index last = g.rest.sizes.rank() - 1;
  const Index length = g.rest.sizes[last];
  const Index out_last = g.rest.out[last];
  const Index in_last = g.rest.in[last];
  const detail::StridedNest outer = g.rest.without(last);
  const auto visit = [&](Index out, Index in, Index j, Index k) {
    const Index at = out + j * g.out_step + k * out_last;
    f(at, in + indices[at] * g.in_step + k * in_last);
  };
  parallel_for(g.rest.sizes.numel(), row_grain(g.count), [&](Index begin, Index end) {
    detail::StridedCursor cursor(outer, begin / length);
    Index first = begin % length;
    for (; begin < end; cursor.next()) {
      const Index stop = std::min(length, first + end - begin);
      if (g.out_step == 1) {
        for (Index k = first; k < stop; ++k) {
          for (Index j = 0; j < g.count; ++j) visit(cursor.out, cursor.in, j, k);
        }
      } else {
        for (Index j = 0; j < g.count; ++j) {
          for (Index k = first; k < stop; ++k) visit(cursor.out, cursor.in, j, k);
        }
      }
      begin += stop - first;
      first = 0;
    }
  });
}

}  // namespace eigengrad::kernels
