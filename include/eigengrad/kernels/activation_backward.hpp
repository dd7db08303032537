// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/map.hpp>

namespace eigengrad::kernels {

/// d = dout act'(pre), each of n elements; `d` may be `dout`.
template <class T>
void activation_backward(Activation a, T* d, const T* dout, const T* pre, Index n) {
  switch (a) {
    case Activation::kNone:
      return map(ActivationGradient<Activation::kNone>(), d, n, dout, pre);
    case Activation::kRelu:
      return map(ActivationGradient<Activation::kRelu>(), d, n, dout, pre);
    case Activation::kGelu:
      return map(ActivationGradient<Activation::kGelu>(), d, n, dout, pre);
    case Activation::kGeluTanh:
      return map(ActivationGradient<Activation::kGeluTanh>(), d, n, dout, pre);
    case Activation::kSilu:
      return map(ActivationGradient<Activation::kSilu>(), d, n, dout, pre);
  }
}

EIGENGRAD_INSTANTIATE(void activation_backward(Activation, float*, const float*, const float*,
                                               Index))
EIGENGRAD_INSTANTIATE(void activation_backward(Activation, double*, const double*, const double*,
                                               Index))

}  // namespace eigengrad::kernels
