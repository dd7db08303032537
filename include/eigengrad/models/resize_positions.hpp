// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs resize a model.
#include <cmath>

#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/interpolate.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad::detail {

/// Positions x (1, prefix + g^2, C) for a grid of another side; the first `prefix` stay.
template <class T>
NdArray<T> resize_positions(const NdArray<T>& x, Index prefix, Index to, Interpolation mode) {
  const Index channels = x.dim(2);
  const Index from = std::lround(std::sqrt(static_cast<double>(x.dim(1) - prefix)));
  if (from == to) return x;
  const NoGrad no_grad;
  const Tensor<T> all(x);
  const Tensor<T> grid =
      transpose(reshape(narrow(all, 1, prefix, from * from), {1, from * from, channels}), 1, 2);
  const Tensor<T> resized =
      interpolate(reshape(grid, {1, channels, from, from}), HeightWidth(to, to), {.mode = mode});
  const Tensor<T> tokens = transpose(reshape(resized, {1, channels, to * to}), 1, 2);
  return (prefix > 0 ? cat({narrow(all, 1, 0, prefix), tokens}, 1) : tokens).value();
}

}  // namespace eigengrad::detail
