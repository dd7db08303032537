// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/tensor.hpp>

namespace eigengrad {

namespace detail {

/// y_i = x_0 + ... + x_i along `axis`; with `FromEnd` y_i = x_i + ... + x_(n-1). The sum runs in
/// double, so that of many floats the last is as exact as the first.
template <bool FromEnd, class T>
NdArray<T> running_sum(const NdArray<T>& x, Index axis) {
  constexpr Index kStrip = 64;  // columns that are summed next to each other
  NdArray<T> y(x.shape());
  const Index n = x.shape()[axis];
  const Index inner = numel_between(x.shape(), axis + 1, x.rank());
  const Index strips = divide_up(inner, kStrip);
  parallel_for(numel_between(x.shape(), 0, axis) * strips, row_grain(n * std::min(kStrip, inner)),
               [&](Index begin, Index end) {
                 for (Index task = begin; task < end; ++task) {
                   const Index column = task % strips * kStrip;
                   const Index width = std::min(kStrip, inner - column);
                   double sum[kStrip] = {};
                   for (Index i = 0; i < n; ++i) {
                     const Index row = task / strips * n + (FromEnd ? n - 1 - i : i);
                     const T* in = x.data() + row * inner + column;
                     T* out = y.data() + row * inner + column;
                     for (Index c = 0; c < width; ++c) {
                       sum[c] += static_cast<double>(in[c]);
                       out[c] = static_cast<T>(sum[c]);
                     }
                   }
                 }
               });
  return y;
}

template <class T>
NdArray<T> cumsum_forward(const NdArray<T>& x, Index axis) {
  return running_sum<false>(x, axis);
}
// dx_i = dout_i + ... + dout_(n-1)
template <class T>
NdArray<T> cumsum_backward(const NdArray<T>& dout, Index axis) {
  return running_sum<true>(dout, axis);
}

}  // namespace detail

/// The running sum along `axis`: y_i = x_0 + ... + x_i.
///
/// **Shapes** as x. **Throws** ShapeError if the axis is out of range. **Saves** nothing.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html
template <class T>
Tensor<T> cumsum(const Tensor<T>& x, Index axis) {
  axis = detail::normalize_axis("cumsum", axis, x.rank());
  return make_result(
      "cumsum", detail::cumsum_forward(x.value(), axis),
      [axis](BackwardContext<T>& context) {
        context.accumulate(0, detail::cumsum_backward(context.dout(), axis));
      },
      x);
}

}  // namespace eigengrad
