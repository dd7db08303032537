// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The sum that a Euclidean norm is the root of, in double: a float's square can overflow a float.
namespace eigengrad::kernels {

/// Elements that one sum runs over where a norm is computed in parallel. The cut is fixed, so that
/// the bits do not depend on the number of threads.
inline constexpr Index kNormChunk = 4096;

namespace detail {

template <class T>
struct SumOfSquares {
  template <class Arch>
  static EIGENGRAD_INLINE void run(double* sum, const T* x, Index n) {
    using D = simd::Vec<double, Arch>;
    constexpr Index kLanes = simd::kSize<D>;
    // As many T as there are doubles in a register.
    using V = typename simd::detail::VecOf<T, kLanes* static_cast<Index>(sizeof(T))>::type;
    constexpr Index kSums = 4;  // independent chains hide the latency of an addition
    D sums[kSums]{};
    Index i = 0;
    for (; i + kSums * kLanes <= n; i += kSums * kLanes) {
      EIGENGRAD_UNROLL
      for (Index j = 0; j < kSums; ++j) {
        const D v = __builtin_convertvector(simd::load<V>(x + i + j * kLanes), D);
        sums[j] += v * v;
      }
    }
    double rest = 0;
    for (; i < n; ++i) rest += double(x[i]) * double(x[i]);
    *sum = simd::reduce_add((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
  }
};

template <class T>
struct Scale {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* x, Index n, T factor) {
    using V = simd::Vec<T, Arch>;
    simd::transform_singly<V>(
        n, [=](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(x, at.load(x) * factor); });
  }
};

}  // namespace detail

/// The sum of x[i]^2 over [0, n), serially.
template <class T>
double sum_of_squares(const T* x, Index n) {
  double sum = 0;
  simd::dispatch<detail::SumOfSquares<T>>(&sum, x, n);
  return sum;
}

/// x[i] *= factor over [0, n), serially.
template <class T>
void scale(T* x, Index n, T factor) {
  simd::dispatch<detail::Scale<T>>(x, n, factor);
}

EIGENGRAD_INSTANTIATE(double sum_of_squares(const float*, Index))
EIGENGRAD_INSTANTIATE(double sum_of_squares(const double*, Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
