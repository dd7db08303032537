// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/activation.hpp>

/// Activations as layers, for `Sequential`.
namespace eigengrad::nn {

/// max(x, 0). **Shapes** x (...), result (...).
template <class T>
class ReLU : public Module<T> {
 public:
  ReLU() : Module<T>("ReLU") {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return relu(x);
  }
};

/// x Phi(x), with the normal distribution's Phi. **Shapes** x (...), result (...).
template <class T>
class GELU : public Module<T> {
 public:
  GELU() : Module<T>("GELU") {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return gelu(x);
  }
};

/// GELU's tanh approximation. **Shapes** x (...), result (...).
template <class T>
class GELUTanh : public Module<T> {
 public:
  GELUTanh() : Module<T>("GELUTanh") {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return gelu_tanh(x);
  }
};

/// x sigmoid(x). **Shapes** x (...), result (...).
template <class T>
class SiLU : public Module<T> {
 public:
  SiLU() : Module<T>("SiLU") {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return silu(x);
  }
};

}  // namespace eigengrad::nn
