// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Axes of size 1, and new leading ones, repeated to a given size.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html
namespace eigengrad {

namespace detail {

/// The result's shape, -1 replaced by x's size. **Throws** ShapeError if x does not expand to it.
inline Shape expand_shape(const Shape& x, const Shape& shape) {
  Shape out = shape;
  const Index added = shape.rank() - x.rank();
  bool fits = added >= 0;
  for (Index i = 0; fits && i < shape.rank(); ++i) {
    if (i < added) {
      fits = shape[i] >= 0;
      continue;
    }
    const Index own = x[i - added];
    if (shape[i] == -1) out[i] = own;
    fits = out[i] == own || (own == 1 && out[i] >= 0);
  }
  if (!fits) {
    throw ShapeError(concat("[expand] only axes of size 1 and new leading axes can grow: x ", x,
                            ", shape ", shape, "; -1 keeps a size of x"));
  }
  return out;
}

template <class T>
NdArray<T> expand_forward(const NdArray<T>& x, const Shape& shape) {
  if (x.numel() == shape.numel()) return x.reshape(shape);
  const Shape own = row_major_strides(x.shape());
  const Index added = shape.rank() - x.rank();
  Shape strides = Shape::filled(shape.rank(), 0);
  for (Index i = 0; i < x.rank(); ++i) {
    if (x.shape()[i] != 1) strides[added + i] = own[i];
  }
  NdArray<T> y(shape);
  kernels::copy_strided(y.data(), row_major_strides(shape), x.data(), strides, shape);
  return y;
}

template <class T>
NdArray<T> expand_backward(const NdArray<T>& dout, const Shape& x_shape) {
  return kernels::reduce_to(dout, x_shape);
}

}  // namespace detail

/// x repeated to `shape`: axes of size 1 grow, axes may be added in front, -1 keeps a size. The
/// repeats are written out, since arrays are contiguous; if nothing grows the storage is shared.
///
/// **Shapes** x (..., 1, ...), result `shape`. **Throws** ShapeError if another axis would grow.
template <class T>
Tensor<T> expand(const Tensor<T>& x, const Shape& shape) {
  return make_result(
      "expand", detail::expand_forward(x.value(), detail::expand_shape(x.shape(), shape)),
      [from = x.shape()](BackwardContext<T>& context) {
        context.accumulate(0, detail::expand_backward(context.dout(), from));
      },
      x);
}

}  // namespace eigengrad
