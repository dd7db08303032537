// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/permute.hpp>

/// Joining of tensors along an axis, one that exists (cat) or a new one (stack).
///
/// Both put blocks next to each other: in y (outer, row), input i fills the columns from start_i
/// on.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.cat.html
namespace eigengrad {

namespace detail {

/// Copies x (outer, part) to the columns of y (outer, row) from `start` on.
template <class T>
void concat_forward(NdArray<T>& y, const NdArray<T>& x, Index outer, Index row, Index part,
                    Index start) {
  kernels::copy_strided(y.data() + start, {row, 1}, x.data(), {part, 1}, {outer, part});
}

/// dx (outer, part) from its columns of dout (outer, row); added to what dx holds with `Add`.
template <bool Add, class T>
void concat_backward(NdArray<T>& dx, const NdArray<T>& dout, Index outer, Index row, Index part,
                     Index start) {
  kernels::copy_strided<Add>(dx.data(), {part, 1}, dout.data() + start, {row, 1}, {outer, part});
}

/// `shape` is the result's; an input contributes the block of its elements from `axis` on.
template <class T>
Tensor<T> concat_op(const char* op, std::span<const Tensor<T>> inputs, const Shape& shape,
                    Index axis) {
  const Index outer = numel_between(shape, 0, axis);
  const Index row = numel_between(shape, axis, shape.rank());
  NdArray<T> y(shape);
  std::vector<Index, CacheAllocator<Index>> starts;
  starts.reserve(inputs.size() + 1);
  starts.push_back(0);
  for (const Tensor<T>& x : inputs) {
    const Index part = numel_between(x.shape(), axis, x.rank());
    concat_forward(y, x.value(), outer, row, part, starts.back());
    starts.push_back(starts.back() + part);
  }
  return make_result(
      op, y,
      [starts = std::move(starts), outer, row](BackwardContext<T>& context) {
        for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
          if (!context.needs(i)) continue;
          const Index part = starts[i + 1] - starts[i];
          auto [dx, accumulate] = context.sink(i);
          if (accumulate) {
            concat_backward<true>(dx, context.dout(), outer, row, part, starts[i]);
          } else {
            concat_backward<false>(dx, context.dout(), outer, row, part, starts[i]);
          }
        }
      },
      inputs);
}

template <class T>
[[noreturn]] void throw_concat_error(const char* op, const std::string& rule,
                                     std::span<const Tensor<T>> inputs, std::size_t i) {
  throw ShapeError(concat("[", op, "] ", rule, ": input 0 ", inputs[0].shape(), ", input ", i, " ",
                          inputs[i].shape()));
}

}  // namespace detail

/// The inputs joined along `axis`.
///
/// **Shapes** inputs (..., n_i, ...), result (..., sum of n_i, ...).
/// **Throws** ValueError without inputs; ShapeError if `axis` is out of range or the inputs differ
/// in another size.
template <class T>
Tensor<T> cat(std::span<const Tensor<T>> inputs, Index axis = 0) {
  if (inputs.empty()) throw ValueError("[cat] needs at least one tensor");
  Shape shape = inputs[0].shape();
  const Index normal = detail::normalize_axis("cat", axis, shape.rank());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape& other = inputs[i].shape();
    bool fits = other.rank() == shape.rank();
    for (Index k = 0; fits && k < shape.rank(); ++k) fits = k == normal || other[k] == shape[k];
    if (!fits) {
      detail::throw_concat_error("cat", detail::concat("sizes must agree on all axes but ", normal),
                                 inputs, i);
    }
    shape[normal] += other[normal];
  }
  return detail::concat_op("cat", inputs, shape, normal);
}
template <class T>
Tensor<T> cat(const std::vector<Tensor<T>>& inputs, Index axis = 0) {
  return cat(std::span<const Tensor<T>>(inputs), axis);
}
template <class T>
Tensor<T> cat(std::initializer_list<Tensor<T>> inputs, Index axis = 0) {
  return cat(std::span<const Tensor<T>>(inputs.begin(), inputs.size()), axis);
}

/// The inputs along a new axis, at `axis` of the result.
///
/// **Shapes** N inputs (...), result (..., N, ...). **Throws** ValueError without inputs;
/// ShapeError if `axis` is not in [-rank - 1, rank] or the shapes differ.
template <class T>
Tensor<T> stack(std::span<const Tensor<T>> inputs, Index axis = 0) {
  if (inputs.empty()) throw ValueError("[stack] needs at least one tensor");
  const Shape& one = inputs[0].shape();
  const Index normal = detail::normalize_axis("stack", axis, one.rank() + 1);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!(inputs[i].shape() == one)) {
      detail::throw_concat_error("stack", "shapes must be equal", inputs, i);
    }
  }
  Shape shape(one.begin(), one.begin() + normal);
  shape.push_back(static_cast<Index>(inputs.size()));
  for (Index i = normal; i < one.rank(); ++i) shape.push_back(one[i]);
  return detail::concat_op("stack", inputs, shape, normal);
}
template <class T>
Tensor<T> stack(const std::vector<Tensor<T>>& inputs, Index axis = 0) {
  return stack(std::span<const Tensor<T>>(inputs), axis);
}
template <class T>
Tensor<T> stack(std::initializer_list<Tensor<T>> inputs, Index axis = 0) {
  return stack(std::span<const Tensor<T>>(inputs.begin(), inputs.size()), axis);
}

}  // namespace eigengrad
