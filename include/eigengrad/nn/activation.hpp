// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/shape.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/glu.hpp>
#include <eigengrad/ops/rectifier.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <eigengrad/ops/unary.hpp>

/// Activations as layers, for `Sequential`.
namespace eigengrad::nn {

/// The base of those that an Activation names. **Shapes** x (...), result (...).
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

/// The base of those that are another function of x alone. **Shapes** x (...), result (...).
template <class T>
class FunctionLayer : public Module<T> {
 public:
  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return function_(x);
  }

 protected:
  using Function = Tensor<T> (*)(const Tensor<T>&);
  FunctionLayer(const char* kind, Function function) : Module<T>(kind), function_(function) {}

 private:
  Function function_;
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

/// 1 / (1 + e^-x).
template <class T>
class Sigmoid : public FunctionLayer<T> {
 public:
  Sigmoid() : FunctionLayer<T>("Sigmoid", sigmoid<T>) {}
};

/// Hyperbolic tangent.
template <class T>
class Tanh : public FunctionLayer<T> {
 public:
  Tanh() : FunctionLayer<T>("Tanh", tanh<T>) {}
};

/// x min(max(x + 3, 0), 6) / 6.
template <class T>
class Hardswish : public FunctionLayer<T> {
 public:
  Hardswish() : FunctionLayer<T>("Hardswish", hardswish<T>) {}
};

/// x tanh(softplus(x)).
template <class T>
class Mish : public FunctionLayer<T> {
 public:
  Mish() : FunctionLayer<T>("Mish", mish<T>) {}
};

struct LeakyReLUOptions {
  double negative_slope = 0.01;
};

/// x above 0, negative_slope x below. **Shapes** x (...), result (...).
template <class T>
class LeakyReLU : public Module<T> {
 public:
  explicit LeakyReLU(const LeakyReLUOptions& options = {})
      : Module<T>("LeakyReLU"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return leaky_relu(x, static_cast<T>(options_.negative_slope));
  }

 private:
  LeakyReLUOptions options_;
};

struct ELUOptions {
  double alpha = 1;
};

/// x above 0, alpha (e^x - 1) below. **Shapes** x (...), result (...).
template <class T>
class ELU : public Module<T> {
 public:
  explicit ELU(const ELUOptions& options = {}) : Module<T>("ELU"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return elu(x, static_cast<T>(options_.alpha));
  }

 private:
  ELUOptions options_;
};

struct SoftplusOptions {
  /// Positive.
  double beta = 1;
};

/// log(1 + e^(beta x)) / beta. **Shapes** x (...), result (...).
template <class T>
class Softplus : public Module<T> {
 public:
  explicit Softplus(const SoftplusOptions& options = {})
      : Module<T>("Softplus"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return softplus(x, static_cast<T>(options_.beta));
  }

 private:
  SoftplusOptions options_;
};

struct SoftmaxOptions {
  /// The axis along which the results sum to 1; negative ones count from the end.
  Index axis = -1;
};

/// exp(x) / sum(exp(x)) over an axis. **Shapes** x (...), result (...).
template <class T>
class Softmax : public Module<T> {
 public:
  explicit Softmax(const SoftmaxOptions& options = {}) : Module<T>("Softmax"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return softmax(x, options_.axis);
  }

 private:
  SoftmaxOptions options_;
};

struct GLUOptions {
  /// The axis that is halved; negative ones count from the end.
  Index axis = -1;
};

/// The first half of x times the sigmoid of the second.
///
/// **Shapes** x (..., 2 n, ...), result (..., n, ...).
template <class T>
class GLU : public Module<T> {
 public:
  explicit GLU(const GLUOptions& options = {}) : Module<T>("GLU"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return glu(x, options_.axis);
  }

 private:
  GLUOptions options_;
};

}  // namespace eigengrad::nn
