// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/elementwise.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Elementary functions of each element: exp, log, sqrt, rsqrt, sin, cos, tanh,
/// sigmoid, erf, abs.
///
/// Each is one pass forward and one backward, and saves x or the result, whichever makes the
/// derivative shorter.
namespace eigengrad {

namespace detail {

struct ExpFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::exp(x);
  }
};
struct ExpBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y) const {
    return dout * y;
  }
};

struct LogFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::log(x);
  }
};
struct LogBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return dout / x;
  }
};

struct SqrtFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::sqrt(x);
  }
};
struct SqrtBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y) const {
    return dout * simd::Element<V>(0.5) / y;
  }
};

struct RsqrtFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::rsqrt(x);
  }
};
struct RsqrtBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y) const {
    return dout * simd::Element<V>(-0.5) * y * y * y;
  }
};

struct SinFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::sin(x);
  }
};
struct SinBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return dout * vmath::cos(x);
  }
};

struct CosFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::cos(x);
  }
};
struct CosBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return -(dout * vmath::sin(x));
  }
};

struct TanhFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::tanh(x);
  }
};
struct TanhBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y) const {
    return dout * (simd::Element<V>(1) - y * y);
  }
};

struct SigmoidFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::sigmoid(x);
  }
};
struct SigmoidBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y) const {
    return dout * y * (simd::Element<V>(1) - y);
  }
};

struct ErfFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::erf(x);
  }
};
struct ErfBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    using E = simd::Element<V>;
    return dout * E(1.1283791670955126) * vmath::exp(-(x * x));  // 2 / sqrt(pi)
  }
};

struct AbsFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return vmath::abs(x);
  }
};
struct AbsBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    const V positive = x > V{} ? dout : V{};
    return x < V{} ? -dout : positive;
  }
};

}  // namespace detail

/// e^x. **Saves** the result.
template <class T>
Tensor<T> exp(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::ExpFunction(), x.value());
  return detail::map_op("exp", y, x, detail::ExpBackward(), y);
}

/// Natural logarithm: -inf at 0, NaN below. **Saves** x.
template <class T>
Tensor<T> log(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::LogFunction(), x.value());
  return detail::map_op("log", y, x, detail::LogBackward(), x.value());
}

/// Square root: NaN below 0; the gradient at 0 is infinite. **Saves** the result.
template <class T>
Tensor<T> sqrt(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::SqrtFunction(), x.value());
  return detail::map_op("sqrt", y, x, detail::SqrtBackward(), y);
}

/// 1 / sqrt(x): infinity at 0, NaN below. **Saves** the result.
template <class T>
Tensor<T> rsqrt(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::RsqrtFunction(), x.value());
  return detail::map_op("rsqrt", y, x, detail::RsqrtBackward(), y);
}

/// Sine of x in radians, right for x of any size; NaN at infinity. **Saves** x.
template <class T>
Tensor<T> sin(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::SinFunction(), x.value());
  return detail::map_op("sin", y, x, detail::SinBackward(), x.value());
}

/// Cosine; otherwise as `sin`.
template <class T>
Tensor<T> cos(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::CosFunction(), x.value());
  return detail::map_op("cos", y, x, detail::CosBackward(), x.value());
}

/// Hyperbolic tangent. **Saves** the result.
template <class T>
Tensor<T> tanh(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::TanhFunction(), x.value());
  return detail::map_op("tanh", y, x, detail::TanhBackward(), y);
}

/// 1 / (1 + e^-x). **Saves** the result.
template <class T>
Tensor<T> sigmoid(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::SigmoidFunction(), x.value());
  return detail::map_op("sigmoid", y, x, detail::SigmoidBackward(), y);
}

/// The error function: the integral of 2 / sqrt(pi) exp(-t^2) from 0 to x. **Saves** x.
template <class T>
Tensor<T> erf(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::ErfFunction(), x.value());
  return detail::map_op("erf", y, x, detail::ErfBackward(), x.value());
}

/// |x|; the gradient at 0 is 0. **Saves** x.
template <class T>
Tensor<T> abs(const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::AbsFunction(), x.value());
  return detail::map_op("abs", y, x, detail::AbsBackward(), x.value());
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
