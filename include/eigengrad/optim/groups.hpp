// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <eigengrad/core/parameter.hpp>
#include <eigengrad/optim/muon.hpp>
#include <eigengrad/optim/optimizer.hpp>

/// Makes parameter groups from what a model's parameters are. The layers that add them say it
/// (`ParameterRole`), so a model that is made of the library's layers needs to say nothing.
namespace eigengrad::optim {

namespace detail {

/// Weights and tables decay. Biases, norms, scales, positions and learned tokens do not: zero is no
/// better a guess for them than any other value.
inline bool has_decay(const ParameterRole& role) {
  return role.kind == ParameterKind::kWeight || role.kind == ParameterKind::kConvolution ||
         role.kind == ParameterKind::kEmbedding;
}

/// Whether a parameter multiplies and has more than one row and column; a matrix with one row or
/// column is a vector.
template <class T>
bool is_matrix(const Parameter<T>& p) {
  const bool multiplies =
      p.role.kind == ParameterKind::kWeight || p.role.kind == ParameterKind::kConvolution;
  const Shape& shape = p.tensor.shape();
  return multiplies && shape.rank() > 1 && shape[0] > 1 && p.tensor.numel() > shape[0];
}

/// For each parameter whether it is a matrix between the model's ends. Where no layer says which
/// end it is, the first matrix of the list is the input's and the last the output's, unless they
/// say otherwise.
template <class T>
std::vector<bool> hidden_matrices(const std::vector<Parameter<T>>& parameters) {
  const auto said = [&](ParameterPlace place) {
    return std::any_of(parameters.begin(), parameters.end(),
                       [&](const Parameter<T>& p) { return p.role.place == place; });
  };
  std::vector<bool> out;
  for (const Parameter<T>& p : parameters) out.push_back(is_matrix(p));
  const auto first = std::find(out.begin(), out.end(), true) - out.begin();
  const auto last = out.rend() - std::find(out.rbegin(), out.rend(), true) - 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    const bool guessed_end = (at == first && !said(ParameterPlace::kInput)) ||
                             (at == last && !said(ParameterPlace::kOutput));
    const auto& place = parameters[i].role.place;
    if (place ? *place != ParameterPlace::kHidden : guessed_end) out[i] = false;
  }
  return out;
}

}  // namespace detail

/// Gives two groups: weights, convolutions and embeddings, which take the optimiser's weight decay,
/// and biases, norms, scales, positions and learned tokens, which take none.
///
///     optim::AdamW<float> adam(optim::decay_groups(vit.parameters_with_roles()),
///                              {.lr = 1e-3, .weight_decay = 0.05});
template <class T>
std::vector<ParameterGroup<T>> decay_groups(const std::vector<Parameter<T>>& parameters) {
  std::vector<ParameterGroup<T>> groups(2);
  groups[1].weight_decay = 0;
  for (const Parameter<T>& p : parameters) {
    groups[detail::has_decay(p.role) ? 0 : 1].parameters.push_back(p.tensor);
  }
  return groups;
}

/// The groups for Muon, and those for the AdamW that takes the rest.
template <class T>
struct HiddenGroups {
  /// Group i has the weights with i + 1 `row_blocks`: 1 for a plain matrix, 2 for fused keys and
  /// values, 3 for fused queries, keys and values. The last group has the filters of convolutions.
  /// Any group may be empty.
  std::vector<MuonGroup<T>> hidden;
  std::vector<ParameterGroup<T>> others;
};

/// Splits a model for Muon: `hidden` are the matrices and the convolutions' filters between its
/// ends, `others` the decay_groups of the rest. A matrix of one row or column is a vector and
/// belongs to the rest. The ends are what the model says (`nn::ChildRole::place`); a model that
/// says nothing begins with its first matrix and ends with its last.
///
///     auto [hidden, others] = optim::hidden_groups(vit.parameters_with_roles());
///     optim::Muon<float> muon(hidden, {.lr = 0.02});
///     optim::AdamW<float> adam(others, {.lr = 2e-3, .betas = {0.9, 0.99}, .weight_decay = 0.05});
template <class T>
HiddenGroups<T> hidden_groups(const std::vector<Parameter<T>>& parameters) {
  constexpr Index kUsual = 3;
  const std::vector<bool> is_hidden = detail::hidden_matrices(parameters);
  Index most = kUsual;
  for (const Parameter<T>& p : parameters) {
    detail::require(p.role.row_blocks >= 1, "hidden_groups", "row_blocks", "at least 1",
                    p.role.row_blocks);
    most = std::max(most, p.role.row_blocks);
  }
  HiddenGroups<T> out;
  out.hidden.resize(static_cast<std::size_t>(most) + 1);
  for (Index i = 0; i < most; ++i) out.hidden[static_cast<std::size_t>(i)].row_blocks = i + 1;
  std::vector<Parameter<T>> others;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter<T>& p = parameters[i];
    if (!is_hidden[i]) {
      others.push_back(p);
    } else if (p.role.kind == ParameterKind::kConvolution) {
      out.hidden.back().parameters.push_back(p.tensor);
    } else {
      out.hidden[static_cast<std::size_t>(p.role.row_blocks) - 1].parameters.push_back(p.tensor);
    }
  }
  out.others = decay_groups(others);
  return out;
}

}  // namespace eigengrad::optim
