// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>

/// Arrays by name, and how they are checked and copied into a module.
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
  bool ok() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

}  // namespace eigengrad::nn

namespace eigengrad::detail {

/// Appends "3 missing (a, b, c)", with the first few names; nothing if there are none.
inline void describe(std::string& out, const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  if (names.empty()) return;
  out += concat(out.empty() ? "" : "; ", names.size(), " ", what, " (");
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    out += (i ? ", " : "") + names[i];
  }
  out += names.size() > kShown ? ", ...)" : ")";
}

/// Copies `dict` into the arrays `own` after checking everything. `ignored` names are never
/// unexpected.
template <class T>
nn::LoadReport load_arrays(const nn::Named<NdArray<T>*>& own,
                           const std::vector<std::string>& ignored, const nn::StateDict<T>& dict,
                           const nn::LoadOptions& options) {
  nn::LoadReport report;
  std::vector<std::string> shapes;
  std::vector<std::pair<NdArray<T>*, const NdArray<T>*>> copies;
  std::map<std::string, bool> known;
  for (const std::string& name : ignored) known[name] = true;
  for (const auto& [name, array] : own) {
    known[name] = true;
    const auto found = dict.find(name);
    if (found == dict.end()) {
      report.missing.push_back(name);
    } else if (!(found->second.shape() == array->shape())) {
      report.misshapen.push_back(name);
      shapes.push_back(concat(name, " ", found->second.shape(), " for ", array->shape()));
    } else {
      copies.emplace_back(array, &found->second);
    }
  }
  for (const auto& entry : dict) {
    if (known.count(entry.first) == 0) report.unexpected.push_back(entry.first);
  }
  if (options.strict && !report.ok()) {
    std::string lists;
    describe(lists, "missing", report.missing);
    describe(lists, "unexpected", report.unexpected);
    describe(lists, "of another shape", shapes);
    throw ValueError("[load_state_dict] names and shapes must be the module's: " + lists);
  }
  for (const auto& [to, from] : copies) std::copy(from->begin(), from->end(), to->begin());
  return report;
}

}  // namespace eigengrad::detail
