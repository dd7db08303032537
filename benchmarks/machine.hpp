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

/// Measures both with the threads of now; leaves no memory behind.
inline Machine measure_machine() {
  const Machine machine{eigengrad::inspect::peak_gflops<float>(),
                        eigengrad::inspect::bandwidth_gbs<float>()};
  eigengrad::release_memory();
  return machine;
}

/// What something does at least, and so what limits it.
struct Work {
  enum class Limit { kFma, kMemory, kNone } limit = Limit::kNone;
  double amount = 0;  ///< FLOP or bytes

  bool fma() const { return limit == Limit::kFma; }
  const char* key() const { return fma() ? "gflops" : "gbs"; }
  const char* unit() const { return fma() ? "GFLOP/s" : "GB/s   "; }
  const char* limit_name() const { return fma() ? "fma" : "memory"; }
  /// In 1e9 a second.
  double rate(double seconds) const { return amount / seconds / 1e9; }
  double percent(double seconds, const Machine& machine) const {
    return 100 * rate(seconds) / (fma() ? machine.peak_gflops : machine.bandwidth_gbs);
  }
};
inline Work flop(double n) { return {Work::Limit::kFma, n}; }
/// Of its inputs, read once, and its results, written once; four bytes to a float.
inline Work floats(double n) { return {Work::Limit::kMemory, 4 * n}; }

inline const char* isa() { return eigengrad::simd::isa_name(eigengrad::simd::active_isa()); }

}  // namespace bench
