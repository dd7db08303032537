// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tests/support/test.hpp>

namespace test {

/// Gives `x` this gradient the way a model does: by a backward through an op.
template <class T>
void set_gradient(const Tensor<T>& x, const NdArray<T>& gradient) {
  eg::make_result(
      "given", NdArray<T>::scalar(0),
      [gradient](eg::BackwardContext<T>& context) { context.accumulate(0, gradient); }, x)
      .backward();
}

/// The i-th part of an array along its first axis, copied.
template <class T>
NdArray<T> part(const NdArray<T>& a, Index i) {
  const Shape shape(a.shape().begin() + 1, a.shape().end());
  const T* from = a.data() + i * shape.numel();
  return NdArray<T>(shape, std::span<const T>(from, static_cast<std::size_t>(shape.numel())));
}

/// All values in one line.
template <class T>
NdArray<T> joined(const std::vector<Tensor<T>>& tensors) {
  Index n = 0;
  for (const Tensor<T>& x : tensors) n += x.numel();
  NdArray<T> out(Shape{n});
  T* to = out.data();
  for (const Tensor<T>& x : tensors) to = std::copy(x.value().begin(), x.value().end(), to);
  return out;
}

}  // namespace test
