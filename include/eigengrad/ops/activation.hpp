// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/kernels/activation_map.hpp>
#include <eigengrad/ops/elementwise.hpp>

/// The activations of neural networks: relu, gelu (exact and tanh form), silu.
///
/// **Source** D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html
namespace eigengrad {

namespace detail {

template <class T>
Tensor<T> activation_op(Activation kind, const Tensor<T>& x) {
  NdArray<T> y(x.shape());
  kernels::activation_forward(kind, y.data(), x.value().data(), y.numel());
  // relu's derivative follows from its result too, which the op that reads it next often keeps.
  const NdArray<T> saved = kind == Activation::kRelu ? y : x.value();
  return make_result(
      activation_name(kind), std::move(y),
      [kind, saved](BackwardContext<T>& context) {
        backward_in_place(context, [&](T* dx, const T* dout, Index n) {
          kernels::activation_backward(kind, dx, dout, saved.data(), n);
        });
      },
      x);
}

}  // namespace detail

/// max(x, 0); the gradient at 0 is 0. **Saves** the result.
template <class T>
Tensor<T> relu(const Tensor<T>& x) {
  return detail::activation_op(Activation::kRelu, x);
}

/// x Phi(x), where Phi is the distribution function of the standard normal. **Saves** x.
template <class T>
Tensor<T> gelu(const Tensor<T>& x) {
  return detail::activation_op(Activation::kGelu, x);
}

/// The tanh form of gelu: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). **Saves** x.
template <class T>
Tensor<T> gelu_tanh(const Tensor<T>& x) {
  return detail::activation_op(Activation::kGeluTanh, x);
}

/// x sigmoid(x), also known as swish. **Saves** x.
template <class T>
Tensor<T> silu(const Tensor<T>& x) {
  return detail::activation_op(Activation::kSilu, x);
}

/// The activation that `kind` names; kNone is x itself.
template <class T>
Tensor<T> activate(const Tensor<T>& x, Activation kind) {
  return kind == Activation::kNone ? x : detail::activation_op(kind, x);
}

}  // namespace eigengrad
