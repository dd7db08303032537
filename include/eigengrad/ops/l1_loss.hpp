// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/pointwise_loss.hpp>
#include <eigengrad/ops/reduction.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Absolute errors: |x - target|, and the two forms whose corner at 0 is a parabola.
///
/// With e = x - target and a width w, h = e^2 / 2 for |e| <= w, else w (|e| - w / 2):
/// huber_loss is h with w = delta, smooth_l1_loss is h / w with w = beta. The former grows
/// with w where errors are large, the latter's slope there is always 1.
/// **Source** P. Huber, "Robust estimation of a location parameter", 1964;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html
namespace eigengrad {

struct L1LossArguments {
  Reduction reduction = Reduction::kMean;
};

struct HuberLossArguments {
  /// Up to this error the loss is a parabola; positive.
  double delta = 1;
  Reduction reduction = Reduction::kMean;
};

struct SmoothL1LossArguments {
  /// Up to this error the loss is a parabola; 0 gives l1_loss.
  double beta = 1;
  Reduction reduction = Reduction::kMean;
};

namespace detail {

struct AbsoluteError {
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& target) const {
    return vmath::abs(x - target);
  }
  /// The sign of the error; 0 at 0.
  template <class V>
  EIGENGRAD_INLINE V dx(const V& x, const V& target) const {
    const V one = simd::broadcast<V>(simd::Element<V>(1));
    const V e = x - target;
    const V above = e > V{} ? one : V{};
    return e < V{} ? -one : above;
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V& target) const {
    return dx(target, x);
  }
};

/// h / divisor, in the words of the top of this file.
template <class T>
struct HuberError {
  T width, divisor;
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& target) const {
    const V e = vmath::abs(x - target);
    const V line = (e - width * T(0.5)) * width;
    return (e < width ? e * e * T(0.5) : line) / divisor;
  }
  /// The error, cut at the width; in this order a NaN stays.
  template <class V>
  EIGENGRAD_INLINE V dx(const V& x, const V& target) const {
    const V most = simd::broadcast<V>(width);
    const V e = x - target;
    const V above = e > most ? most : e;
    return (above < -most ? -most : above) / divisor;
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V& target) const {
    return dx(target, x);
  }
};

}  // namespace detail

/// |x - target| of each element. Both may require a gradient, which is 0 where they are equal.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ShapeError when the shapes differ, and for the mean of no elements. **Saves** both.
template <class T>
Tensor<T> l1_loss(const Tensor<T>& x, const Tensor<T>& target,
                  const L1LossArguments& arguments = {}) {
  return detail::pointwise_loss("l1_loss", detail::AbsoluteError(), arguments.reduction, x, target);
}

/// The squared error's half up to `delta`, a line of slope `delta` from there on. Both tensors may
/// require a gradient.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ValueError unless delta is positive; ShapeError as `l1_loss`. **Saves** both.
template <class T>
Tensor<T> huber_loss(const Tensor<T>& x, const Tensor<T>& target,
                     const HuberLossArguments& arguments = {}) {
  if (!(arguments.delta > 0)) {
    throw ValueError(detail::concat("[huber_loss] delta must be positive: ", arguments.delta));
  }
  const detail::HuberError<T> loss{static_cast<T>(arguments.delta), T(1)};
  return detail::pointwise_loss("huber_loss", loss, arguments.reduction, x, target);
}

/// `huber_loss` of delta = beta, divided by beta. Both tensors may require a gradient.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ValueError if beta is negative; ShapeError as `l1_loss`. **Saves** both.
template <class T>
Tensor<T> smooth_l1_loss(const Tensor<T>& x, const Tensor<T>& target,
                         const SmoothL1LossArguments& arguments = {}) {
  const char* const op = "smooth_l1_loss";
  if (!(arguments.beta >= 0)) {
    throw ValueError(
        detail::concat("[smooth_l1_loss] beta must not be negative: ", arguments.beta));
  }
  const T beta = static_cast<T>(arguments.beta);
  if (beta == T(0)) {
    return detail::pointwise_loss(op, detail::AbsoluteError(), arguments.reduction, x, target);
  }
  const detail::HuberError<T> loss{beta, beta};
  return detail::pointwise_loss(op, loss, arguments.reduction, x, target);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
