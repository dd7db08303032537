// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Activations of whole arrays. Which one is a matter of run time: all share one kernel each way.
namespace eigengrad::kernels {

namespace detail {

/// Applies F<A> to arrays, where A is the activation.
template <class T, template <Activation> class F, class... In>
struct ActivationMap {
  template <class Arch>
  static EIGENGRAD_INLINE void run(Activation a, T* out, Index n, In... in) {
    switch (a) {
      case Activation::kNone:
        return Map<T, F<Activation::kNone>, In...>::template run<Arch>({}, out, n, in...);
      case Activation::kRelu:
        return Map<T, F<Activation::kRelu>, In...>::template run<Arch>({}, out, n, in...);
      case Activation::kGelu:
        return Map<T, F<Activation::kGelu>, In...>::template run<Arch>({}, out, n, in...);
      case Activation::kGeluTanh:
        return Map<T, F<Activation::kGeluTanh>, In...>::template run<Arch>({}, out, n, in...);
      case Activation::kSilu:
        return Map<T, F<Activation::kSilu>, In...>::template run<Arch>({}, out, n, in...);
    }
  }
};

template <template <Activation> class F, class T, class... In>
void map_activation(Activation a, T* out, Index n, const In*... in) {
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {
    simd::dispatch<ActivationMap<T, F, const In*...>>(a, out + begin, end - begin, (in + begin)...);
  });
}

}  // namespace detail

/// y = act(x), each of n elements.
template <class T>
void activation_forward(Activation a, T* y, const T* x, Index n) {
  detail::map_activation<ActivationFunction>(a, y, n, x);
}

/// d = dout act'(pre), each of n elements; `d` may be `dout`.
template <class T>
void activation_backward(Activation a, T* d, const T* dout, const T* pre, Index n) {
  detail::map_activation<ActivationGradient>(a, d, n, dout, pre);
}

EIGENGRAD_INSTANTIATE(void activation_forward(Activation, float*, const float*, Index))
EIGENGRAD_INSTANTIATE(void activation_forward(Activation, double*, const double*, Index))
EIGENGRAD_INSTANTIATE(void activation_backward(Activation, float*, const float*, const float*,
                                               Index))
EIGENGRAD_INSTANTIATE(void activation_backward(Activation, double*, const double*, const double*,
                                               Index))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
