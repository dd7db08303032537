// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/activation.hpp>

/// Activations as layers, for `Sequential`.
namespace eigengrad::nn {

/// The base of all of them. **Shapes** x (...), result (...).
template <class T>
class ActivationLayer : public Module<T> {
 public:
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return activate(x, activation_);
  }

 protected:
  ActivationLayer(const char* kind, Activation activation)
      : Module<T>(kind), activation_(activation) {}

 private:
  Activation activation_;
};

/// max(x, 0).
template <class T>
class ReLU : public ActivationLayer<T> {
 public:
  ReLU() : ActivationLayer<T>("ReLU", Activation::kRelu) {}
};

/// x Phi(x), with the normal distribution's Phi.
template <class T>
class GELU : public ActivationLayer<T> {
 public:
  GELU() : ActivationLayer<T>("GELU", Activation::kGelu) {}
};

/// GELU's tanh approximation.
template <class T>
class GELUTanh : public ActivationLayer<T> {
 public:
  GELUTanh() : ActivationLayer<T>("GELUTanh", Activation::kGeluTanh) {}
};

/// x sigmoid(x).
template <class T>
class SiLU : public ActivationLayer<T> {
 public:
  SiLU() : ActivationLayer<T>("SiLU", Activation::kSilu) {}
};

}  // namespace eigengrad::nn
