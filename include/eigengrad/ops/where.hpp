// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Choosing between two tensors element by element.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.where.html
namespace eigengrad {

namespace detail {

struct WhereFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& condition, const V& a, const V& b) const {
    return condition != V{} ? a : b;
  }
};
/// What an input gets of dout: all where it was chosen, nothing elsewhere.
template <bool Condition>
struct WhereBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& condition) const {
    if constexpr (Condition) {
      return condition != V{} ? dout : V{};
    } else {
      return condition != V{} ? V{} : dout;
    }
  }
};

}  // namespace detail

/// a where `condition` is true, b elsewhere. Nothing of the other input passes, not even a NaN.
///
/// **Shapes** condition (...), a (...), b (...), result: all three broadcast. **Throws** ShapeError
/// if they do not. **Saves** a copy of condition.
template <class T>
Tensor<T> where(const NdArray<bool>& condition, const Tensor<T>& a, const Tensor<T>& b) {
  const Shape shape = detail::broadcast_shapes(
      "where", condition.shape(), detail::broadcast_shapes("where", a.shape(), b.shape()));
  return make_result(
      "where",
      kernels::broadcast_map<T>(detail::WhereFunction(), shape, condition, a.value(), b.value()),
      [own = detail::keep_copy(condition, a, b), a_shape = a.shape(),
       b_shape = b.shape()](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        if (context.needs(0)) {
          context.accumulate(
              0, kernels::broadcast_map_reduce_to<T>(detail::WhereBackward<true>(), dout.shape(),
                                                     a_shape, dout, own));
        }
        if (context.needs(1)) {
          context.accumulate(
              1, kernels::broadcast_map_reduce_to<T>(detail::WhereBackward<false>(), dout.shape(),
                                                     b_shape, dout, own));
        }
      },
      a, b);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
