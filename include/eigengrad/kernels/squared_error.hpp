// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// (x - y)^2, kept apart or summed.
namespace eigengrad::kernels {

namespace detail {

struct SquaredDifference {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& y) const {
    const V d = x - y;
    return d * d;
  }
};

template <class T>
struct SumSquaredError {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const T* x, const T* y, Index n) {
    using V = simd::Vec<T, Arch>;
    V sum{};
    simd::transform<V>(n, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V d = at.load(x) - at.load(y);
      sum += d * d;
    });
    *out = simd::reduce_add(sum);
  }
};

}  // namespace detail

/// out[i] = (x[i] - y[i])^2.
template <class T>
void squared_error(T* out, const T* x, const T* y, Index n) {
  map(detail::SquaredDifference{}, out, n, x, y);
}

/// The sum of (x[i] - y[i])^2, in chunks of a fixed size that are added in order: it does not
/// depend on the number of threads.
template <class T>
double sum_squared_error(const T* x, const T* y, Index n) {
  constexpr Index kChunk = 4096;
  const Index chunks = divide_up(n, kChunk);
  eigengrad::detail::Scratch<T> partial(chunks);
  parallel_for(chunks, kElementGrain / kChunk, [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      const Index at = c * kChunk;
      simd::dispatch<detail::SumSquaredError<T>>(partial.data() + c, x + at, y + at,
                                                 std::min(kChunk, n - at));
    }
  });
  double sum = 0;
  for (Index c = 0; c < chunks; ++c) sum += static_cast<double>(partial[c]);
  return sum;
}

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
