// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>

/// What a model's parameters are, as the layers that add them say: so that an optimiser can treat
/// them by what they are instead of guessing from their names.
namespace eigengrad {

enum class ParameterKind {
  kWeight,       ///< a matrix (out, in) that multiplies
  kConvolution,  ///< filters (O, C, kh, kw)
  kBias,         ///< what a layer adds to its result
  kNorm,         ///< a norm's weight or bias
  kScale,        ///< a learned factor
  kPosition,     ///< what is added to tokens to tell their places
  kToken,        ///< a learned token
  kEmbedding,    ///< a table, one row for each index
};

/// Where a weight is in its model.
enum class ParameterPlace {
  kInput,   ///< in the first layer, which meets the data
  kHidden,  ///< between the first and the last layer
  kOutput,  ///< in the last layer, whose result is the model's
};

struct ParameterRole {
  ParameterKind kind = ParameterKind::kWeight;
  /// How many matrices of equal height a weight is, one below the other: 3 for a fused
  /// query-key-value weight.
  Index row_blocks = 1;
  /// Empty: nobody has said.
  std::optional<ParameterPlace> place = std::nullopt;
};

/// The role of a parameter of which only the shape is known: a bias with up to one axis, a weight
/// with two, a position with three (as (1, T, C) is), a convolution's filters with more.
inline ParameterRole default_role(const Shape& shape) {
  switch (shape.rank()) {
    case 0:
    case 1:
      return {ParameterKind::kBias};
    case 2:
      return {ParameterKind::kWeight};
    case 3:
      return {ParameterKind::kPosition};
    default:
      return {ParameterKind::kConvolution};
  }
}

/// A parameter with its dotted name and its role, as `nn::Module::parameters_with_roles()` lists
/// them.
template <class T>
struct Parameter {
  std::string name;
  Tensor<T> tensor;
  ParameterRole role = {};
};

}  // namespace eigengrad
