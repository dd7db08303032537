// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/ndarray.hpp>

/// Arrays by name, and what is said of them when they are loaded.
namespace eigengrad::nn {

/// Arrays by dotted name, such as "blocks.0.norm1.weight".
template <class T>
using StateDict = std::map<std::string, NdArray<T>>;

/// Things with names, in the order they were added.
template <class T>
using Named = std::vector<std::pair<std::string, T>>;

struct LoadOptions {
  /// Whether the dict must have every name of the module, with its shape, and no other.
  bool strict = true;
};

/// How a state dict differed from the module.
struct LoadReport {
  std::vector<std::string> missing;     ///< in the module, not in the dict
  std::vector<std::string> unexpected;  ///< in the dict, not in the module
  std::vector<std::string> misshapen;   ///< in both, with different shapes
  /// The same in words, with shapes and the closest names: a line that counts, then one for each
  /// difference, at most ten of a kind. Empty if there are none.
  std::string text;
  bool ok() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

}  // namespace eigengrad::nn
