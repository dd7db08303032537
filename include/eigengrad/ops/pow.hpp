// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/elementwise.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Powers, by a number or by a tensor, with the conventions of `std::pow` at 0, infinity and NaN.
///
/// Multiples of 1/2 up to 16 are a few products and a square root on vectors. Other exponents go
/// through libm, because exp(y log x) in float loses digits as the result grows.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.pow.html
namespace eigengrad {

namespace detail {

/// scale x^exponent.
template <class T>
struct PowFunction {
  static constexpr T kLargest = 16;

  T exponent;
  T scale;
  bool direct;   // products and a root are enough
  bool half;     // one factor is the root of x
  bool inverse;  // the exponent is negative
  int whole;     // floor(|exponent|)

  explicit PowFunction(T e, T factor = T(1))
      : exponent(e),
        scale(factor),
        direct(std::abs(e) <= kLargest && 2 * e == std::floor(2 * e)),
        half(direct && e != std::floor(e)),
        inverse(e < 0),
        whole(direct ? static_cast<int>(std::abs(e)) : 0) {}

  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    V y = simd::broadcast<V>(T(1));
    if (direct) {
      if (half) y = vmath::sqrt(x);
      V square = x;  // x to the powers of two
      for (int bits = whole; bits != 0; bits >>= 1) {
        if (bits & 1) y *= square;
        square *= square;
      }
      if (inverse) y = T(1) / y;
    } else {
      for (Index i = 0; i < simd::kSize<V>; ++i) y[i] = std::pow(x[i], exponent);
    }
    return y * scale;
  }
};

/// dx = dout (exponent x^(exponent - 1)).
template <class T>
struct PowBackward {
  PowFunction<T> derivative;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return dout * derivative(x);
  }
};

struct TensorPowFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& y) const {
    V z = x;
    for (Index i = 0; i < simd::kSize<V>; ++i) z[i] = std::pow(x[i], y[i]);
    return z;
  }
};
/// d(x^y)/dx = y x^(y - 1), which is 0 for y = 0 even at x = 0.
struct TensorPowBaseBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& y) const {
    using E = simd::Element<V>;
    V dx = x;
    for (Index i = 0; i < simd::kSize<V>; ++i) {
      dx[i] = y[i] == E(0) ? E(0) : dout[i] * y[i] * std::pow(x[i], y[i] - E(1));
    }
    return dx;
  }
};
/// d(x^y)/dy = x^y log(x), which is 0 at x = 0 for y >= 0.
struct TensorPowExponentBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& y, const V& z) const {
    using E = simd::Element<V>;
    V dy = x;
    for (Index i = 0; i < simd::kSize<V>; ++i) {
      dy[i] = x[i] == E(0) && y[i] >= E(0) ? E(0) : dout[i] * z[i] * std::log(x[i]);
    }
    return dy;
  }
};

}  // namespace detail

/// x^exponent, element by element; 1 everywhere for the exponent 0.
///
/// **Shapes** x (...), result (...). **Saves** x.
template <class T>
Tensor<T> pow(const Tensor<T>& x, std::type_identity_t<T> exponent) {
  NdArray<T> y = detail::map_forward(detail::PowFunction<T>(exponent), x.value());
  // 0 x^-1 would be NaN at 0, where the derivative of the constant 1 is 0.
  const T next = exponent == T(0) ? T(0) : exponent - T(1);
  return detail::map_op("pow", std::move(y), x,
                        detail::PowBackward<T>{detail::PowFunction<T>(next, exponent)}, x.value());
}

/// x^y, element by element.
///
/// **Shapes** x (...), y (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** the inputs and the result.
template <class T>
Tensor<T> pow(const Tensor<T>& x, const Tensor<T>& y) {
  const NdArray<T> base = x.value();
  const NdArray<T> exponent = y.value();
  const Shape shape = detail::broadcast_shapes("pow", base.shape(), exponent.shape());
  const NdArray<T> z =
      kernels::broadcast_map<T>(detail::TensorPowFunction(), shape, base, exponent);
  return make_result(
      "pow", z,
      [base, exponent, z](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        if (context.needs(0)) {
          context.accumulate(
              0, kernels::broadcast_map_reduce_to<T>(detail::TensorPowBaseBackward(), dout.shape(),
                                                     base.shape(), dout, base, exponent));
        }
        if (context.needs(1)) {
          context.accumulate(1, kernels::broadcast_map_reduce_to<T>(
                                    detail::TensorPowExponentBackward(), dout.shape(),
                                    exponent.shape(), dout, base, exponent, z));
        }
      },
      x, y);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
