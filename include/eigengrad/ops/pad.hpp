// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/permute.hpp>

/// A border of one value around x, of its own width before and after each axis.
///
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.pad.html, mode "constant".
namespace eigengrad {

/// Entries to add before and after an axis.
struct PadWidth {
  Index before = 0;
  Index after = 0;
};

namespace detail {

/// Offset of x's first element in the padded array of this shape.
inline Index pad_offset(const Shape& padded, const std::vector<PadWidth>& widths) {
  const Shape strides = row_major_strides(padded);
  Index offset = 0;
  for (Index i = 0; i < padded.rank(); ++i) {
    offset += strides[i] * widths[static_cast<std::size_t>(i)].before;
  }
  return offset;
}

template <class T>
NdArray<T> pad_forward(const NdArray<T>& x, const Shape& shape, Index offset, T value) {
  NdArray<T> y(shape);
  kernels::fill(y.data(), y.numel(), value);
  kernels::copy_strided(y.data() + offset, row_major_strides(shape), x.data(),
                        row_major_strides(x.shape()), x.shape());
  return y;
}

template <class T>
NdArray<T> pad_backward(const NdArray<T>& dout, const Shape& x_shape, Index offset) {
  NdArray<T> dx(x_shape);
  kernels::copy_strided(dx.data(), row_major_strides(x_shape), dout.data() + offset,
                        row_major_strides(dout.shape()), x_shape);
  return dx;
}

}  // namespace detail

/// x with `widths[i].before` and `widths[i].after` entries of `value` around axis i:
/// `pad(x, {{0, 0}, {1, 2}})` adds one column on the left and two on the right.
///
/// **Shapes** x (n_0, ...), result (before_0 + n_0 + after_0, ...). Unlike PyTorch's, the widths
/// are listed from the first axis on, one pair for each.
/// **Throws** ShapeError unless there is a pair for each axis; ValueError for a negative width.
template <class T>
Tensor<T> pad(const Tensor<T>& x, const std::vector<PadWidth>& widths,
              std::type_identity_t<T> value = T(0)) {
  if (static_cast<Index>(widths.size()) != x.rank()) {
    throw ShapeError(detail::concat("[pad] needs one pair of widths for each axis: ", widths.size(),
                                    " given, x ", x.shape()));
  }
  Shape shape = x.shape();
  for (Index i = 0; i < shape.rank(); ++i) {
    const auto [before, after] = widths[static_cast<std::size_t>(i)];
    if (before < 0 || after < 0) {
      throw ValueError(detail::concat("[pad] widths must not be negative: axis ", i, " has ",
                                      before, " and ", after, "; use slice to cut"));
    }
    shape[i] += before + after;
  }
  const Index offset = detail::pad_offset(shape, widths);
  return make_result(
      "pad", detail::pad_forward(x.value(), shape, offset, value),
      [from = x.shape(), offset](BackwardContext<T>& context) {
        context.accumulate(0, detail::pad_backward(context.dout(), from, offset));
      },
      x);
}

}  // namespace eigengrad
