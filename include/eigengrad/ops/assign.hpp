// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/scalar.hpp>

/// += -= *= /= of a tensor with a tensor or a number.
///
/// `a += b` is `a = a + b`: `a` becomes the sum, and gradients flow as through a + b. No number is
/// written in place, so that what backward has saved stays as it was; other handles of the tensor
/// that `a` was keep that one. PyTorch writes to all handles.
namespace eigengrad {

namespace detail {

/// Makes `a` the result. **Throws** StateError if `a` is a leaf that requires a gradient: a model
/// that holds it would not see the new one; ShapeError if `a` would grow.
template <class T>
Tensor<T>& assign(const char* op, Tensor<T>& a, Tensor<T> result) {
  if (a.is_leaf() && a.requires_grad()) {
    throw StateError(concat("[", op,
                            "] the left side is a leaf that requires a gradient, which it ",
                            "would not receive; name the result, or write to mutable_value()"));
  }
  if (!(result.shape() == a.shape())) {
    throw ShapeError(concat("[", op, "] the right side must broadcast to the left: left ",
                            a.shape(), ", result ", result.shape()));
  }
  a = std::move(result);
  return a;
}

}  // namespace detail

/// a = a + b. **Throws** as `add`; StateError on a leaf that requires a gradient; ShapeError if the
/// sum has another shape than a. So do the others.
template <class T>
Tensor<T>& operator+=(Tensor<T>& a, const Tensor<T>& b) {
  return detail::assign("+=", a, a + b);
}
template <class T>
Tensor<T>& operator+=(Tensor<T>& a, Scalar<T> value) {
  return detail::assign("+=", a, a + value);
}

/// a = a - b.
template <class T>
Tensor<T>& operator-=(Tensor<T>& a, const Tensor<T>& b) {
  return detail::assign("-=", a, a - b);
}
template <class T>
Tensor<T>& operator-=(Tensor<T>& a, Scalar<T> value) {
  return detail::assign("-=", a, a - value);
}

/// a = a b.
template <class T>
Tensor<T>& operator*=(Tensor<T>& a, const Tensor<T>& b) {
  return detail::assign("*=", a, a * b);
}
template <class T>
Tensor<T>& operator*=(Tensor<T>& a, Scalar<T> value) {
  return detail::assign("*=", a, a * value);
}

/// a = a / b.
template <class T>
Tensor<T>& operator/=(Tensor<T>& a, const Tensor<T>& b) {
  return detail::assign("/=", a, a / b);
}
template <class T>
Tensor<T>& operator/=(Tensor<T>& a, Scalar<T> value) {
  return detail::assign("/=", a, a / value);
}

}  // namespace eigengrad
