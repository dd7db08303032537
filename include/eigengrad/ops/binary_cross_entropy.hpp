// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/pointwise_loss.hpp>
#include <eigengrad/ops/pow.hpp>
#include <eigengrad/ops/reduction.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Losses of a yes or no per element, from logits x and targets t in [0, 1]: cross-entropy, and
/// its focal form.
///
/// -t log p - (1 - t) log(1 - p) with p = sigmoid(x) is t softplus(-x) + (1 - t) softplus(x),
/// which is right for logits of any size.
namespace eigengrad {

template <class T>
struct BinaryCrossEntropyArguments {
  /// A factor of each loss; broadcasts to x. Undefined means 1.
  NdArray<T> weight = {};
  /// A factor of the losses of t = 1, such as negatives / positives of each class; broadcasts to x.
  NdArray<T> pos_weight = {};
  Reduction reduction = Reduction::kMean;
};

struct SigmoidFocalLossArguments {
  /// Share of the positives, in [0, 1]: their losses have the factor alpha, the others 1 - alpha.
  /// A negative one means no factors.
  double alpha = 0.25;
  /// Exponent of 1 - p_t, not negative: how much less what is recognised already counts.
  double gamma = 2;
  Reduction reduction = Reduction::kMean;
};

namespace detail {

/// a b, but 0 where a is 0, however large b is.
template <class V>
EIGENGRAD_INLINE V product_or_zero(const V& a, const V& b) {
  return a == V{} ? V{} : a * b;
}

struct BinaryCrossEntropy {
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& t, const V& weight, const V& pos_weight) const {
    using E = simd::Element<V>;
    // softplus(x) and softplus(-x) of one logarithm.
    const V tail = vmath::log1p(vmath::exp(-vmath::abs(x)));
    const V no = (x > V{} ? x : V{}) + tail;
    const V yes = (x < V{} ? -x : V{}) + tail;
    return weight * (product_or_zero(t * pos_weight, yes) + product_or_zero(E(1) - t, no));
  }
  template <class V>
  EIGENGRAD_INLINE V dx(const V& x, const V& t, const V& weight, const V& pos_weight) const {
    using E = simd::Element<V>;
    return weight * ((E(1) - t) * vmath::sigmoid(x) - t * pos_weight * vmath::sigmoid(-x));
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V&, const V& weight, const V& pos_weight) const {
    return weight * (pos_weight * vmath::softplus(-x) - vmath::softplus(x));
  }
};

/// alpha_t m^gamma c, where c is the cross-entropy, m = 1 - p_t = t (1 - p) + (1 - t) p and
/// alpha_t = `base` + `slope` t.
template <class T>
struct FocalLoss {
  T base, slope;
  PowFunction<T> power, derivative;  // m^gamma, and gamma m^(gamma - 1)

  template <class V>
  static EIGENGRAD_INLINE V cross_entropy(const V& x, const V& t) {
    const V one = simd::broadcast<V>(T(1));
    return BinaryCrossEntropy().value(x, t, one, one);
  }
  template <class V>
  static EIGENGRAD_INLINE V miss(const V& x, const V& t) {
    return t * vmath::sigmoid(-x) + (T(1) - t) * vmath::sigmoid(x);
  }
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& t) const {
    return (t * slope + base) * product_or_zero(power(miss(x, t)), cross_entropy(x, t));
  }
  template <class V>
  EIGENGRAD_INLINE V dx(const V& x, const V& t) const {
    const V p = vmath::sigmoid(x);
    const V m = miss(x, t);
    // dm / dx = p (1 - p) (1 - 2 t) is 0 where the cross-entropy may be infinite.
    const V dm = p * vmath::sigmoid(-x) * (T(1) - t * T(2));
    return (t * slope + base) *
           (power(m) * (p - t) + product_or_zero(dm, derivative(m) * cross_entropy(x, t)));
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V& t) const {
    const V m = miss(x, t);
    const V c = cross_entropy(x, t);
    const V dm = vmath::sigmoid(-x) - vmath::sigmoid(x);
    return (t * slope + base) * (derivative(m) * dm * c - power(m) * x) + power(m) * c * slope;
  }
};

/// `weight` for the op's own use: a copy, or 1. **Throws** ShapeError unless it broadcasts to x.
template <class T>
NdArray<T> element_weight(const char* op, const char* name, const NdArray<T>& weight,
                          const Tensor<T>& x) {
  if (!weight.defined()) return NdArray<T>::scalar(1);
  if (!(broadcast_shapes(op, weight.shape(), x.shape()) == x.shape())) {
    throw ShapeError(concat("[", op, "] ", name, " must broadcast to x: ", name, " ",
                            weight.shape(), ", x ", x.shape()));
  }
  return keep_copy(weight, x);
}

}  // namespace detail

/// How badly the logits `x` predict `target`, 0 or 1 or in between. Both may require a gradient.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ShapeError when the shapes differ, a weight does not broadcast to them, and for the
/// mean of no elements. **Saves** both and copies of the weights.
/// **Source**
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html
template <class T>
Tensor<T> binary_cross_entropy_with_logits(
    const Tensor<T>& x, const Tensor<T>& target,
    const std::type_identity_t<BinaryCrossEntropyArguments<T>>& arguments = {}) {
  const char* const op = "binary_cross_entropy_with_logits";
  return detail::pointwise_loss(op, detail::BinaryCrossEntropy(), arguments.reduction, x, target,
                                detail::element_weight(op, "weight", arguments.weight, x),
                                detail::element_weight(op, "pos_weight", arguments.pos_weight, x));
}

/// Binary cross-entropy with the factor (1 - p_t)^gamma, where p_t is the probability given to what
/// is true: many easy negatives do not drown the few that matter. Both tensors may require a
/// gradient. The default of torchvision is no reduction, here it is the mean as of other losses.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ShapeError when the shapes differ, and for the mean of no elements; ValueError if
/// alpha is above 1 or gamma negative. **Saves** both.
/// **Source** T. Lin et al., "Focal loss for dense object detection", 2017;
/// https://docs.pytorch.org/vision/stable/generated/torchvision.ops.sigmoid_focal_loss.html
template <class T>
Tensor<T> sigmoid_focal_loss(const Tensor<T>& x, const Tensor<T>& target,
                             const SigmoidFocalLossArguments& arguments = {}) {
  const double alpha = arguments.alpha;
  const double gamma = arguments.gamma;
  if (!(alpha <= 1)) {
    throw ValueError(detail::concat("[sigmoid_focal_loss] alpha must be at most 1: ", alpha));
  }
  if (!(gamma >= 0)) {
    throw ValueError(detail::concat("[sigmoid_focal_loss] gamma must not be negative: ", gamma));
  }
  const T exponent = static_cast<T>(gamma);
  const detail::PowFunction<T> derivative(gamma == 0 ? T(0) : exponent - T(1), exponent);
  const detail::FocalLoss<T> loss{static_cast<T>(alpha < 0 ? 1 : 1 - alpha),
                                  static_cast<T>(alpha < 0 ? 0 : 2 * alpha - 1),
                                  detail::PowFunction<T>(exponent), derivative};
  return detail::pointwise_loss("sigmoid_focal_loss", loss, arguments.reduction, x, target);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
