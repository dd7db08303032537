// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <eigengrad/core/ndarray.hpp>

/// Where a token is: what is added to it so that attention can tell.
namespace eigengrad::nn {

enum class Positions {
  kLearned,   ///< a parameter
  kSinCos2d,  ///< fixed waves over rows and columns
  kNone,      ///< nothing, for tokenizers that leave the position in the tokens
};

/// Sines and cosines of a grid's columns and rows: for each token (y, x) the four quarters
/// [sin(x w), cos(x w), sin(y w), cos(y w)] with w_i = 10000^(-i / (dim / 4)).
///
/// **Shapes** result (1, prefix + height * width, dim), the first `prefix` tokens zero.
/// **Throws** ValueError unless 4 divides dim.
/// **Source** K. He et al., "Masked autoencoders are scalable vision learners", 2021.
template <class T>
NdArray<T> sincos_2d(Index height, Index width, Index dim, Index prefix = 0) {
  if (dim < 4 || dim % 4 != 0) {
    throw ValueError(detail::concat("[sincos_2d] dim must be divisible by 4: dim ", dim));
  }
  const Index n = dim / 4;
  NdArray<T> out = NdArray<T>::zeros({1, prefix + height * width, dim});
  T* token = out.data() + prefix * dim;
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x, token += dim) {
      for (Index i = 0; i < n; ++i) {
        const double w = std::pow(10000., -static_cast<double>(i) / static_cast<double>(n));
        token[i] = static_cast<T>(std::sin(static_cast<double>(x) * w));
        token[n + i] = static_cast<T>(std::cos(static_cast<double>(x) * w));
        token[2 * n + i] = static_cast<T>(std::sin(static_cast<double>(y) * w));
        token[3 * n + i] = static_cast<T>(std::cos(static_cast<double>(y) * w));
      }
    }
  }
  return out;
}

}  // namespace eigengrad::nn
