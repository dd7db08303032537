// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/nn/module.hpp>

namespace eigengrad::detail {

/// Watches a forward and a backward pass of a model, and charges each op's work, and the memory
/// that it keeps, to a module.
class LayerObserver : public Observer {
 public:
  /// What one module did by itself.
  struct Layer {
    std::size_t parent = 0;    ///< its own place for the model itself
    bool ran = false;          ///< it or one below it
    std::size_t first_op = 0;  ///< how many ops came before its first
    Shape output = {};
    double macs = 0;        ///< of forward
    std::int64_t kept = 0;  ///< bytes
  };

  template <class T>
  [[nodiscard]] explicit LayerObserver(const nn::Module<T>& module) {
    add(module, 0);
    last_memory_ = memory_in_use();
  }

  void enter(const void* module) override {
    const auto found = places_.find(module);
    calls_.push_back(found != places_.end() ? found->second : calls_.empty() ? 0 : calls_.back());
  }
  void leave() override { calls_.pop_back(); }

  void observe(const Event& event) override {
    step_macs_ += event.macs;
    if (event.phase != Phase::kForward || !forward_) return;  // a checkpoint's second forward

    const bool meets = meets_data(event);
    const std::optional<std::size_t> owner = owner_of(event, meets);
    const bool data = meets || !owner;
    const std::size_t call = calls_.empty() ? 0 : calls_.back();
    // Parameters that were lent to another module count where they are used.
    const std::size_t place = owner && (calls_.empty() || is_in(*owner, call)) ? *owner : call;
    layers_[place].macs += event.macs;
    charge_memory(place);
    if (held_addresses_.insert(event.result.buffer.data()).second) {
      held_.emplace_back(event.result.buffer, place);
    }
    if (!data) {
      owners_[event.result.id] = *owner;
      return;
    }
    data_.insert(event.result.id);
    for (std::size_t i = place;; i = layers_[i].parent) {
      if (!std::exchange(layers_[i].ran, true)) layers_[i].first_op = data_.size();
      layers_[i].output = event.result.shape;
      if (i == 0) break;
    }
  }

  /// A tensor that the model gets.
  void add_input(std::uint64_t id) { data_.insert(id); }

  /// Call it when the model has its result: memory that is not kept is taken off again.
  void end_forward() {
    charge_memory(0);
    for (auto& [buffer, place] : held_) {
      const auto before = static_cast<std::int64_t>(memory_in_use());
      buffer = Buffer();
      layers_[place].kept -= before - static_cast<std::int64_t>(memory_in_use());
    }
    held_.clear();
    forward_ = false;
  }

  /// Null for a module that is no part of the model.
  const Layer* find(const void* module) const {
    const auto found = places_.find(module);
    return found == places_.end() ? nullptr : &layers_[found->second];
  }
  /// Multiply-adds of all that was observed, backward included.
  double step_macs() const { return step_macs_; }

 private:
  template <class T>
  void add(const nn::Module<T>& module, std::size_t parent) {
    const std::size_t place = layers_.size();
    if (!places_.emplace(module.identity(), place).second) return;  // shared: it has a place
    layers_.push_back({.parent = parent});
    for (const auto& [name, x] : module.named_parameters()) {
      owners_[x.node_ptr()->id] = place;  // children come later and take theirs
    }
    for (const auto& child : module.named_children()) add(child.second, place);
  }

  /// The module that holds the parameters among the inputs, or the one around all that do. What is
  /// computed from parameters alone, such as a scaled weight, counts as the first of them.
  std::optional<std::size_t> owner_of(const Event& event, bool meets_data) const {
    std::optional<std::size_t> out;
    for (const Seen& x : event.inputs) {
      const auto found = owners_.find(x.id);
      if (found == owners_.end() || (out && !meets_data)) continue;
      std::size_t both = found->second;
      while (out && !is_in(*out, both)) both = layers_[both].parent;
      out = both;
    }
    return out;
  }

  /// Whether the result depends on the model's input; indices, such as an embedding's, are no
  /// tensor.
  bool meets_data(const Event& event) const {
    if (event.reads == Op::Reads::kIndexed) return true;
    for (const Seen& x : event.inputs) {
      if (data_.count(x.id) > 0) return true;
    }
    return false;
  }

  bool is_in(std::size_t place, std::size_t around) const {
    while (place != around && place != 0) place = layers_[place].parent;
    return place == around;
  }

  void charge_memory(std::size_t place) {
    const std::size_t now = memory_in_use();
    layers_[place].kept += static_cast<std::int64_t>(now) - static_cast<std::int64_t>(last_memory_);
    last_memory_ = now;
  }

  std::vector<Layer> layers_;
  std::map<const void*, std::size_t> places_;    ///< of modules
  std::map<std::uint64_t, std::size_t> owners_;  ///< of parameters and what is made of them
  std::set<std::uint64_t> data_;                 ///< tensors that depend on the input
  std::vector<std::size_t> calls_;               ///< modules at work, the innermost last
  std::vector<std::pair<Buffer, std::size_t>>
      held_;  ///< results, so that no release blurs a charge
  std::set<const void*> held_addresses_;
  std::size_t last_memory_ = 0;
  double step_macs_ = 0;
  bool forward_ = true;
};

}  // namespace eigengrad::detail
