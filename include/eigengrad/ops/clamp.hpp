// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/elementwise.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Clamping to an interval.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.clamp.html
namespace eigengrad {

namespace detail {

template <class T>
struct ClampFunction {
  T low, high;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    const V least = simd::broadcast<V>(low);
    const V most = simd::broadcast<V>(high);
    const V above = x < least ? least : x;  // in this order a NaN stays
    return above > most ? most : above;
  }
};
/// The gradient passes where clamping changed nothing.
template <class T>
struct ClampBackward {
  ClampFunction<T> clamp;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x) const {
    return clamp(x) == x ? dout : V{};
  }
};

}  // namespace detail

/// min(max(x, low), high); NaN stays NaN. The gradient is 0 outside [low, high].
///
/// **Throws** ValueError unless low <= high. **Saves** x.
template <class T>
Tensor<T> clamp(const Tensor<T>& x, std::type_identity_t<T> low, std::type_identity_t<T> high) {
  if (!(low <= high)) {
    throw ValueError(
        detail::concat("[clamp] low must not exceed high: low ", low, ", high ", high));
  }
  const detail::ClampFunction<T> f{low, high};
  return detail::map_op("clamp", detail::map_forward(f, x.value()), x, detail::ClampBackward<T>{f},
                        x.value());
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
