// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/gather.hpp>

/// What several ops ask of their arguments; those of axes are in core/shape.hpp.
namespace eigengrad::detail {

/// **Throws** ValueError unless `p` is in [0, 1].
inline void check_probability(const char* op, const char* name, double p) {
  if (!(p >= 0 && p <= 1)) {
    throw ValueError(concat("[", op, "] ", name, " must be in [0, 1]: ", p));
  }
}

/// **Throws** ValueError if `eps` is negative or NaN.
inline void check_eps(const char* op, double eps) {
  if (!(eps >= 0)) throw ValueError(concat("[", op, "] eps must not be negative: ", eps));
}

/// **Throws** ValueError if the array has no storage.
template <class T>
void check_defined(const char* op, const char* name, const NdArray<T>& x) {
  if (!x.defined()) throw ValueError(concat("[", op, "] ", name, " is undefined"));
}

/// **Throws** ShapeError unless `x` is a batch of images.
inline void check_images(const char* op, const Shape& x) {
  if (x.rank() != 4) throw ShapeError(concat("[", op, "] x must be (B, C, H, W): x ", x));
}

/// **Throws** ShapeError unless `x` has a last axis, and `parameter` is absent or has its size.
template <class T>
void check_norm_parameter(const char* op, const char* name, const Tensor<T>& parameter,
                          const Shape& x) {
  if (x.empty()) throw ShapeError(concat("[", op, "] needs at least one axis: x ", x));
  if (parameter.defined() && !(parameter.shape() == Shape{x.back()})) {
    throw ShapeError(concat("[", op, "] ", name, " must have the size of the last axis: ", name,
                            " ", parameter.shape(), ", x ", x));
  }
}

/// The place of element `flat` in an array of this shape.
inline Shape position_of(Index flat, const Shape& shape) {
  Shape position = shape;
  for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
    position[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return position;
}

/// **Throws** ValueError naming the first index outside [0, n), its position, and the array
/// (`name`, of this shape) that has the n entries.
inline void check_indices(const char* op, const NdArray<Index>& indices, Index n, const char* name,
                          const Shape& shape) {
  if (!indices.defined()) throw ValueError(concat("[", op, "] indices are undefined"));
  const Index at = kernels::find_out_of_range(indices.data(), indices.numel(), n);
  if (at == indices.numel()) return;
  throw ValueError(concat("[", op, "] index ", indices.data()[at], " at ",
                          position_of(at, indices.shape()), " must be in [0, ", n, "): ", name, " ",
                          shape));
}

}  // namespace eigengrad::detail
