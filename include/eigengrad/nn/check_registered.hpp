// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/module.hpp>

namespace eigengrad::detail {

/// The leaves below a loss that take a gradient, and where each is used first.
template <class T>
class GraphLeaves {
 public:
  using Node = detail::Node<T>;

  struct Use {
    const Node* leaf;
    const Node* user;
    std::size_t input;  ///< of the user
  };

  explicit GraphLeaves(const Node* root) {
    std::vector<const Node*> open = {root};
    std::set<const Node*> seen = {root};
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      for (std::size_t i = 0; i < node->inputs().size(); ++i) {
        const Node* input = node->inputs()[i].get();
        if (!input || !input->requires_grad || !seen.insert(input).second) continue;
        if (input->is_result()) {
          open.push_back(input);
        } else {
          uses_.push_back({input, node, i});
        }
      }
    }
    // In the order in which forward used them.
    std::sort(uses_.begin(), uses_.end(), [](const Use& a, const Use& b) {
      return a.user->id != b.user->id ? a.user->id < b.user->id : a.input < b.input;
    });
  }

  const std::vector<Use>& uses() const { return uses_; }

 private:
  std::vector<Use> uses_;
};

/// The named tensor nearest to an op, among its inputs or above them; empty if there is none.
template <class T>
std::string nearest_name(const Node<T>* op, const std::map<const Node<T>*, std::string>& names) {
  std::vector<const Node<T>*> level = {op};
  std::set<const Node<T>*> seen;
  for (const char* relation = ", alongside "; !level.empty(); relation = ", after ") {
    std::vector<const Node<T>*> above;
    for (const Node<T>* node : level) {
      for (const auto& input : node->inputs()) {
        if (!input || !seen.insert(input.get()).second) continue;
        const auto found = names.find(input.get());
        if (found != names.end()) return relation + found->second;
        above.push_back(input.get());
      }
    }
    level = std::move(above);
  }
  return "";
}

}  // namespace eigengrad::detail

namespace eigengrad::nn {

/// Makes sure that all that `loss` would train belongs to the module. A layer without its `add()`,
/// or a tensor without its `add_parameter()`, takes part in the loss and gets a gradient, but no
/// optimiser and no file ever sees it.
///
///     const Tensor<float> loss = cross_entropy(model(images), labels);
///     nn::check_registered(model, loss);  // once, before the first backward
///
/// `inputs` are tensors that take a gradient and are no parameters on purpose. It walks the graph,
/// which costs as much as a few small ops; what `checkpoint` records in backward it does not see.
///
/// **Throws** StateError, which names each such tensor by its shape, the op that uses it and the
/// nearest parameter that is registered; and if the loss has no graph.
template <class T>
void check_registered(const Module<T>& module, const Tensor<T>& loss,
                      const std::vector<Tensor<T>>& inputs = {}) {
  if (!loss.requires_grad() || loss.node_ptr()->freed) {
    throw StateError(
        "[check_registered] the loss must have its graph: compute it with parameters that require "
        "a gradient, outside NoGrad, and check it before backward()");
  }
  std::map<const detail::Node<T>*, std::string> names;
  for (const auto& [name, x] : module.named_parameters()) names[x.node_ptr().get()] = name;
  std::set<const detail::Node<T>*> expected;
  for (const Tensor<T>& x : inputs) expected.insert(x.node_ptr().get());
  constexpr std::size_t kShown = 5;
  std::size_t count = 0;
  std::string list;
  const detail::GraphLeaves<T> leaves(loss.node_ptr().get());
  for (const auto& use : leaves.uses()) {
    if (names.count(use.leaf) > 0 || expected.count(use.leaf) > 0) continue;
    if (++count > kShown) continue;
    list += detail::concat(count > 1 ? "; " : "", use.leaf->value.shape(), ", input ", use.input,
                           " of ", use.user->op, detail::nearest_name(use.user, names));
  }
  if (count == 0) return;
  throw StateError(detail::concat(
      "[check_registered] what the loss trains must be a parameter of ", module.kind(), ": ", list,
      count > kShown ? "; ..." : "",
      "; add its layer with add(), or the tensor with add_parameter(), else no optimiser sees it"));
}

}  // namespace eigengrad::nn
