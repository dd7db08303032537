// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/nn/module.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace test {

/// Relative tolerance of a whole model's numbers against PyTorch's, which are in double.
template <class T>
constexpr double model_tolerance() {
  return sizeof(T) == 4 ? 1e-5 : 1e-9;
}

/// Gives the module the reference's weights CASE/weight/NAME; buffers stay.
template <class T>
void load_reference(const Reference& reference, const std::string& name,
                    const eg::nn::Module<T>& module) {
  eg::nn::StateDict<T> weights = module.state_dict();
  for (const auto& entry : module.named_parameters()) {
    weights[entry.first] = reference.get<T>(name + "/weight/" + entry.first);
  }
  module.load_state_dict(weights);
}

/// Compares every parameter's gradient with CASE/gradient/NAME. Empty when they agree.
template <class T>
std::string gradient_difference(const Reference& reference, const std::string& name,
                                const eg::nn::Module<T>& module) {
  for (const auto& [parameter, x] : module.named_parameters()) {
    if (!x.has_grad()) return parameter + " received no gradient";
    const std::string differs = difference(
        x.grad(), reference.get<double>(name + "/gradient/" + parameter), model_tolerance<T>());
    if (!differs.empty()) return parameter + ": " + differs;
  }
  return "";
}

}  // namespace test
