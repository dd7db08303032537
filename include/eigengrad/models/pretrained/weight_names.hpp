// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/state_dict.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/slice.hpp>

/// Weights under the names of other libraries. One table for each library serves both directions.
namespace eigengrad::detail {

/// What another library calls a parameter of ours. '#' stands for the number of a layer; what
/// follows a name in a file, such as ".weight", stays.
struct WeightName {
  /// Nothing for what is no weight of the model, such as masks.
  std::string_view own;
  /// One name, or three: the rows of ours are theirs, one after the other.
  std::array<std::string_view, 3> theirs;
  /// Matrices are (in, out) there.
  bool transposed = false;

  std::size_t parts() const { return theirs[1].empty() ? 1 : 3; }
};

/// What a pattern leaves open in a name.
struct NameMatch {
  std::string layer;
  std::string rest;
};

/// Nothing unless `name` is `pattern`, with a number for '#', alone or followed by a dot.
inline std::optional<NameMatch> match_name(std::string_view pattern, std::string_view name) {
  NameMatch out;
  const std::size_t hash = pattern.find('#');
  const std::string_view before = pattern.substr(0, hash);
  if (!name.starts_with(before)) return std::nullopt;
  name.remove_prefix(before.size());
  if (hash != std::string_view::npos) {
    const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
    out.layer = std::string(name.substr(0, digits));
    name.remove_prefix(digits);
    const std::string_view after = pattern.substr(hash + 1);
    if (digits == 0 || !name.starts_with(after)) return std::nullopt;
    name.remove_prefix(after.size());
  }
  if (!name.empty() && name[0] != '.') return std::nullopt;
  out.rest = std::string(name);
  return out;
}

inline std::string fill_name(std::string_view pattern, const NameMatch& match) {
  std::string out(pattern);
  if (const std::size_t hash = out.find('#'); hash != std::string::npos) {
    out.replace(hash, 1, match.layer);
  }
  return out + match.rest;
}

template <class T>
NdArray<T> transpose_if(bool wanted, const NdArray<T>& x) {
  if (!wanted || x.rank() != 2) return x;
  const NoGrad no_grad;
  return transpose(Tensor<T>(x), 0, 1).value();
}

/// A file's weights under our names.
template <class T>
struct OwnWeights {
  nn::StateDict<T> dict;
  /// Names that the table does not have; if there are any, `dict` is not complete.
  std::vector<std::string> unknown;
};

/// `theirs` under our names; those that do not begin with `prefix` keep their whole name.
/// **Throws** ValueError where one of three parts is missing and all names are known.
template <class T>
OwnWeights<T> to_own_names(const nn::StateDict<T>& theirs, std::span<const WeightName> table,
                           std::string_view prefix) {
  OwnWeights<T> out;
  std::map<std::string, std::array<NdArray<T>, 3>> parts;
  for (const auto& [full, array] : theirs) {
    std::string_view name = full;
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    bool known = false;
    for (const WeightName& row : table) {
      for (std::size_t i = 0; i < row.parts() && !known; ++i) {
        const auto match = match_name(row.theirs[i], name);
        if (!match) continue;
        known = true;
        if (row.own.empty()) continue;
        const std::string own = fill_name(row.own, *match);
        const NdArray<T> value = transpose_if(row.transposed, array);
        if (row.parts() == 1) out.dict[own] = value;
        if (row.parts() == 3) parts[own][i] = value;
      }
    }
    if (!known) out.unknown.push_back(full);
  }
  if (!out.unknown.empty()) return out;
  const NoGrad no_grad;
  for (const auto& [own, three] : parts) {
    std::vector<Tensor<T>> rows;
    for (const NdArray<T>& part : three) {
      if (!part.defined()) throw ValueError(concat("a part of ", own, " is missing"));
      rows.emplace_back(part);
    }
    out.dict[own] = cat(rows, 0).value();
  }
  return out;
}

/// Our weights under their names, with `prefix` but for the names in `bare`.
/// **Throws** ValueError for a parameter that the table does not have.
template <class T>
nn::StateDict<T> to_their_names(const nn::StateDict<T>& own, std::span<const WeightName> table,
                                std::string_view prefix, std::string_view bare) {
  nn::StateDict<T> out;
  const NoGrad no_grad;
  for (const auto& [name, array] : own) {
    bool known = false;
    for (const WeightName& row : table) {
      const auto match = match_name(row.own, name);
      if (!match) continue;
      known = true;
      const Index rows = array.rank() > 0 ? array.dim(0) / static_cast<Index>(row.parts()) : 0;
      for (std::size_t i = 0; i < row.parts(); ++i) {
        const std::string theirs = fill_name(row.theirs[i], *match);
        const NdArray<T> part =
            row.parts() == 1
                ? array
                : narrow(Tensor<T>(array), 0, static_cast<Index>(i) * rows, rows).value();
        const bool alone = !bare.empty() && match_name(bare, theirs).has_value();
        out[alone ? theirs : std::string(prefix) + theirs] = transpose_if(row.transposed, part);
      }
      break;
    }
    if (!known) throw ValueError(concat("it has no name for ", name));
  }
  return out;
}

/// What comes before `anchor` in the first name that ends with it; nothing if there is none.
template <class T>
std::optional<std::string> prefix_before(const nn::StateDict<T>& dict, std::string_view anchor) {
  for (const auto& entry : dict) {
    const std::string& name = entry.first;
    if (!name.ends_with(anchor)) continue;
    const std::string before = name.substr(0, name.size() - anchor.size());
    if (before.empty() || before.back() == '.') return before;
  }
  return std::nullopt;
}

/// **Throws** ValueError unless there is such a weight, with `rank` axes.
template <class T>
const NdArray<T>& need_weight(const nn::StateDict<T>& weights, const char* name, Index rank) {
  const auto found = weights.find(name);
  if (found == weights.end()) throw ValueError(concat(name, " is missing"));
  if (found->second.rank() != rank) {
    throw ValueError(concat(name, " must have ", rank, " axes: ", found->second.shape()));
  }
  return found->second;
}

}  // namespace eigengrad::detail
