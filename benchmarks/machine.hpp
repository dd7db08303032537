// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/inspect/peak.hpp>

/// The limits that speeds are stated as a share of.
namespace bench {

#ifdef __clang__
inline constexpr const char* kCompiler = "clang++ " __clang_version__;
#else
inline constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

struct Machine {
  double peak_gflops = 0;
  double bandwidth_gbs = 0;
};

/// Measures both with the present number of threads; keeps no memory.
inline Machine measure_machine() {
  const Machine machine{eigengrad::inspect::peak_gflops<float>(),
                        eigengrad::inspect::bandwidth_gbs<float>()};
  eigengrad::release_memory();
  return machine;
}

/// The least work that something can do, and so what limits it.
struct Work {
  enum class Limit { kFma, kMemory, kNone } limit = Limit::kNone;
  double amount = 0;  ///< FLOP or bytes

  bool fma() const { return limit == Limit::kFma; }
  const char* key() const { return fma() ? "gflops" : "gbs"; }
  const char* unit() const { return fma() ? "GFLOP/s" : "GB/s   "; }
  const char* limit_name() const { return fma() ? "fma" : "memory"; }
  /// FLOP or bytes per nanosecond, that is 1e9 per second.
  double rate(double seconds) const { return amount / seconds / 1e9; }
  double percent(double seconds, const Machine& machine) const {
    return 100 * rate(seconds) / (fma() ? machine.peak_gflops : machine.bandwidth_gbs);
  }
};
inline Work flop(double n) { return {Work::Limit::kFma, n}; }
/// Memory traffic of `n` floats: inputs are read once, results written once.
inline Work floats(double n) { return {Work::Limit::kMemory, 4 * n}; }

inline const char* isa() { return eigengrad::simd::isa_name(eigengrad::simd::active_isa()); }

}  // namespace bench
