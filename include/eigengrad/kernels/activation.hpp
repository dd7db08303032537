// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include <eigengrad/kernels/simd/vmath.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The activations that ops and fused kernels share: value and derivative on vectors.
namespace eigengrad {

/// kGelu is the exact form x Phi(x), kGeluTanh its tanh approximation, kSilu x sigmoid(x).
enum class Activation { kNone, kRelu, kGelu, kGeluTanh, kSilu };

/// The names, in files too (io/fields.hpp).
inline std::span<const char* const> enum_names(Activation) {
  static constexpr const char* kNames[] = {"none", "relu", "gelu", "gelu_tanh", "silu"};
  return kNames;
}
inline const char* activation_name(Activation a) {
  return enum_names(a)[static_cast<std::size_t>(a)];
}

namespace kernels {

template <class V>
EIGENGRAD_INLINE V gelu_tanh_inner(const V& x) {
  using E = simd::Element<V>;
  return x * E(0.7978845608028654) * (x * x * E(0.044715) + E(1));
}

/// act(x).
template <Activation A, class V>
EIGENGRAD_INLINE V activate(const V& x) {
  using E = simd::Element<V>;
  if constexpr (A == Activation::kRelu) {
    return x < V{} ? V{} : x;  // in this order a NaN stays
  } else if constexpr (A == Activation::kGelu) {
    V derivative;
    return vmath::gelu(x, derivative);
  } else if constexpr (A == Activation::kGeluTanh) {
    // 0.5 (1 + tanh u) = sigmoid(2 u)
    return x * vmath::sigmoid(gelu_tanh_inner(x) * E(2));
  } else if constexpr (A == Activation::kSilu) {
    return x * vmath::sigmoid(x);
  } else {
    return x;
  }
}

/// act(x), and act'(x) as `derivative`: together they cost little more than one of them.
template <Activation A, class V>
EIGENGRAD_INLINE V activate(const V& x, V& derivative) {
  using E = simd::Element<V>;
  const V one = simd::broadcast<V>(E(1));
  if constexpr (A == Activation::kRelu) {
    derivative = x > V{} ? one : V{};
    return activate<A>(x);
  } else if constexpr (A == Activation::kGelu) {
    return vmath::gelu(x, derivative);
  } else if constexpr (A == Activation::kGeluTanh) {
    const V s = vmath::sigmoid(gelu_tanh_inner(x) * E(2));
    const V du = (x * x * E(3 * 0.044715) + E(1)) * E(2 * 0.7978845608028654);
    derivative = s + x * s * (one - s) * du;
    return x * s;
  } else if constexpr (A == Activation::kSilu) {
    const V s = vmath::sigmoid(x);
    derivative = s * (one + x * (one - s));
    return x * s;
  } else {
    derivative = one;
    return x;
  }
}

/// act'(x).
template <Activation A, class V>
EIGENGRAD_INLINE V activate_derivative(const V& x) {
  V derivative;
  activate<A>(x, derivative);
  return derivative;
}

/// act(x), for `map`.
template <Activation A>
struct ActivationFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return activate<A>(x);
  }
};

/// dout act'(x), for `map`.
template <Activation A>
struct ActivationGradient {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    if constexpr (A == Activation::kRelu) {
      return x > V{} ? dout : V{};  // an infinite dout does not pass a closed gate
    } else {
      return dout * activate_derivative<A>(x);
    }
  }
};

}  // namespace kernels
}  // namespace eigengrad

EIGENGRAD_END_VECTORS
