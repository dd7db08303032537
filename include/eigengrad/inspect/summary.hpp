// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/generator_snapshot.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/inspect/layer_observer.hpp>
#include <eigengrad/nn/check_registered.hpp>
#include <eigengrad/nn/module.hpp>

/// What a model is, layer by layer: its parameters; and, found by running it, shapes, work and
/// memory.
namespace eigengrad::inspect {

/// A module with all below it. Fields from `ran` to `kept` are what a run has shown.
struct LayerSummary {
  std::string name = {};        ///< dotted; empty for the model itself
  std::string kind = {};        ///< "Linear"
  std::string parameters = {};  ///< its own, "weight (16, 2), bias (16)"
  Index trained = 0;            ///< values that take gradients, in it and all below
  Index not_trained = 0;        ///< other parameters' values, and buffers'
  bool ran = false;             ///< whether anything in it computed something
  Shape output = {};            ///< the shape of what it computed last
  double flops = 0;             ///< of forward, for the batch: two per multiply-add of a product
  std::int64_t kept = 0;        ///< bytes that forward leaves for backward, for the batch
  std::vector<LayerSummary> children = {};  ///< in the order of their work
};

struct ModelSummary {
  LayerSummary model;
  Index batch = 0;        ///< 0 without a run
  double step_flops = 0;  ///< of forward and backward, for the batch
  std::size_t peak = 0;   ///< most bytes in a step besides the parameters, gradients included

  /// The cells of the table without its heading, a row for each layer: name, indented by two spaces
  /// per level, and type; then output, parameters, MFLOP per image and MiB kept, or without a run
  /// the layer's own parameters and their number with all below it. Equal neighbours are one row.
  std::vector<std::vector<std::string>> rows() const;

  /// The layers, equal neighbours once, and three lines of totals.
  ///
  ///     layer  type        output   parameters  MFLOP per image  kept MiB
  ///            Sequential  (8, 10)      50,890             0.10       0.0
  ///       0    Linear      (8, 64)      50,240             0.10       0.0
  ///       1    ReLU        (8, 64)                                    0.0
  ///       2    Linear      (8, 10)         650             0.00       0.0
  ///     50,890 parameters are trained
  ///     0.1 MFLOP per image forward, 0.2 in a training step
  ///     a batch of 8: 0.0 MiB kept for backward, 0.2 MiB at the peak of a step, gradients included
  ///
  /// A row counts what is below it too, and of equal rows ("x3") one. Without a run:
  ///
  ///     layer  type        parameters                  count
  ///            Sequential                                609
  ///       0    Linear      weight (16, 2), bias (16)      48
  ///       2    Linear      weight (33, 16), bias (33)    561
  ///     609 parameters are trained
  std::string table() const;
};

}  // namespace eigengrad::inspect

namespace eigengrad::detail {

/// 1234567 as "1,234,567".
inline std::string with_commas(Index n) {
  std::string out = std::to_string(n);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, 1, ',');
  return out;
}

inline std::string decimals(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

/// `seen` is null without a run.
template <class T>
inspect::LayerSummary summarize_layer(const std::string& name, const nn::Module<T>& module,
                                      const LayerObserver* seen) {
  inspect::LayerSummary out;
  out.name = name;
  out.kind = module.kind();
  for (const auto& [parameter, x] : module.named_parameters()) {
    (x.requires_grad() ? out.trained : out.not_trained) += x.numel();
    if (parameter.find('.') != std::string::npos) continue;
    out.parameters += concat(out.parameters.empty() ? "" : ", ", parameter, " ", x.shape());
  }
  for (const auto& [buffer, array] : module.named_buffers()) out.not_trained += array->numel();
  const auto find = [&](const nn::Module<T>& m) {
    return seen ? seen->find(m.identity()) : nullptr;
  };
  if (const auto* own = find(module)) {
    out.ran = own->ran;
    out.output = own->output;
    out.flops = 2 * own->macs;
    out.kept = own->kept;
  }
  nn::Named<nn::Module<T>> children = module.named_children();
  const auto order = [&](const auto& child) {
    const auto* layer = find(child.second);
    return layer && layer->ran ? layer->first_op : std::size_t(-1);
  };
  std::stable_sort(children.begin(), children.end(),
                   [&](const auto& a, const auto& b) { return order(a) < order(b); });
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
  return a.kind == b.kind && a.parameters == b.parameters && a.ran == b.ran &&
         a.output == b.output && a.trained == b.trained && a.not_trained == b.not_trained &&
         a.flops == b.flops &&
         std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    same_layers);
}

/// The rows of a summary's layers.
class LayerRows {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  explicit LayerRows(Index batch) : batch_(batch) {}

  /// `times` equal layers, which `name` names.
  void add(const inspect::LayerSummary& layer, const std::string& name, std::size_t times,
           std::size_t depth) {
    // A list is not a layer: its members stand in its place, under its name.
    const bool list = layer.kind == "ModuleList";
    if (!list) {
      rows_.push_back({std::string(2 * depth, ' ') + name,
                       layer.kind + (times > 1 ? concat(" x", times) : "")});
      add_numbers(layer);
    }
    const std::string prefix = list ? name + "." : "";
    for (std::size_t i = 0; i < layer.children.size();) {
      std::size_t end = i + 1;
      while (end < layer.children.size() && same_layers(layer.children[i], layer.children[end])) {
        ++end;
      }
      std::string shown = prefix + last_part(layer.children[i].name);
      if (end - i > 1) shown.append("-").append(last_part(layer.children[end - 1].name));
      add(layer.children[i], shown, end - i, list ? depth : depth + 1);
      i = end;
    }
  }

  const Rows& rows() const { return rows_; }

 private:
  static std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

  void add_numbers(const inspect::LayerSummary& layer) {
    constexpr double kMega = 1e6, kMebi = 1 << 20;
    std::vector<std::string>& row = rows_.back();
    const Index count = layer.trained + layer.not_trained;
    if (batch_ == 0) {
      row.insert(row.end(), {layer.parameters, with_commas(count)});
      return;
    }
    row.push_back(layer.ran ? layer.output.str() : "");
    row.push_back(count > 0 ? with_commas(count) : "");
    row.push_back(layer.flops > 0 ? decimals(layer.flops / kMega / double(batch_), 2) : "");
    row.push_back(layer.ran ? decimals(static_cast<double>(layer.kept) / kMebi, 1) : "");
  }

  Index batch_;
  Rows rows_;
};

}  // namespace eigengrad::detail

namespace eigengrad::inspect {

inline std::vector<std::vector<std::string>> ModelSummary::rows() const {
  detail::LayerRows rows(batch);
  rows.add(model, "", 1, 0);
  return rows.rows();
}

inline std::string ModelSummary::table() const {
  using detail::decimals;
  std::vector<std::vector<std::string>> cells = rows();
  cells.insert(cells.begin(),
               batch == 0 ? std::vector<std::string>{"layer", "type", "parameters", "count"}
                          : std::vector<std::string>{"layer", "type", "output", "parameters",
                                                     "MFLOP per image", "kept MiB"});
  std::vector<std::size_t> width(cells[0].size(), 0);
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string out;
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(width[i] - row[i].size(), ' ');
      out += (i > 0 ? "  " : "") + (i < 3 ? row[i] + space : space + row[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  out += detail::with_commas(model.trained) + " parameters are trained";
  if (model.not_trained > 0) {
    out += ", " + detail::with_commas(model.not_trained) + " numbers are not";
  }
  out += '\n';
  if (batch == 0) return out;
  const double images = static_cast<double>(batch);
  constexpr double kMega = 1e6, kMebi = 1 << 20;
  out += decimals(model.flops / kMega / images, 1) + " MFLOP per image forward, " +
         decimals(step_flops / kMega / images, 1) + " in a training step\n" + "a batch of " +
         std::to_string(batch) + ": " + decimals(static_cast<double>(model.kept) / kMebi, 1) +
         " MiB kept for backward, " + decimals(static_cast<double>(peak) / kMebi, 1) +
         " MiB at the peak of a step, gradients included\n";
  return out;
}

/// The layers and their parameters, without a run.
///
///     std::puts(eg::inspect::summarize(model).table().c_str());
template <class T>
ModelSummary summarize(const nn::Module<T>& module) {
  return {.model = detail::summarize_layer("", module, nullptr)};
}

/// Runs a model forward and backward twice on `input` and says what it saw. Any module with an
/// operator() will do. An op counts to the module that its parameters belong to, and one without
/// parameters to the module whose call it is in; the library's modules mark their calls, and others
/// can (`Module::Call`); without that, to the one around it.
///
/// `input` is what the model takes, the batch along its first axis. The model's mode decides
/// whether its dropout works; generators and buffers are as before in the end, gradients are
/// forgotten. **Throws** ShapeError for an empty batch. **Throws** StateError on a layer that the
/// model has forgotten to add
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
  if (out.batch == 0)
    throw ShapeError(detail::concat("[summarize] needs a batch: input ", input.shape()));
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
    out.model = detail::summarize_layer("", module, &seen);
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
