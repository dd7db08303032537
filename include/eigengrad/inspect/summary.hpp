// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <eigengrad/nn/module.hpp>

namespace eigengrad {

namespace detail {

/// layer, type, parameters, count
using SummaryRow = std::array<std::string, 4>;

/// 1234567 as "1,234,567".
inline std::string with_commas(Index n) {
  std::string out = std::to_string(n);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, 1, ',');
  return out;
}

/// A row for the module and for each below it that has parameters.
template <class T>
void add_summary_rows(std::vector<SummaryRow>& rows, const std::string& name,
                      const nn::Module<T>& module) {
  std::string own;
  for (const auto& [parameter, x] : module.named_parameters()) {
    if (parameter.find('.') != std::string::npos) continue;
    own += concat(own.empty() ? "" : ", ", parameter, " ", x.shape());
  }
  rows.push_back({name, module.kind(), own, with_commas(module.parameter_count())});
  for (const auto& [child_name, child] : module.named_children()) {
    if (child.parameter_count() == 0) continue;
    add_summary_rows(rows, name.empty() ? child_name : name + "." + child_name, child);
  }
}

}  // namespace detail

namespace inspect {

/// A table of a module's layers: name, type, shapes of their own parameters, and how many values
/// they and the layers below them hold. Layers without parameters are left out.
///
///     layer  type        parameters                  count
///            Sequential                                609
///     0      Linear      weight (16, 2), bias (16)      48
///     2      Linear      weight (33, 16), bias (33)    561
template <class T>
std::string summary(const nn::Module<T>& module) {
  std::vector<detail::SummaryRow> rows = {{"layer", "type", "parameters", "count"}};
  detail::add_summary_rows(rows, "", module);
  std::array<std::size_t, 4> width{};
  for (const detail::SummaryRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string out;
  for (const detail::SummaryRow& row : rows) {
    for (std::size_t i = 0; i < 3; ++i) {
      out += row[i] + std::string(width[i] + 2 - row[i].size(), ' ');
    }
    out += std::string(width[3] - row[3].size(), ' ') + row[3] + "\n";
  }
  return out;
}

}  // namespace inspect
}  // namespace eigengrad
