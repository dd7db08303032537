// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <eigengrad/core/error.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/elementwise.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Relatives of relu: leaky_relu, elu, softplus, hardswish, mish. Those of ops/activation.hpp are
/// fused into layers, these are ops of their own. All save x.
///
/// **Source**
/// https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
namespace eigengrad {

namespace detail {

template <class T>
struct LeakyReluFunction {
  T slope;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x > V{} ? x : x * slope;
  }
};
template <class T>
struct LeakyReluBackward {
  T slope;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return x > V{} ? dout : dout * slope;
  }
};

template <class T>
struct EluFunction {
  T alpha;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x > V{} ? x : vmath::expm1(x) * alpha;
  }
};
template <class T>
struct EluBackward {
  T alpha;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return x > V{} ? dout : dout * vmath::exp(x) * alpha;
  }
};

template <class T>
struct SoftplusFunction {
  T beta;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::softplus(x * beta) / beta;
  }
};
template <class T>
struct SoftplusBackward {
  T beta;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return dout * vmath::sigmoid(x * beta);
  }
};

/// Outside (-3, 3) a number is chosen, not a product with 0, which would be NaN at -infinity.
struct HardswishFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    using E = simd::Element<V>;
    const V inside = x < E(3) ? x * (x + E(3)) / E(6) : x;
    return x < E(-3) ? V{} : inside;
  }
};
struct HardswishBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    using E = simd::Element<V>;
    const V inside = x < E(3) ? dout * (x / E(3) + E(0.5)) : dout;
    return x < E(-3) ? V{} : inside;
  }
};

/// tanh(softplus(x)) = (u^2 + 2 u) / (u^2 + 2 u + 2) with u = e^x; of u = e^-|x| for x > 0, where
/// e^x would overflow, (1 + 2 u) / (1 + 2 u + 2 u^2).
struct MishFunction {
  template <class V>
  static EIGENGRAD_INLINE V tanh_softplus(const V& x) {
    using E = simd::Element<V>;
    const V u = vmath::exp(-vmath::abs(x));
    const V above = u * E(2) + E(1);
    const V below = u * (u + E(2));
    return x > V{} ? above / (above + u * u * E(2)) : below / (below + E(2));
  }
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    const V t = tanh_softplus(x);
    return t == V{} ? t : x * t;  // 0 at -infinity
  }
};
struct MishBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    using E = simd::Element<V>;
    const V t = MishFunction::tanh_softplus(x);
    const V bend = vmath::sigmoid(x) * (E(1) - t * t);  // 0 at both ends, where x is infinite
    return dout * (bend == V{} ? t : t + x * bend);
  }
};

}  // namespace detail

/// x above 0, `negative_slope` x below.
///
/// **Shapes** x (...), result (...).
/// **Source** A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic
/// models", 2013.
template <class T>
Tensor<T> leaky_relu(const Tensor<T>& x, std::type_identity_t<T> negative_slope = T(0.01)) {
  const detail::LeakyReluFunction<T> f{negative_slope};
  return detail::map_op("leaky_relu", detail::map_forward(f, x.value()), x,
                        detail::LeakyReluBackward<T>{negative_slope}, x.value());
}

/// x above 0, `alpha` (e^x - 1) below.
///
/// **Shapes** x (...), result (...).
/// **Source** D. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning
/// by exponential linear units", 2016.
template <class T>
Tensor<T> elu(const Tensor<T>& x, std::type_identity_t<T> alpha = T(1)) {
  return detail::map_op("elu", detail::map_forward(detail::EluFunction<T>{alpha}, x.value()), x,
                        detail::EluBackward<T>{alpha}, x.value());
}

/// log(1 + e^(beta x)) / beta, which is near max(x, 0). It is the same at all magnitudes; PyTorch
/// gives x itself where beta x is above a threshold, which differs by at most 2e-9 / beta.
///
/// **Shapes** x (...), result (...). **Throws** ValueError unless beta is positive.
template <class T>
Tensor<T> softplus(const Tensor<T>& x, std::type_identity_t<T> beta = T(1)) {
  if (!(beta > 0)) {
    throw ValueError(detail::concat("[softplus] beta must be positive: ", beta));
  }
  return detail::map_op("softplus",
                        detail::map_forward(detail::SoftplusFunction<T>{beta}, x.value()), x,
                        detail::SoftplusBackward<T>{beta}, x.value());
}

/// x min(max(x + 3, 0), 6) / 6: silu of straight lines.
///
/// **Shapes** x (...), result (...).
/// **Source** A. Howard et al., "Searching for MobileNetV3", 2019.
template <class T>
Tensor<T> hardswish(const Tensor<T>& x) {
  return detail::map_op("hardswish", detail::map_forward(detail::HardswishFunction(), x.value()), x,
                        detail::HardswishBackward(), x.value());
}

/// x tanh(softplus(x)).
///
/// **Shapes** x (...), result (...).
/// **Source** D. Misra, "Mish: a self regularized non-monotonic activation function", 2019.
template <class T>
Tensor<T> mish(const Tensor<T>& x) {
  return detail::map_op("mish", detail::map_forward(detail::MishFunction(), x.value()), x,
                        detail::MishBackward(), x.value());
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
