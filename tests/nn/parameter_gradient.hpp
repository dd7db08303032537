// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <functional>
#include <string>

#include <eigengrad/nn/module.hpp>
#include <tests/support/test.hpp>

namespace test {

/// Compares the gradient of every parameter of a module with central differences of
/// sum(w f()), w random. Empty when they agree, else what differs.
inline std::string parameter_gradients(const eg::nn::Module<double>& module,
                                       const std::function<Tensor<double>()>& f) {
  module.zero_grad();
  const Tensor<double> out = f();
  const NdArray<double> w = random(out.shape(), 7, 0.5, 1.5);
  out.backward(w);
  const auto loss = [&] {
    const eg::NoGrad guard;
    return (f().value().array() * w.array()).sum();
  };
  for (auto& [name, x] : module.named_parameters()) {
    Tensor<double> parameter = x;
    if (!parameter.has_grad()) return name + " received no gradient";
    for (Index i = 0; i < parameter.numel(); ++i) {
      double& element = parameter.mutable_value().data()[i];
      const double saved = element;
      element = saved + 1e-6;
      const double above = loss();
      element = saved - 1e-6;
      const double below = loss();
      element = saved;
      const double numeric = (above - below) / 2e-6;
      const double analytic = parameter.grad().data()[i];
      if (!(std::abs(analytic - numeric) <= 1e-6 + 1e-4 * std::abs(numeric))) {
        return eg::detail::concat(name, " ", parameter.shape(), ", element ", i, ": gradient ",
                                  analytic, ", central difference ", numeric);
      }
    }
  }
  return "";
}

/// The names of a list of named things.
template <class Named>
std::vector<std::string> names(const Named& named) {
  std::vector<std::string> out;
  for (const auto& entry : named) out.push_back(entry.first);
  return out;
}
using Names = std::vector<std::string>;

/// Whether `to`, with the state of `from` loaded, computes exactly the same.
template <class Layer, class Call>
bool same_after_loading(const Layer& from, const Layer& to, const Call& call) {
  to.load_state_dict(from.state_dict());
  return difference(call(to).value(), call(from).value(), 0.0).empty();
}

}  // namespace test
