// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/nn/module.hpp>

namespace eigengrad::nn {

/// Layers of one type, named "0", "1", ..., for a module that calls them itself.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
template <class Layer>
class ModuleList : public Module<typename Layer::value_type> {
 public:
  using value_type = typename Layer::value_type;

  ModuleList() : Module<value_type>("ModuleList") {}

  void append(Layer layer, const ChildRole& role = {}) {
    layers_->push_back(this->add(std::to_string(layers_->size()), std::move(layer), role));
  }

  Index size() const { return static_cast<Index>(layers_->size()); }
  /// **Throws** std::out_of_range outside the list.
  const Layer& operator[](Index i) const& { return layers_->at(static_cast<std::size_t>(i)); }
  Layer operator[](Index i) && { return layers_->at(static_cast<std::size_t>(i)); }
  auto begin() const& { return layers_->begin(); }
  auto end() const& { return layers_->end(); }
  void begin() && = delete;
  void end() && = delete;

 private:
  std::shared_ptr<std::vector<Layer>> layers_ = std::make_shared<std::vector<Layer>>();
};

}  // namespace eigengrad::nn
