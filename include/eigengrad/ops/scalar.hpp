// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/elementwise.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Arithmetic of a tensor and a number, element by element: x + 1, 2 * x, 1 / x.
namespace eigengrad {

namespace detail {

template <class T>
struct AddScalar {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x + value;
  }
};
template <class T>
struct ScalarSub {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return value - x;
  }
};
template <class T>
struct MulScalar {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x * value;
  }
};
template <class T>
struct DivScalar {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x / value;
  }
};
template <class T>
struct ScalarDiv {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return value / x;
  }
};
/// d(a / b)/db = -y / b, from the quotient y.
struct DivByBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& y, const V& b) const {
    return -(dout * y / b);
  }
};
struct NegFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return -x;
  }
};

}  // namespace detail

/// The number of an op with a tensor of `T`: any arithmetic type converts to it.
template <class T>
using Scalar = std::type_identity_t<T>;

/// -x.
template <class T>
Tensor<T> neg(const Tensor<T>& x) {
  const detail::NegFunction f;
  return detail::map_op("neg", detail::map_forward(f, x.value()), x, f);
}

/// x + value.
template <class T>
Tensor<T> add(const Tensor<T>& x, Scalar<T> value) {
  return make_result(
      "add", detail::map_forward(detail::AddScalar<T>{value}, x.value()),
      [](BackwardContext<T>& context) { context.accumulate(0, context.dout()); }, x);
}
template <class T>
Tensor<T> add(Scalar<T> value, const Tensor<T>& x) {
  return add(x, value);
}

/// x - value.
template <class T>
Tensor<T> sub(const Tensor<T>& x, Scalar<T> value) {
  return make_result(
      "sub", detail::map_forward(detail::AddScalar<T>{-value}, x.value()),
      [](BackwardContext<T>& context) { context.accumulate(0, context.dout()); }, x);
}
/// value - x.
template <class T>
Tensor<T> sub(Scalar<T> value, const Tensor<T>& x) {
  return detail::map_op("sub", detail::map_forward(detail::ScalarSub<T>{value}, x.value()), x,
                        detail::NegFunction());
}

/// value x.
template <class T>
Tensor<T> mul(const Tensor<T>& x, Scalar<T> value) {
  const detail::MulScalar<T> f{value};
  return detail::map_op("mul", detail::map_forward(f, x.value()), x, f);
}
template <class T>
Tensor<T> mul(Scalar<T> value, const Tensor<T>& x) {
  return mul(x, value);
}

/// x / value.
template <class T>
Tensor<T> div(const Tensor<T>& x, Scalar<T> value) {
  const detail::DivScalar<T> f{value};
  return detail::map_op("div", detail::map_forward(f, x.value()), x, f);
}
/// value / x.
///
/// **Saves** x and the result.
template <class T>
Tensor<T> div(Scalar<T> value, const Tensor<T>& x) {
  const NdArray<T> y = detail::map_forward(detail::ScalarDiv<T>{value}, x.value());
  return detail::map_op("div", y, x, detail::DivByBackward(), y, x.value());
}

template <class T>
Tensor<T> operator-(const Tensor<T>& x) {
  return neg(x);
}
template <class T>
Tensor<T> operator+(const Tensor<T>& x, Scalar<T> value) {
  return add(x, value);
}
template <class T>
Tensor<T> operator+(Scalar<T> value, const Tensor<T>& x) {
  return add(x, value);
}
template <class T>
Tensor<T> operator-(const Tensor<T>& x, Scalar<T> value) {
  return sub(x, value);
}
template <class T>
Tensor<T> operator-(Scalar<T> value, const Tensor<T>& x) {
  return sub(value, x);
}
template <class T>
Tensor<T> operator*(const Tensor<T>& x, Scalar<T> value) {
  return mul(x, value);
}
template <class T>
Tensor<T> operator*(Scalar<T> value, const Tensor<T>& x) {
  return mul(x, value);
}
template <class T>
Tensor<T> operator/(const Tensor<T>& x, Scalar<T> value) {
  return div(x, value);
}
template <class T>
Tensor<T> operator/(Scalar<T> value, const Tensor<T>& x) {
  return div(value, x);
}

EIGENGRAD_INSTANTIATE(Tensor<float> add(const Tensor<float>&, float))
EIGENGRAD_INSTANTIATE(Tensor<double> add(const Tensor<double>&, double))
EIGENGRAD_INSTANTIATE(Tensor<float> mul(const Tensor<float>&, float))
EIGENGRAD_INSTANTIATE(Tensor<double> mul(const Tensor<double>&, double))
EIGENGRAD_INSTANTIATE(Tensor<float> div(const Tensor<float>&, float))
EIGENGRAD_INSTANTIATE(Tensor<double> div(const Tensor<double>&, double))

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
