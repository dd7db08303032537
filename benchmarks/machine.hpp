// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/peak.hpp>

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
  const Machine machine{eigengrad::kernels::peak_gflops<float>(),
                        eigengrad::kernels::bandwidth_gbs<float>()};
  eigengrad::release_memory();
  return machine;
}

inline const char* isa() { return eigengrad::simd::isa_name(eigengrad::simd::active_isa()); }

}  // namespace bench
