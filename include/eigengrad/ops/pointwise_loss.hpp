// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/reduction.hpp>

EIGENGRAD_BEGIN_VECTORS

/// What the losses of single elements share: the loss of x against a target of the same shape, its
/// sum or its mean.
///
/// A loss is a small struct of three functions on vectors, `value(x, target, more...)` and its
/// derivatives `dx` and `dtarget`; `more` are arrays that broadcast to x, such as weights. Losses
/// are summed block by block as they are computed, in an order that does not depend on the number
/// of threads. (mse_loss has a kernel of its own, which adds in double.)
namespace eigengrad::detail {

template <class Loss>
struct LossValue {
  Loss loss;
  template <class V, class... More>
  EIGENGRAD_INLINE V operator()(const V& x, const More&... more) const {
    return loss.value(x, more...);
  }
};
template <class Loss>
struct LossByInput {
  Loss loss;
  template <class V, class... More>
  EIGENGRAD_INLINE V operator()(const V& dloss, const V& x, const More&... more) const {
    return dloss * loss.dx(x, more...);
  }
};
template <class Loss>
struct LossByTarget {
  Loss loss;
  template <class V, class... More>
  EIGENGRAD_INLINE V operator()(const V& dloss, const V& x, const More&... more) const {
    return dloss * loss.dtarget(x, more...);
  }
};

/// The losses (...) of x (...), or () their sum or mean.
template <class Loss, class T, class... More>
NdArray<T> pointwise_loss_forward(const Loss& loss, Reduction reduction, const NdArray<T>& x,
                                  const More&... more) {
  const LossValue<Loss> f{loss};
  if (reduction == Reduction::kNone) return kernels::broadcast_map<T>(f, x.shape(), x, more...);
  const T sum = kernels::broadcast_map_reduce_to<T>(f, x.shape(), Shape{}, x, more...).item();
  return NdArray<T>::scalar(reduction == Reduction::kMean ? sum / static_cast<T>(x.numel()) : sum);
}

/// The gradient of x (LossByInput) or of the target (LossByTarget).
template <template <class> class By, class Loss, class T, class... More>
NdArray<T> pointwise_loss_backward(const NdArray<T>& dout, const Loss& loss, Reduction reduction,
                                   const NdArray<T>& x, const More&... more) {
  NdArray<T> dloss = dout;
  if (reduction == Reduction::kMean) {
    dloss = NdArray<T>::scalar(dout.item() / static_cast<T>(x.numel()));
  }
  return kernels::broadcast_map<T>(By<Loss>{loss}, x.shape(), dloss, x, more...);
}

/// The op. **Throws** ShapeError when the shapes differ, and for the mean of no elements.
template <class Loss, class T, class... More>
Tensor<T> pointwise_loss(const char* op, const Loss& loss, Reduction reduction, const Tensor<T>& x,
                         const Tensor<T>& target, const More&... more) {
  if (!(x.shape() == target.shape())) {
    throw ShapeError(
        concat("[", op, "] shapes must be equal: x ", x.shape(), ", target ", target.shape()));
  }
  check_mean_of(op, "x", x.shape(), x.numel(), reduction);
  return make_result(
      op, pointwise_loss_forward(loss, reduction, x.value(), target.value(), more...),
      [loss, reduction, a = x.value(), b = target.value(), more...](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        if (context.needs(0)) {
          context.accumulate(
              0, pointwise_loss_backward<LossByInput>(dout, loss, reduction, a, b, more...));
        }
        if (context.needs(1)) {
          context.accumulate(
              1, pointwise_loss_backward<LossByTarget>(dout, loss, reduction, a, b, more...));
        }
      },
      x, target);
}

}  // namespace eigengrad::detail

EIGENGRAD_END_VECTORS
