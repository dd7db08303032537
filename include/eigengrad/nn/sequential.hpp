// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/nn/module.hpp>

namespace eigengrad::nn {

/// Layers one after the other, named "0", "1", ...
///
///     nn::Sequential<float> net(nn::Linear<float>({784, 64}, rng), nn::ReLU<float>(),
///                               nn::Linear<float>({64, 10}, rng));
///
/// A layer is a module or any function of a tensor; a function takes up a number too, though it has
/// no parameters.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html
template <class T>
class Sequential : public Module<T> {
 public:
  template <std::invocable<const Tensor<T>&>... Layers>
  explicit Sequential(Layers... layers) : Module<T>("Sequential") {
    (append(std::move(layers)), ...);
  }

  template <std::invocable<const Tensor<T>&> Layer>
  Sequential& append(Layer layer, [[maybe_unused]] const ChildRole& role = {}) {
    if constexpr (std::derived_from<Layer, Module<T>>) {
      this->add(std::to_string(size()), layer, role);
    }
    steps_->emplace_back(std::move(layer));
    return *this;
  }

  Tensor<T> operator()(Tensor<T> x) const {
    const auto call = this->call();
    for (const Step& step : *steps_) x = step(x);
    return x;
  }

  Index size() const { return static_cast<Index>(steps_->size()); }

 private:
  using Step = std::function<Tensor<T>(const Tensor<T>&)>;
  std::shared_ptr<std::vector<Step>> steps_ = std::make_shared<std::vector<Step>>();
};

}  // namespace eigengrad::nn
