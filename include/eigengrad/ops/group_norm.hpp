// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/layer_norm.hpp>
#include <eigengrad/ops/reshape.hpp>

/// Group normalisation: each sample's channels are split into groups, and each group gets mean 0
/// and variance 1: layer norm of groups, then a scale and a shift for each channel.
///
/// **Source** Y. Wu, K. He, "Group normalization", 2018;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html
namespace eigengrad {

namespace detail {

/// **Throws** unless x is (B, C, ...) and its channels can be split into `groups`.
inline void check_groups(const char* op, const Shape& x, Index groups) {
  if (x.rank() < 2) throw ShapeError(concat("[", op, "] x must be (B, C, ...): x ", x));
  if (groups < 1 || x[1] % groups != 0) {
    throw ValueError(
        concat("[", op, "] groups must divide the channels: groups ", groups, ", x ", x));
  }
}

/// (C) as (C, 1, ...), which broadcasts to x (B, C, ...). **Throws** ShapeError on another size.
template <class T>
Tensor<T> per_channel(const char* op, const char* name, const Tensor<T>& parameter,
                      const Shape& x) {
  if (!(parameter.shape() == Shape{x[1]})) {
    throw ShapeError(concat("[", op, "] ", name, " must have one element per channel: ", name, " ",
                            parameter.shape(), ", x ", x));
  }
  Shape shape = Shape::filled(x.rank() - 1, 1);
  shape[0] = x[1];
  return reshape(parameter, shape);
}

}  // namespace detail

/// Gives each of the `groups` of neighbouring channels mean 0 and variance 1 over its channels and
/// pixels, then scales and shifts each channel.
///
/// **Shapes** x (B, C, ...), weight (C) or undefined, bias (C) or undefined, result (B, C, ...).
/// `eps` is added to the variance. **Throws** ShapeError when the sizes differ, ValueError when
/// `groups` does not divide C or `eps` is negative. **Saves** x, the normalised values if there is
/// a weight, and three numbers per group.
template <class T>
Tensor<T> group_norm(const Tensor<T>& x, Index groups, const Tensor<T>& weight = {},
                     const Tensor<T>& bias = {}, double eps = 1e-5) {
  const Shape& shape = x.shape();
  detail::check_groups("group_norm", shape, groups);
  detail::check_eps("group_norm", eps);
  const Index size = shape[1] / groups * detail::numel_between(shape, 2, shape.rank());
  const Tensor<T> rows = reshape(x, {shape[0] * groups, size});
  Tensor<T> y = reshape(layer_norm(rows, {}, {}, eps), shape);
  if (weight.defined()) y = y * detail::per_channel("group_norm", "weight", weight, shape);
  if (bias.defined()) y = y + detail::per_channel("group_norm", "bias", bias, shape);
  return y;
}

}  // namespace eigengrad
