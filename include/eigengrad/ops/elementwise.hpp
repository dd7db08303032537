// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/map.hpp>

/// What the ops of one input and the same shape share: y = f(x), dx = g(dout, saved arrays).
namespace eigengrad::detail {

/// f(x) as a new array; `f` is as in `kernels::map`.
template <class T, class F>
NdArray<T> map_forward(F f, const NdArray<T>& x) {
  NdArray<T> y(x.shape());
  kernels::map(f, y.data(), y.numel(), x.data());
  return y;
}

/// Gives input 0 the gradient that `fill(dx, dout, n)` makes, in the memory of dout if nothing else
/// reads it.
template <class T, class Fill>
void backward_in_place(BackwardContext<T>& context, Fill fill) {
  const NdArray<T> shared = context.dout().unique() ? NdArray<T>() : context.dout();
  NdArray<T> dx = shared.defined() ? NdArray<T>(shared.shape()) : context.take_dout();
  const T* dout = shared.defined() ? shared.data() : dx.data();
  fill(dx.data(), dout, dx.numel());
  context.accumulate(0, std::move(dx));
}

/// Gives input 0 the gradient f(dout, saved...).
template <class T, class F, class... Saved>
void map_backward(BackwardContext<T>& context, F f, const NdArray<Saved>&... saved) {
  backward_in_place(context, [&](T* dx, const T* dout, Index n) {
    kernels::map(f, dx, n, dout, saved.data()...);
  });
}

/// Records `y` as the result of `op` on `x`.
template <class T, class F, class... Saved>
Tensor<T> map_op(const char* op, NdArray<T> y, const Tensor<T>& x, F backward,
                 const NdArray<Saved>&... saved) {
  return make_result(
      op, std::move(y),
      [backward, saved...](BackwardContext<T>& context) {
        map_backward(context, backward, saved...);
      },
      x);
}

}  // namespace eigengrad::detail
