// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/io/file.hpp>
#include <eigengrad/kernels/simd.hpp>
#include <eigengrad/version.hpp>
#include <examples/vit_cifar10/history.hpp>

/// The record of a run, rewritten whole after each epoch: run.json and metrics.csv.
namespace vit {

inline Json versions() {
  Json v = Json::object();
  v["eigengrad"] = EIGENGRAD_VERSION;
  v["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
               "." + std::to_string(EIGEN_MINOR_VERSION);
#if defined(__clang__)
  v["compiler"] = "clang " __clang_version__;
#else
  v["compiler"] = "gcc " __VERSION__;
#endif
#ifdef _OPENMP
  v["openmp"] = _OPENMP;
#endif
  v["isa"] = eigengrad::simd::isa_name(eigengrad::simd::active_isa());
  return v;
}

/// `run` is what run.json says besides the epochs.
inline void write_log(const std::string& folder, Json run, const std::vector<EpochRecord>& epochs) {
  run["epochs"] = to_json(epochs);
  eigengrad::io::write_file(folder + "/metrics.csv", to_csv(epochs));
  eigengrad::io::write_file(folder + "/run.json", run.dump(2) + "\n");
}

}  // namespace vit
