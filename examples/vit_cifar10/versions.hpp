// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <Eigen/Core>

#include <eigengrad/io/fields.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/version.hpp>

namespace vit {

/// What this program was built with and runs on, as far as a run's last bits may depend on it.
struct Versions {
  std::string library = EIGENGRAD_VERSION;
  std::string eigen = std::to_string(EIGEN_WORLD_VERSION) + "." +
                      std::to_string(EIGEN_MAJOR_VERSION) + "." +
                      std::to_string(EIGEN_MINOR_VERSION);
#if defined(__clang__)
  std::string compiler = "clang " __clang_version__;
#else
  std::string compiler = "gcc " __VERSION__;
#endif
#ifdef _OPENMP
  std::optional<int> openmp = _OPENMP;
#else
  std::optional<int> openmp;
#endif
  std::string isa = eigengrad::simd::isa_name(eigengrad::simd::active_isa());
};

template <class Visit>
void visit_fields(Versions& v, Visit&& visit) {
  visit("eigengrad", v.library);
  visit("eigen", v.eigen);
  visit("compiler", v.compiler);
  visit("openmp", v.openmp);
  visit("isa", v.isa);
}

inline eigengrad::io::Json versions() { return eigengrad::io::to_json(Versions()); }

}  // namespace vit
