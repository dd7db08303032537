// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <functional>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast_mask.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/where.hpp>

EIGENGRAD_BEGIN_VECTORS

/// What is done with masks: logic, questions about all of one, a number put where one is true.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.logical_and.html and
/// https://docs.pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html
namespace eigengrad {

namespace detail {

template <class T>
struct MaskedFill {
  T value;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& mask) const {
    return mask != V{} ? simd::broadcast<V>(value) : x;
  }
};

template <class F>
NdArray<bool> logical(const char* op, const F& f, const NdArray<bool>& a, const NdArray<bool>& b) {
  check_defined(op, "a", a);
  check_defined(op, "b", b);
  return kernels::broadcast_mask(f, broadcast_shapes(op, a.shape(), b.shape()), a, b);
}

/// Whether some entry of each group along `axes` is `wanted`.
inline NdArray<bool> has(const char* op, const NdArray<bool>& mask, bool wanted, const Shape& axes,
                         bool keepdim) {
  check_defined(op, "mask", mask);
  const ReducedShape r(op, mask.shape(), axes, keepdim);
  NdArray<bool> out = NdArray<bool>::full(r.kept, false);
  if (mask.numel() == 0) return out.reshape(r.result);
  const kernels::detail::BroadcastLoop<1> loop(r.from, r.kept);
  auto at = loop.seek(0);
  for (Index i = 0; i < mask.numel(); ++i, loop.advance(at, 1)) {
    if (mask.data()[i] == wanted) out.data()[at.offset[0]] = true;
  }
  return out.reshape(r.result);
}

}  // namespace detail

/// x with `value` where `mask` is true. Nothing of what was there passes, not even a NaN.
///
/// **Shapes** x (...), mask: broadcasts to x, result as x. **Throws** ShapeError if it does not;
/// ValueError if it is undefined. **Saves** a copy of the mask.
template <class T>
Tensor<T> masked_fill(const Tensor<T>& x, const NdArray<bool>& mask, Scalar<T> value) {
  detail::check_defined("masked_fill", "mask", mask);
  if (!(detail::broadcast_shapes("masked_fill", mask.shape(), x.shape()) == x.shape())) {
    throw ShapeError(detail::concat("[masked_fill] the mask must broadcast to x: mask ",
                                    mask.shape(), ", x ", x.shape()));
  }
  return make_result(
      "masked_fill",
      kernels::broadcast_map<T>(detail::MaskedFill<T>{value}, x.shape(), x.value(), mask),
      [own = detail::keep_copy(mask, x)](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        context.accumulate(
            0, kernels::broadcast_map<T>(detail::WhereBackward<false>(), dout.shape(), dout, own));
      },
      x);
}

/// a and b, element by element.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not;
/// ValueError if one is undefined.
inline NdArray<bool> logical_and(const NdArray<bool>& a, const NdArray<bool>& b) {
  return detail::logical("logical_and", std::logical_and<>(), a, b);
}
/// a or b, or both; otherwise as `logical_and`.
inline NdArray<bool> logical_or(const NdArray<bool>& a, const NdArray<bool>& b) {
  return detail::logical("logical_or", std::logical_or<>(), a, b);
}
/// Either a or b; otherwise as `logical_and`.
inline NdArray<bool> logical_xor(const NdArray<bool>& a, const NdArray<bool>& b) {
  return detail::logical("logical_xor", std::not_equal_to<>(), a, b);
}
/// Not `mask`. **Throws** ValueError if it is undefined.
inline NdArray<bool> logical_not(const NdArray<bool>& mask) {
  detail::check_defined("logical_not", "mask", mask);
  return kernels::broadcast_mask(std::logical_not<>(), mask.shape(), mask);
}

/// Whether some entry is true; false of an empty mask.
///
///     if (any(isnan(loss))) ...
///
/// **Throws** ValueError if the mask is undefined.
inline bool any(const NdArray<bool>& mask) {
  detail::check_defined("any", "mask", mask);
  return std::find(mask.begin(), mask.end(), true) != mask.end();
}
/// Whether every entry is true; true of an empty mask.
///
/// **Throws** ValueError if the mask is undefined.
inline bool all(const NdArray<bool>& mask) {
  detail::check_defined("all", "mask", mask);
  return std::find(mask.begin(), mask.end(), false) == mask.end();
}

/// The same along some axes; an empty list means all of them.
///
/// **Shapes** mask (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is
/// out of range or given twice; ValueError if the mask is undefined.
inline NdArray<bool> any(const NdArray<bool>& mask, const Shape& axes, bool keepdim = false) {
  return detail::has("any", mask, true, axes, keepdim);
}
inline NdArray<bool> all(const NdArray<bool>& mask, const Shape& axes, bool keepdim = false) {
  return logical_not(detail::has("all", mask, false, axes, keepdim));
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
