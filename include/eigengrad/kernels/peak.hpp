// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd.hpp>

/// The machine's limit for fused multiply-adds: what the speed of everything else is a share of.
namespace eigengrad::kernels {

namespace detail {

/// Independent chains of x = x * a + b that stay in registers: as many as hide the latency of an
/// FMA (4 cycles, 2 a cycle) twice over.
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

}  // namespace detail

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

}  // namespace eigengrad::kernels
