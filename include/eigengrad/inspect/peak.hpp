// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The machine's limits, for multiply-adds and for memory: the speed of everything else is a share
/// of one of them.
namespace eigengrad::detail {

/// Independent chains of x = x * a + b that stay in registers: as many as hide the latency of an
/// FMA (4 cycles, 2 per cycle) twice over.
template <class T>
struct FmaLoop {
  static constexpr int kChains = 12;

  template <class Arch>
  static EIGENGRAD_INLINE void run(Index steps, T* out, Index* flops) {
    using V = simd::Vec<T, Arch>;
    V x[kChains];
    EIGENGRAD_UNROLL
    for (int i = 0; i < kChains; ++i) x[i] = simd::broadcast<V>(T(i) * T(0.01));
    V a = simd::broadcast<V>(out[0]);
    V b = simd::broadcast<V>(out[1]);
    for (Index s = 0; s < steps; ++s) {
      EIGENGRAD_UNROLL
      for (int i = 0; i < kChains; ++i) x[i] = x[i] * a + b;
    }
    V sum{};
    EIGENGRAD_UNROLL
    for (int i = 0; i < kChains; ++i) sum += x[i];
    *out = simd::reduce_add(sum);
    *flops = steps * kChains * simd::kSize<V> * 2;
  }
};

/// The triad of the STREAM benchmark: a = b + factor c.
template <class T>
struct TriadLoop {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* a, const T* b, const T* c, T factor, Index n) {
    using V = simd::Vec<T, Arch>;
    simd::transform_singly<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      at.store(a, at.load(b) + at.repeat(factor) * at.load(c));
    });
  }
};

}  // namespace eigengrad::detail

namespace eigengrad::inspect {

/// Measured peak of `num_threads()` threads, in GFLOP/s: the best of several short runs of a loop
/// of multiply-adds with the active instruction set. Takes about `seconds`.
template <class T = float>
double peak_gflops(double seconds = 0.2) {
  using Clock = std::chrono::steady_clock;
  const Index threads = num_threads();
  Index flops_each = 0;
  auto once = [&](Index steps) {
    const auto start = Clock::now();
    parallel_for(threads, 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        T factors[2] = {T(0.999), T(0.001)};
        Index flops = 0;
        simd::dispatch<detail::FmaLoop<T>>(steps, &factors[0], &flops);
        volatile T keep = factors[0];
        (void)keep;
        if (i == 0) flops_each = flops;
      }
    });
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Index steps = 1 << 19;  // milliseconds: on a busy machine a shorter run would time the scheduler
  while (once(steps) < seconds / 20) steps *= 2;
  double best = 0;
  for (int run = 0; run < 12; ++run) {
    const double elapsed = once(steps);
    best = std::max(best, static_cast<double>(flops_each) * static_cast<double>(threads) / elapsed);
  }
  return best / 1e9;
}

/// Measured memory bandwidth of `num_threads()` threads, in GB/s (1e9 bytes): the best of several
/// runs of a = b + factor c over three arrays of `array_bytes` each, which must be well beyond the
/// last cache.
///
/// Bytes are counted as STREAM counts them: two arrays read and one written, 12 bytes per element
/// in float. That the hardware also reads a line before the first store to it is not counted, here
/// or in the bytes of an op, so an op that only streams its inputs and result can reach 100 %.
/// The arrays are returned to the memory cache (`release_memory` empties it).
/// **Source** J. McCalpin, "Memory bandwidth and machine balance in current high performance
/// computers", 1995.
template <class T = float>
double bandwidth_gbs(double seconds = 0.2, Index array_bytes = Index{128} << 20) {
  using Clock = std::chrono::steady_clock;
  const Index n = std::max<Index>(array_bytes / static_cast<Index>(sizeof(T)), 1);
  eigengrad::detail::Scratch<T> a(n), b(n), c(n);
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {  // each thread has its pages near
    std::fill(a.data() + begin, a.data() + end, T(0));
    std::fill(b.data() + begin, b.data() + end, T(1));
    std::fill(c.data() + begin, c.data() + end, T(2));
  });
  double best = 0;
  double spent = 0;
  for (int run = 0; run < 5 || spent < seconds; ++run) {
    const auto start = Clock::now();
    parallel_for(n, kElementGrain, [&](Index begin, Index end) {
      simd::dispatch<detail::TriadLoop<T>>(
          a.data() + begin, static_cast<const T*>(b.data() + begin),
          static_cast<const T*>(c.data() + begin), T(3), end - begin);
    });
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    spent += elapsed;
    best = std::max(best, 3.0 * static_cast<double>(n) * static_cast<double>(sizeof(T)) / elapsed);
  }
  volatile T keep = a[n / 2];
  (void)keep;
  return best / 1e9;
}

}  // namespace eigengrad::inspect

EIGENGRAD_END_VECTORS
