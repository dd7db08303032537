// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <span>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>

/// Positions of tokens: what is added to a token so that attention can tell where it is.
namespace eigengrad::models {

enum class Positions {
  kLearned,   ///< a parameter
  kSinCos2d,  ///< fixed waves over rows and columns
  kNone,      ///< nothing, for tokenizers that leave the position in the tokens
};

inline std::span<const char* const> enum_names(Positions) {
  static constexpr const char* kNames[] = {"learned", "sincos_2d", "none"};
  return kNames;
}

/// Sines and cosines of a sequence's places: column 2 i of place t is sin(t w_i), column 2 i + 1 is
/// cos(t w_i), with w_i = 10000^(-2 i / dim).
///
/// **Shapes** result (length, dim). **Throws** ValueError unless dim is even and positive.
/// **Source** A. Vaswani et al., "Attention is all you need", 2017, section 3.5.
template <class T>
NdArray<T> sincos_1d(Index length, Index dim) {
  if (dim < 2 || dim % 2 != 0) {
    throw ValueError(detail::concat("[sincos_1d] dim must be even and positive: dim ", dim));
  }
  NdArray<T> out({length, dim});
  for (Index t = 0; t < length; ++t) {
    for (Index i = 0; i < dim; i += 2) {
      const double w = std::pow(10000., -static_cast<double>(i) / static_cast<double>(dim));
      out(t, i) = static_cast<T>(std::sin(static_cast<double>(t) * w));
      out(t, i + 1) = static_cast<T>(std::cos(static_cast<double>(t) * w));
    }
  }
  return out;
}

/// Sines and cosines of a grid's columns and rows: for each token (y, x) the four quarters
/// [sin(x w), cos(x w), sin(y w), cos(y w)] with w_i = 10000^(-i / (dim / 4)).
///
/// **Shapes** result (1, prefix + height * width, dim), the first `prefix` tokens are zero.
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

/// Rotary positions of a grid, for heads `dim` wide: for each token (y, x) the cosines of dim / 2
/// angles, then their sines, as AttentionArguments::rotary wants them. The first dim / 4 angles are
/// y w_i, the others x w_i, with w_i = base^(-i / (dim / 4)).
///
/// **Shapes** result (prefix + height * width, dim), the first `prefix` tokens are not rotated.
/// **Throws** ValueError unless 4 divides dim and base > 0.
/// **Source** B. Heo et al., "Rotary position embedding for vision transformer", 2024 (axial, with
/// a base of 100).
template <class T>
NdArray<T> rotary_2d(Index height, Index width, Index dim, double base = 100, Index prefix = 0) {
  if (dim < 4 || dim % 4 != 0 || !(base > 0)) {
    throw ValueError(detail::concat("[rotary_2d] dim must be divisible by 4 and base positive: ",
                                    "dim ", dim, ", base ", base));
  }
  const Index n = dim / 4;
  NdArray<T> out({prefix + height * width, dim});
  for (Index t = 0; t < out.dim(0); ++t) {
    const double y = static_cast<double>(t < prefix ? 0 : (t - prefix) / width);
    const double x = static_cast<double>(t < prefix ? 0 : (t - prefix) % width);
    for (Index i = 0; i < 2 * n; ++i) {
      const double w = std::pow(base, -static_cast<double>(i % n) / static_cast<double>(n));
      const double angle = (i < n ? y : x) * w;
      out(t, i) = static_cast<T>(std::cos(angle));
      out(t, 2 * n + i) = static_cast<T>(std::sin(angle));
    }
  }
  return out;
}

}  // namespace eigengrad::models
