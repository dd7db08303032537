// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>

namespace eigengrad {

/// What an op keeps of an input whose numbers its backward reads: the array, or nothing if the op
/// that made the input can make it again.
///
/// A norm's result is a cheap function of what its own backward keeps. Capture one of these in
/// place of `x.value()` if the array is large and read once.
template <class T>
class SavedInput {
 public:
  explicit SavedInput(const Tensor<T>& x) {
    if (x.defined() && !x.node_ptr()->can_rebuild()) value_ = x.value();
  }

  /// The numbers (none of an undefined tensor), where the tensor was input `i` of the op whose
  /// backward this is. **Throws** StateError if they are to be made again and an earlier backward
  /// has freed what that takes.
  NdArray<T> get(const BackwardContext<T>& context, std::size_t i) const {
    return value_.defined() || !context.has_input(i) ? value_ : context.rebuild(i);
  }

 private:
  NdArray<T> value_;
};

}  // namespace eigengrad
