// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/unary.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Reductions that end in a root or a logarithm: norm, std, logsumexp. Axes are as in
/// ops/reduce.hpp.
namespace eigengrad {

struct NormArguments {
  /// 1 for the sum of |x|, 2 for the root of the sum of squares, infinity for the largest |x|.
  double p = 2;
  bool keepdim = false;
};

namespace detail {

/// 1 where x is 0 or infinite, as a divisor that changes nothing.
struct NormScale {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& most) const {
    using E = simd::Element<V>;
    const V one = simd::broadcast<V>(E(1));
    const V finite = most > std::numeric_limits<E>::max() ? one : most;
    return most == V{} ? one : finite;
  }
};
struct ScaledSquare {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& scale) const {
    const V r = x / scale;
    return r * r;
  }
};
struct ScaledRoot {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& squares, const V& scale) const {
    return vmath::sqrt(squares) * scale;
  }
};
/// dout x / y; nothing where the norm is 0.
struct NormBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& y) const {
    return y == V{} ? V{} : dout * (x / y);
  }
};

/// The root of the sum of squares in units of the largest |x|, so that no square overflows.
template <class T>
NdArray<T> norm_forward(const NdArray<T>& x, const ReducedShape& r) {
  if (x.numel() == 0) return NdArray<T>::zeros(r.kept);
  const NdArray<T> most =
      reduce_forward<kernels::MaxOp>(map_forward(AbsFunction(), x), r).reshape(r.kept);
  const NdArray<T> scale = map_forward(NormScale(), most);
  const NdArray<T> squares =
      kernels::broadcast_map_reduce_to<T>(ScaledSquare(), r.from, r.kept, x, scale);
  return kernels::broadcast_map<T>(ScaledRoot(), r.kept, squares, scale);
}

template <class T>
Tensor<T> norm_op(const Tensor<T>& x, const ReducedShape& r) {
  const NdArray<T> value = x.value();
  const NdArray<T> y = norm_forward(value, r);
  return make_result(
      "norm", y.reshape(r.result),
      [value, y, r](BackwardContext<T>& context) {
        const NdArray<T> dout = context.dout().reshape(r.kept);
        context.accumulate(0, kernels::broadcast_map<T>(NormBackward(), r.from, dout, value, y));
      },
      x);
}

/// Rounding may leave a variance of 0 a little below it.
struct StdFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& variance) const {
    return vmath::sqrt(variance < V{} ? V{} : variance);
  }
};
/// The derivative of the root of the variance; nothing where it is 0, as in PyTorch.
template <class T>
struct StdBackward {
  T divisor;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& center, const V& offset,
                                const V& y) const {
    return y == V{} ? V{} : dout * (x - center - offset) / (y * divisor);
  }
};

/// e^(x - shift), where an infinite shift counts as 0.
struct ShiftedExp {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& shift) const {
    const V finite = vmath::abs(shift) > std::numeric_limits<simd::Element<V>>::max() ? V{} : shift;
    return vmath::exp(x - finite);
  }
};
struct ShiftedLog {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& sum, const V& shift) const {
    const V finite = vmath::abs(shift) > std::numeric_limits<simd::Element<V>>::max() ? V{} : shift;
    return vmath::log(sum) + finite;
  }
};
struct LogSumExpBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& y) const {
    // The sum of nothing but e^-inf: no x can change it.
    const V sum = y < -std::numeric_limits<simd::Element<V>>::max() ? V{} : y;
    return dout * vmath::exp(x - sum);
  }
};

}  // namespace detail

/// The p-norm over `axes`: (sum |x|^p)^(1 / p). Squares do not overflow or vanish. The gradient of
/// the 2-norm of zeros is 0; equal largest elements share that of the infinity norm.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice, ValueError if p is not 1, 2 or infinity, or for the infinity norm of no
/// elements. **Saves** x and, except for p = 1, the result.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.linalg.vector_norm.html
template <class T>
Tensor<T> norm(const Tensor<T>& x, const Shape& axes = {}, const NormArguments& arguments = {}) {
  const detail::ReducedShape r("norm", x.shape(), axes, arguments.keepdim);
  if (arguments.p == 1) return sum(abs(x), axes, arguments.keepdim);
  if (arguments.p == 2) return detail::norm_op(x, r);
  if (std::isinf(arguments.p) && arguments.p > 0) return max(abs(x), axes, arguments.keepdim);
  throw ValueError(detail::concat("[norm] p must be 1, 2 or infinity: ", arguments.p));
}

/// The standard deviation over `axes`: the root of `var`; NaN where n <= correction.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** x, the mean and the result.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.std.html
template <class T>
Tensor<T> std(const Tensor<T>& x, const Shape& axes = {}, const VarArguments& arguments = {}) {
  const detail::ReducedShape r("std", x.shape(), axes, arguments.keepdim);
  const T divisor = detail::var_divisor<T>(r, arguments);
  const NdArray<T> value = x.value();
  NdArray<T> center;
  NdArray<T> offset;
  const NdArray<T> variance = detail::var_forward(center, offset, value, r, divisor);
  const NdArray<T> y = detail::map_forward(detail::StdFunction(), variance);
  return make_result(
      "std", y,
      [value, center, offset, y, r, divisor](BackwardContext<T>& context) {
        const NdArray<T> dout = context.dout().reshape(r.kept);
        context.accumulate(
            0, kernels::broadcast_map<T>(detail::StdBackward<T>{divisor}, r.from, dout, value,
                                         center, offset, y.reshape(r.kept)));
      },
      x);
}

/// log(sum(e^x)) over `axes`, a smooth maximum: of x less its largest element, so that nothing
/// overflows; -inf over no elements.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** x and the result.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html
template <class T>
Tensor<T> logsumexp(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  const detail::ReducedShape r("logsumexp", x.shape(), axes, keepdim);
  const NdArray<T> value = x.value();
  const NdArray<T> most = detail::reduce_forward<kernels::MaxOp>(value, r).reshape(r.kept);
  const NdArray<T> total =
      kernels::broadcast_map_reduce_to<T>(detail::ShiftedExp(), r.from, r.kept, value, most);
  const NdArray<T> y = kernels::broadcast_map<T>(detail::ShiftedLog(), r.kept, total, most);
  return make_result(
      "logsumexp", y.reshape(r.result),
      [value, y, r](BackwardContext<T>& context) {
        const NdArray<T> dout = context.dout().reshape(r.kept);
        context.accumulate(
            0, kernels::broadcast_map<T>(detail::LogSumExpBackward(), r.from, dout, value, y));
      },
      x);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
