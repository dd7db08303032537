// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/optim/groups.hpp>

/// Layer-wise decay of the learning rate, for fine-tuning: the further a layer is from the output,
/// the less its pretrained weights move.
///
///     rate of layer i = lr decay^(layers - 1 - i)
///
/// **Source** K. Clark et al., "ELECTRA", 2020; H. Bao et al., "BEiT: BERT pre-training of image
/// transformers", 2022, whose program numbers the layers of a vision transformer so.
namespace eigengrad::optim {

struct LayerDecayOptions {
  double lr = 1e-3;     ///< of the last layer
  double decay = 0.75;  ///< from each layer to the one before it, in (0, 1]
  /// The name of the list of blocks in the names of parameters: "blocks.0.norm1.weight".
  std::string blocks = "blocks";
};

namespace detail {

/// "blocks.3." of "blocks.3.norm1.weight", "stage.0.blocks.1." of "stage.0.blocks.1.fc1.weight";
/// empty for a name without `list` and a number.
inline std::string_view block_of(std::string_view name, std::string_view list) {
  for (std::size_t at = name.find(list); at != name.npos; at = name.find(list, at + 1)) {
    const std::size_t dot = at + list.size();
    if ((at > 0 && name[at - 1] != '.') || dot >= name.size() || name[dot] != '.') continue;
    const std::size_t end = name.find_first_not_of("0123456789", dot + 1);
    if (end != name.npos && end > dot + 1 && name[end] == '.') return name.substr(0, end + 1);
  }
  return {};
}

template <class T>
std::vector<Index> layers_by_block(const std::vector<Parameter<T>>& parameters,
                                   const std::string& list) {
  const auto block = [&](const Parameter<T>& p) { return block_of(p.name, list); };
  std::size_t end = 0;  // after the last parameter of a block
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!block(parameters[i]).empty()) end = i + 1;
  }
  if (end == 0) {
    throw ValueError(concat("[layer_decay_groups] no parameter's name has \"", list,
                            "\" and a number in it; give the layers as a function of the name"));
  }
  std::vector<Index> layers;
  std::string_view previous;
  Index layer = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string_view own = block(parameters[i]);
    if (i == end || (!own.empty() && own != previous)) ++layer;
    if (!own.empty()) previous = own;
    layers.push_back(layer);
  }
  return layers;
}

template <class T>
std::vector<ParameterGroup<T>> groups_by_layer(const std::vector<Parameter<T>>& parameters,
                                               const std::vector<Index>& layers,
                                               const LayerDecayOptions& options) {
  const char* owner = "layer_decay_groups";
  require_non_negative(owner, "lr", options.lr);
  require(options.decay > 0 && options.decay <= 1, owner, "decay", "in (0, 1]", options.decay);
  if (layers.empty()) throw ValueError("[layer_decay_groups] needs at least one parameter");
  for (const Index layer : layers) {
    require(layer >= 0, owner, "the layer of a parameter", "at least 0", layer);
  }
  const Index last = *std::max_element(layers.begin(), layers.end());
  std::vector<std::vector<Parameter<T>>> members(static_cast<std::size_t>(last) + 1);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    members[static_cast<std::size_t>(layers[i])].push_back(parameters[i]);
  }
  std::vector<ParameterGroup<T>> out;
  for (Index layer = 0; layer <= last; ++layer) {
    for (ParameterGroup<T>& group : decay_groups(members[static_cast<std::size_t>(layer)])) {
      if (group.parameters.empty()) continue;
      group.lr = options.lr * std::pow(options.decay, double(last - layer));
      out.push_back(std::move(group));
    }
  }
  return out;
}

}  // namespace detail

/// Groups whose learning rates fall from the output to the input, each layer's in up to two
/// `decay_groups`. `layer_of(name)` is the layer of a parameter, from 0 on; the highest number is
/// the output's layer.
///
///     optim::AdamW<float> adam(
///         optim::layer_decay_groups(model.parameters_with_roles(), {.lr = 1e-3, .decay = 0.65},
///                                   [](const std::string& name) { return ... }),
///         {.weight_decay = 0.05});
///     adam.set_lr_factor(schedule(adam.step_count()));   // keeps the rates' proportions
///
/// **Throws** ValueError on an option outside its range or a negative layer.
template <class T, class LayerOf>
std::vector<ParameterGroup<T>> layer_decay_groups(const std::vector<Parameter<T>>& parameters,
                                                  const LayerDecayOptions& options,
                                                  const LayerOf& layer_of) {
  std::vector<Index> layers;
  for (const Parameter<T>& p : parameters) layers.push_back(static_cast<Index>(layer_of(p.name)));
  return detail::groups_by_layer(parameters, layers, options);
}

/// The same for a model with a list of blocks, such as a VisionTransformer: what comes before the
/// first block (patches, positions, tokens) is layer 0, the blocks are the layers 1, 2, ..., and
/// what comes after the last block (norm, head) is the layer of the output.
///
/// **Throws** ValueError also when no name has a block's number in it.
template <class T>
std::vector<ParameterGroup<T>> layer_decay_groups(const std::vector<Parameter<T>>& parameters,
                                                  const LayerDecayOptions& options = {}) {
  return detail::groups_by_layer(parameters, detail::layers_by_block(parameters, options.blocks),
                                 options);
}

}  // namespace eigengrad::optim
