// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/generator_snapshot.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/inspect/layer_observer.hpp>
#include <eigengrad/inspect/summary.hpp>
#include <eigengrad/nn/check_registered.hpp>
#include <eigengrad/nn/module.hpp>

/// What a model is, layer by layer, found by running it: shapes, parameters, work and memory.
namespace eigengrad::inspect {

/// A module with all below it, in the order of their work.
struct LayerSummary {
  std::string name;       ///< dotted; empty for the model itself
  std::string kind;       ///< "Linear"
  bool ran = false;       ///< whether anything in it computed something
  Shape output;           ///< of what it computed last
  Index trained = 0;      ///< parameters that take gradients, in it and all below
  Index not_trained = 0;  ///< other parameters, and buffers
  double flops = 0;       ///< of forward, for the batch: two for each multiply-add of a product
  std::int64_t kept = 0;  ///< bytes that forward leaves for backward, for the batch
  std::vector<LayerSummary> children = {};
};

struct ModelSummary {
  LayerSummary model;
  Index batch = 0;
  double step_flops = 0;  ///< of forward and backward, for the batch
  std::size_t peak = 0;   ///< bytes at most in a step besides the parameters, gradients included

  /// The layers, equal neighbours once, and three lines of totals.
  ///
  ///     layer  type        output   parameters  MFLOP an image  kept MiB
  ///            Sequential  (8, 10)      50,890            0.10       0.0
  ///       0    Linear      (8, 64)      50,240            0.10       0.0
  ///       1    ReLU        (8, 64)                                   0.0
  ///       2    Linear      (8, 10)         650            0.00       0.0
  ///     50,890 parameters are trained
  ///     0.1 MFLOP an image forward, 0.2 in a training step
  ///     a batch of 8: 0.0 MiB kept for backward, 0.2 MiB at the peak of a step, gradients included
  ///
  /// A row counts what is below it too, and of equal rows ("x3") one.
  std::string table() const;
};

}  // namespace eigengrad::inspect

namespace eigengrad::detail {

template <class T>
inspect::LayerSummary summarize_layer(const std::string& name, const nn::Module<T>& module,
                                      const LayerObserver& seen) {
  inspect::LayerSummary out;
  out.name = name;
  out.kind = module.kind();
  for (const auto& [parameter, x] : module.named_parameters()) {
    (x.requires_grad() ? out.trained : out.not_trained) += x.numel();
  }
  for (const auto& [buffer, array] : module.named_buffers()) out.not_trained += array->numel();
  if (const auto* own = seen.find(module.identity())) {
    out.ran = own->ran;
    out.output = own->output;
    out.flops = 2 * own->macs;
    out.kept = own->kept;
  }
  nn::Named<nn::Module<T>> children = module.named_children();
  const auto turn = [&](const auto& child) {
    const auto* layer = seen.find(child.second.identity());
    return layer && layer->ran ? layer->turn : std::size_t(-1);
  };
  std::stable_sort(children.begin(), children.end(),
                   [&](const auto& a, const auto& b) { return turn(a) < turn(b); });
  for (const auto& [child_name, child] : children) {
    inspect::LayerSummary below =
        summarize_layer(name.empty() ? child_name : name + "." + child_name, child, seen);
    out.flops += below.flops;
    out.kept += below.kept;
    if (below.ran || below.trained + below.not_trained > 0) {
      out.children.push_back(std::move(below));
    }
  }
  return out;
}

/// Whether a table would say the same of both but for their names.
inline bool same_layers(const inspect::LayerSummary& a, const inspect::LayerSummary& b) {
  return a.kind == b.kind && a.ran == b.ran && a.output == b.output && a.trained == b.trained &&
         a.not_trained == b.not_trained && a.flops == b.flops &&
         std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    same_layers);
}

using TableRow = std::vector<std::string>;

inline std::string decimals(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

inline void add_layer_rows(std::vector<TableRow>& rows, const inspect::LayerSummary& layer,
                           const std::string& shown_name, std::size_t times, Index batch,
                           std::size_t depth) {
  constexpr double kMega = 1e6, kMebi = 1 << 20;
  const auto last_part = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  // A list is not a layer: its members stand in its place, under its name.
  const bool list = layer.kind == "ModuleList";
  if (!list) {
    const Index count = layer.trained + layer.not_trained;
    rows.push_back({std::string(2 * depth, ' ') + shown_name,
                    layer.kind + (times > 1 ? concat(" x", times) : ""),
                    layer.ran ? layer.output.str() : "", count > 0 ? with_commas(count) : "",
                    layer.flops > 0 ? decimals(layer.flops / kMega / double(batch), 2) : "",
                    layer.ran ? decimals(static_cast<double>(layer.kept) / kMebi, 1) : ""});
  }
  const std::string prefix = list ? shown_name + "." : "";
  for (std::size_t i = 0; i < layer.children.size();) {
    std::size_t end = i + 1;
    while (end < layer.children.size() && same_layers(layer.children[i], layer.children[end])) {
      ++end;
    }
    std::string name = prefix + last_part(layer.children[i].name);
    if (end - i > 1) name.append("-").append(last_part(layer.children[end - 1].name));
    add_layer_rows(rows, layer.children[i], name, end - i, batch, list ? depth : depth + 1);
    i = end;
  }
}

}  // namespace eigengrad::detail

namespace eigengrad::inspect {

inline std::string ModelSummary::table() const {
  using detail::decimals;
  std::vector<detail::TableRow> rows = {
      {"layer", "type", "output", "parameters", "MFLOP an image", "kept MiB"}};
  detail::add_layer_rows(rows, model, "", 1, batch, 0);
  std::vector<std::size_t> width(rows[0].size(), 0);
  for (const detail::TableRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string out;
  for (const detail::TableRow& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(width[i] - row[i].size(), ' ');
      out += (i > 0 ? "  " : "") + (i < 3 ? row[i] + space : space + row[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  const double images = static_cast<double>(std::max<Index>(1, batch));
  constexpr double kMega = 1e6, kMebi = 1 << 20;
  out += detail::with_commas(model.trained) + " parameters are trained";
  if (model.not_trained > 0) {
    out += ", " + detail::with_commas(model.not_trained) + " numbers are not";
  }
  out += "\n" + decimals(model.flops / kMega / images, 1) + " MFLOP an image forward, " +
         decimals(step_flops / kMega / images, 1) + " in a training step\n" + "a batch of " +
         std::to_string(batch) + ": " + decimals(static_cast<double>(model.kept) / kMebi, 1) +
         " MiB kept for backward, " + decimals(static_cast<double>(peak) / kMebi, 1) +
         " MiB at the peak of a step, gradients included\n";
  return out;
}

/// Runs a model forward and backward twice on `input` and says what it saw. Any module with an
/// operator() will do. An op counts to the module that its parameters belong to, and one without
/// parameters to the module whose call it is in; the library's modules mark their calls, and others
/// can (`Module::Call`); without that, to the one around it.
///
/// `input` is what the model takes, the batch along its first axis. The model's mode decides
/// whether its dropout works; generators and buffers are as before in the end, gradients are
/// forgotten. **Throws** StateError on a layer that the model has forgotten to add
/// (`nn::check_registered`).
template <class Model, class Input>
ModelSummary summarize(const Model& model, const Input& input) {
  using T = typename Model::value_type;
  const nn::Module<T>& module = model;
  const RewindGenerators as_before{GeneratorSnapshot(module.generators())};
  std::vector<std::pair<std::shared_ptr<NdArray<T>>, NdArray<T>>> buffers;
  for (const auto& [name, array] : module.named_buffers()) {
    buffers.emplace_back(array, array->clone());
  }
  const auto backward = [](const Tensor<T>& y) {
    y.backward(NdArray<T>::full(y.shape(), T(1) / static_cast<T>(std::max<Index>(1, y.numel()))));
  };

  ModelSummary out;
  out.batch = input.dim(0);
  module.zero_grad();
  {
    detail::LayerObserver seen(module);
    std::vector<Tensor<T>> inputs;
    if constexpr (std::is_same_v<Input, Tensor<T>>) {
      seen.add_input(input.node_ptr()->id);
      inputs.push_back(input);
    }
    const Tensor<T> y = model(input);
    seen.end_forward();
    if (y.requires_grad()) nn::check_registered(module, y, inputs);
    backward(y);
    out.step_flops = 2 * seen.step_macs();
    out.model = detail::summarize_layer("", module, seen);
  }
  module.zero_grad();
  {
    reset_peak_memory();
    const std::size_t before = memory_in_use();
    backward(model(input));
    out.peak = peak_memory() - before;
  }
  module.zero_grad();
  for (auto& [array, saved] : buffers) std::copy(saved.begin(), saved.end(), array->begin());
  return out;
}

}  // namespace eigengrad::inspect
