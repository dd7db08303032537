// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/nn/module.hpp>

/// Where a model's numbers first became infinite or NaN.
namespace eigengrad::inspect {

/// In words, the first parameter or buffer that holds a number that is not finite, such as
/// "blocks.3.mlp.fc2.weight (192, 384), 17 of 73728 numbers"; empty when all are finite.
template <class T>
std::string find_non_finite(const nn::Module<T>& module) {
  const auto words = [](const std::string& name, const NdArray<T>& x) -> std::string {
    const Index count = NumbersView(x.data(), x.numel()).count_not_finite();
    if (count == 0) return "";
    return detail::concat(name, " ", x.shape(), ", ", count, " of ", x.numel(), " numbers");
  };
  std::string found;
  for (const auto& [name, x] : module.named_parameters()) {
    if (found.empty()) found = words(name, x.value());
  }
  for (const auto& [name, x] : module.named_buffers()) {
    if (found.empty()) found = words(name, std::as_const(*x));
  }
  return found;
}

}  // namespace eigengrad::inspect

namespace eigengrad::detail {

/// Watches a forward and a backward pass, and remembers the first result and the first gradient
/// that are not finite.
class AnomalyObserver : public Observer {
 public:
  template <class T>
  [[nodiscard]] explicit AnomalyObserver(const nn::Module<T>& module) {
    for (const auto& [name, x] : module.named_parameters()) names_[x.node_ptr()->id] = name;
    add(module, "");
  }

  /// Empty when all numbers were finite.
  const std::string& found() const { return found_; }

  void enter(const void* module) override {
    const auto found = modules_.find(module);
    calls_.push_back(found != modules_.end() ? found->second : "");
  }
  void leave() override { calls_.pop_back(); }

  void observe(const Event& event) override {
    if (!found_.empty()) return;
    if (event.phase == Phase::kForward) {
      layers_[event.result.id] = layer(event);
      for (const Seen& x : event.inputs) {
        if (x.value.count_not_finite() == 0) continue;
        // What an op computed has been looked at already: this came from outside.
        found_ = concat("in an input ", x.shape, " of ", words(event));
        return;
      }
      if (event.result.value.count_not_finite() > 0) {
        found_ = concat("in the result ", event.result.shape, " of ", words(event));
      }
    } else if (event.phase == Phase::kBackward) {
      for (const Seen& x : event.inputs) {
        if (!x.requires_grad || x.grad.count_not_finite() == 0) continue;
        const auto name = names_.find(x.id);
        found_ = name != names_.end()
                     ? concat("in the gradient of ", name->second, ", in the backward of ")
                     : concat("in a gradient ", x.shape, ", in the backward of ");
        found_ += words(event);
        return;
      }
    }
  }

 private:
  template <class T>
  void add(const nn::Module<T>& module, const std::string& name) {
    modules_[module.identity()] = name;
    for (const auto& [child_name, child] : module.named_children()) {
      add(child, name.empty() ? child_name : name + "." + child_name);
    }
  }

  /// Where an op belongs: the module that holds its parameters; for one without parameters, the
  /// module whose call it is in; else after the module that an input comes from.
  struct Layer {
    std::string name;
    bool own = false;
  };

  Layer layer(const Event& event) const {
    Layer out;
    for (const Seen& x : event.inputs) {
      if (const auto name = names_.find(x.id); name != names_.end()) {
        const std::string module = name->second.substr(0, name->second.rfind('.'));
        out.name = out.own ? common(out.name, module) : module;
        out.own = true;
      } else if (const auto made = layers_.find(x.id);
                 made != layers_.end() && !out.own && !made->second.name.empty()) {
        out.name = made->second.name;
      }
    }
    if (!out.own && !calls_.empty() && !calls_.back().empty()) out = {calls_.back(), true};
    return out;
  }

  /// "blocks.3.mlp" for "blocks.3.mlp.fc1" and "blocks.3.mlp.fc2".
  static std::string common(const std::string& a, const std::string& b) {
    std::size_t same = 0;
    for (std::size_t i = 0; i <= a.size() && i <= b.size(); ++i) {
      const bool end_a = i == a.size() || a[i] == '.';
      const bool end_b = i == b.size() || b[i] == '.';
      if (end_a && end_b) same = i;
      if (i == a.size() || i == b.size() || a[i] != b[i]) break;
    }
    return a.substr(0, same);
  }

  std::string words(const Event& event) const {
    const auto at = layers_.find(event.result.id);
    if (at == layers_.end() || at->second.name.empty()) return event.op;
    return concat(event.op, at->second.own ? " in " : " after ", at->second.name);
  }

  std::map<std::uint64_t, std::string> names_;  // of parameters, by tensor
  std::map<const void*, std::string> modules_;  // by identity
  std::vector<std::string> calls_;              // that are under way
  std::map<std::uint64_t, Layer> layers_;       // of results, by tensor
  std::string found_;
};

}  // namespace eigengrad::detail

namespace eigengrad::inspect {

/// Runs `loss()`, a function that computes a scalar Tensor with the module, and its backward again,
/// and says in words where the first number arose that is not finite:
///
///     "in blocks.3.mlp.fc2.weight (192, 384), 17 of 73728 numbers"
///     "in the result (128, 16, 192) of linear in blocks.3.attn.proj"
///     "in the gradient of head.bias, in the backward of linear in head"
///
/// Empty when everything is finite. Each number is looked at, so this is for the step that failed,
/// with the generators set back to where it began. Gradients of the step remain.
template <class T, class F>
std::string find_anomaly(const nn::Module<T>& module, F&& loss) {
  if (const std::string weights = find_non_finite(module); !weights.empty()) {
    return "in " + weights;
  }
  module.zero_grad();
  detail::AnomalyObserver observer(module);
  const Tensor<T> value = loss();
  if (observer.found().empty()) value.backward();
  return observer.found();
}

}  // namespace eigengrad::inspect
