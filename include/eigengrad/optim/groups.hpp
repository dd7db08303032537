// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/optim/optimizer.hpp>

/// Parameter groups from the names and shapes of a model's parameters.
namespace eigengrad::optim {

/// Parameters by dotted name, as `nn::Module::named_parameters()` gives them.
template <class T>
using NamedParameters = std::vector<std::pair<std::string, Tensor<T>>>;

namespace detail {

/// Whether one of `words` occurs in `name`, whose words are parted by '.' and '_'.
inline bool has_word(std::string_view name, const std::vector<std::string>& words) {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("._"), name.size());
    for (const std::string& word : words) {
      if (name.substr(0, end) == word) return true;
    }
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

/// Positions and learned tokens: matrices by shape, but each row stands for itself.
template <class T>
bool has_decay(const std::string& name, const Tensor<T>& parameter) {
  return parameter.rank() > 1 &&
         !has_word(name, {"pos", "position", "positions", "positional", "cls", "token", "tokens"});
}

}  // namespace detail

/// Two groups: the matrices, which take the optimiser's weight decay, and those without any: rank 0
/// and 1 (biases, norms), positions and learned tokens (a word of the name is pos, position,
/// positional, cls, token or their plural, as in "cls_token" and "pos_embedding").
///
///     optim::AdamW<float> adam(optim::decay_groups(vit.named_parameters()),
///                              {.lr = 1e-3, .weight_decay = 0.05});
template <class T>
std::vector<ParameterGroup<T>> decay_groups(const NamedParameters<T>& named) {
  std::vector<ParameterGroup<T>> groups(2);
  groups[1].weight_decay = 0;
  for (const auto& [name, parameter] : named) {
    groups[detail::has_decay(name, parameter) ? 0 : 1].parameters.push_back(parameter);
  }
  return groups;
}

struct HiddenGroupsOptions {
  /// A parameter with one of these words in its name is not hidden.
  std::vector<std::string> exclude = {"embed", "embedding", "head", "classifier", "pool"};
  /// Neither is the first matrix of the list, the layer that meets the input.
  bool exclude_first = true;
};

/// Groups for Muon, and groups for the AdamW beside it.
template <class T>
struct HiddenGroups {
  /// Matrices; those that are two of one height, such as keys and values; those that are three;
  /// kernels of convolutions. Any of them may be empty.
  std::vector<ParameterGroup<T>> hidden;
  std::vector<ParameterGroup<T>> others;
};

/// Splits a model for Muon: `hidden` are the matrices and convolution kernels between its ends,
/// `others` the decay_groups of the rest. A matrix of one row or column is a vector and belongs to
/// the rest. Fused weights come apart by name: "qkv" and "in_proj" are three matrices, "kv" two.
///
///     auto [hidden, others] = optim::hidden_groups(vit.named_parameters());
///     optim::Muon<float> muon(hidden, {.lr = 0.02});
///     optim::AdamW<float> adam(others, {.lr = 2e-3, .betas = {0.9, 0.99}, .weight_decay = 0.05});
template <class T>
HiddenGroups<T> hidden_groups(const NamedParameters<T>& named,
                              const HiddenGroupsOptions& options = {}) {
  HiddenGroups<T> out;
  out.hidden.resize(4);
  for (std::size_t i = 0; i < 3; ++i) out.hidden[i].row_blocks = static_cast<Index>(i) + 1;
  NamedParameters<T> others;
  bool first = options.exclude_first;
  for (const auto& [name, parameter] : named) {
    const bool matrix = detail::has_decay(name, parameter) && parameter.dim(0) > 1 &&
                        parameter.numel() > parameter.dim(0);
    if (!matrix || std::exchange(first, false) || detail::has_word(name, options.exclude)) {
      others.emplace_back(name, parameter);
      continue;
    }
    if (parameter.rank() > 2) {
      out.hidden[3].parameters.push_back(parameter);
      continue;
    }
    const bool three = detail::has_word(name, {"qkv"}) || name.find("in_proj") != std::string::npos;
    const std::size_t blocks = three ? 3 : detail::has_word(name, {"kv"}) ? 2 : 1;
    out.hidden[blocks - 1].parameters.push_back(parameter);
  }
  out.others = decay_groups(others);
  return out;
}

}  // namespace eigengrad::optim
