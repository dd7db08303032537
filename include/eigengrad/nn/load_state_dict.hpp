// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// How a state dict is compared with a module's arrays and copied into them, and how a difference
/// is put into words.
namespace eigengrad::detail {

/// Names with the shapes of their arrays, as text.
using NamedShapes = std::map<std::string, std::string>;

/// Insertions, deletions and replacements that make `b` of `a` (Levenshtein's distance).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] != b[j] ? 1 : 0);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row[b.size()];
}

/// The candidate that is least changed, of two alike the one with this shape; empty unless two
/// thirds of its letters are kept.
inline std::string closest_name(const std::string& name, const std::string& shape,
                                const NamedShapes& candidates) {
  std::string best;
  std::pair<std::size_t, bool> least{name.size(), true};
  for (const auto& [other, its_shape] : candidates) {
    const std::pair<std::size_t, bool> cost{edit_distance(name, other), its_shape != shape};
    if (cost >= least || 3 * cost.first > std::max(name.size(), other.size())) continue;
    best = other;
    least = cost;
  }
  return best;
}

/// A prefix that tells the names of `longer` from those of `shorter`, and the longer ones.
struct CommonPrefix {
  std::string prefix;  ///< with its dot
  std::vector<std::string> names;
};

/// The prefix that most names of `longer` have before a name of `shorter`.
inline CommonPrefix common_prefix(const NamedShapes& longer, const NamedShapes& shorter) {
  std::map<std::string, std::vector<std::string>> found;
  for (const auto& entry : longer) {
    const std::string& name = entry.first;
    for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
      if (shorter.count(name.substr(dot + 1)) > 0) found[name.substr(0, dot + 1)].push_back(name);
    }
  }
  CommonPrefix out;
  for (auto& [prefix, names] : found) {
    if (names.size() > out.names.size()) out = {prefix, std::move(names)};
  }
  return out;
}

/// Words for the case that names differ by a prefix alone; takes those names out of both lists.
/// Empty if it is not at least half of the unexpected names, and two.
inline std::string explain_prefix(NamedShapes& missing, NamedShapes& unexpected) {
  const CommonPrefix added = common_prefix(unexpected, missing);
  const CommonPrefix lacking = common_prefix(missing, unexpected);
  const bool longer = added.names.size() >= lacking.names.size();
  const auto& [prefix, names] = longer ? added : lacking;
  const std::size_t n = names.size();
  if (n < 2 || 2 * n < unexpected.size()) return "";
  const std::string count = n == unexpected.size()
                                ? concat("all ", n, " unexpected names")
                                : concat(n, " of ", unexpected.size(), " unexpected names");
  for (const std::string& name : names) {
    missing.erase(longer ? name.substr(prefix.size()) : name);
    unexpected.erase(longer ? name : name.substr(prefix.size()));
  }
  return longer
             ? concat("; ", count, " begin with \"", prefix, "\"; without it they are the module's")
             : concat("; ", count, " lack the \"", prefix,
                      "\" that the module's begin with; with it they are the same");
}

/// Lines of one kind, at most.
inline constexpr std::size_t kShownNames = 10;

/// Appends the lines, but no more than the first ten.
inline void append_lines(std::string& out, const char* what,
                         const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < std::min(lines.size(), kShownNames); ++i) {
    out += concat("\n  ", what, ": ", lines[i]);
  }
  if (lines.size() > kShownNames)
    out += concat("\n  and ", lines.size() - kShownNames, " more ", what);
}

/// A line that counts, then one line for each difference.
inline std::string describe(const nn::LoadReport& report, const NamedShapes& module,
                            const NamedShapes& given) {
  std::string counts;
  const auto count = [&](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    counts += concat(counts.empty() ? "" : ", ", names.size(), " ", what);
  };
  count("missing", report.missing);
  count("unexpected", report.unexpected);
  count("of another shape", report.misshapen);

  NamedShapes missing, unexpected;
  for (const std::string& name : report.missing) missing.emplace(name, module.at(name));
  for (const std::string& name : report.unexpected) unexpected.emplace(name, given.at(name));
  std::string out = counts + explain_prefix(missing, unexpected);

  std::vector<std::string> lines;
  for (const std::string& name : report.missing) {  // in the module's order
    if (missing.count(name) > 0) lines.push_back(name + " " + missing.at(name));
  }
  append_lines(out, "missing", lines);
  lines.clear();
  for (const auto& [name, shape] : unexpected) {
    const bool shown = lines.size() < kShownNames;  // a search through all names takes its time
    const std::string closest = shown ? closest_name(name, shape, missing) : "";
    lines.push_back(name + " " + shape + (closest.empty() ? "" : "; is it " + closest + "?"));
  }
  append_lines(out, "unexpected", lines);
  lines.clear();
  for (const std::string& name : report.misshapen) {
    lines.push_back(concat(name, " ", given.at(name), ", the module's is ", module.at(name)));
  }
  append_lines(out, "of another shape", lines);
  return out;
}

/// Copies `dict` into the arrays `own` after checking everything. `ignored` names are never
/// unexpected.
template <class T>
nn::LoadReport load_arrays(const nn::Named<NdArray<T>*>& own,
                           const std::vector<std::string>& ignored, const nn::StateDict<T>& dict,
                           const nn::LoadOptions& options) {
  nn::LoadReport report;
  NamedShapes module, given;
  std::vector<std::pair<NdArray<T>*, const NdArray<T>*>> copies;
  std::set<std::string> known(ignored.begin(), ignored.end());
  for (const auto& [name, array] : own) {
    known.insert(name);
    module.emplace(name, array->shape().str());
    const auto found = dict.find(name);
    if (found == dict.end()) {
      report.missing.push_back(name);
    } else if (!found->second.defined() || !(found->second.shape() == array->shape())) {
      report.misshapen.push_back(name);
    } else {
      copies.emplace_back(array, &found->second);
    }
  }
  for (const auto& [name, array] : dict) {
    given.emplace(name, array.defined() ? array.shape().str() : "undefined");
    if (known.count(name) == 0) report.unexpected.push_back(name);
  }
  if (!report.ok()) report.text = describe(report, module, given);
  if (options.strict && !report.ok()) {
    throw ValueError("[load_state_dict] names and shapes must be the module's: " + report.text);
  }
  for (const auto& [to, from] : copies) std::copy(from->begin(), from->end(), to->begin());
  return report;
}

}  // namespace eigengrad::detail
