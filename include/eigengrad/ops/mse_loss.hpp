// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/squared_error.hpp>
#include <eigengrad/ops/reduction.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Squared error: (x - target)^2 of each element, or the mean or sum of it.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
namespace eigengrad {

struct MseLossArguments {
  Reduction reduction = Reduction::kMean;
};

namespace detail {

template <class T>
NdArray<T> mse_loss_forward(const NdArray<T>& x, const NdArray<T>& target, Reduction reduction) {
  if (reduction == Reduction::kNone) {
    NdArray<T> losses(x.shape());
    kernels::squared_error(losses.data(), x.data(), target.data(), x.numel());
    return losses;
  }
  double sum = kernels::sum_squared_error(x.data(), target.data(), x.numel());
  if (reduction == Reduction::kMean) sum /= static_cast<double>(x.numel());
  return NdArray<T>::scalar(static_cast<T>(sum));
}

/// scale (a - b), and the same times c.
template <class T>
struct ScaledDifference {
  T scale;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return (a - b) * scale;
  }
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b, const V& c) const {
    return (a - b) * scale * c;
  }
};

/// The gradient of a, of the losses (a - b)^2; that of b is the same with a and b exchanged.
template <class T>
NdArray<T> mse_loss_backward(const NdArray<T>& dout, const NdArray<T>& a, const NdArray<T>& b,
                             Reduction reduction) {
  NdArray<T> da(a.shape());
  if (reduction == Reduction::kNone) {
    kernels::map(ScaledDifference<T>{T(2)}, da.data(), a.numel(), a.data(), b.data(), dout.data());
  } else {
    const T scale = reduction == Reduction::kMean ? T(2) / static_cast<T>(a.numel()) : T(2);
    kernels::map(ScaledDifference<T>{dout.item() * scale}, da.data(), a.numel(), a.data(),
                 b.data());
  }
  return da;
}

}  // namespace detail

/// How far `x` is from `target`. Both may require a gradient.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ShapeError when the shapes differ: a target (B) against x (B, 1) would otherwise
/// broadcast to (B, B) unnoticed; and for the mean of no elements. **Saves** x and target.
template <class T>
Tensor<T> mse_loss(const Tensor<T>& x, const Tensor<T>& target,
                   const MseLossArguments& arguments = {}) {
  if (!(x.shape() == target.shape())) {
    throw ShapeError(detail::concat("[mse_loss] shapes must be equal: x ", x.shape(), ", target ",
                                    target.shape()));
  }
  detail::check_mean_of("mse_loss", "x", x.shape(), x.numel(), arguments.reduction);
  return make_result(
      "mse_loss", detail::mse_loss_forward(x.value(), target.value(), arguments.reduction),
      [a = x.value(), b = target.value(),
       reduction = arguments.reduction](BackwardContext<T>& context) {
        if (context.needs(0)) {
          context.accumulate(0, detail::mse_loss_backward(context.dout(), a, b, reduction));
        }
        if (context.needs(1)) {
          context.accumulate(1, detail::mse_loss_backward(context.dout(), b, a, reduction));
        }
      },
      x, target);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
