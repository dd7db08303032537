// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/reduce.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/arithmetic.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Sum, mean, variance, maximum and minimum over any axes.
///
/// `axes` may be negative; an empty list means all of them. `keepdim` leaves reduced axes in place
/// with size 1.
/// **Source** https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
namespace eigengrad {

struct VarArguments {
  /// The sum of squares is divided by the number of elements less this: 1 for a sample, 0 for a
  /// whole population.
  double correction = 1;
  bool keepdim = false;
};

namespace detail {

/// The shapes of a reduction of `from`: with the reduced axes as 1, and as the caller sees it.
struct ReducedShape {
  Shape from, kept, result;
  Index count = 1;  ///< elements that each result is made of

  ReducedShape(const char* op, const Shape& shape, const Shape& axes, bool keepdim)
      : from(shape), kept(shape) {
    const Shape reduced = normalize_axes(op, axes, shape.rank());
    for (Index axis : reduced) {
      count *= shape[axis];
      kept[axis] = 1;
    }
    if (keepdim) {
      result = kept;
      return;
    }
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      if (!reduced.contains(axis)) result.push_back(shape[axis]);
    }
  }
};

template <class Op, class T>
NdArray<T> reduce_forward(const NdArray<T>& x, const ReducedShape& r) {
  return kernels::reduce<Op, T>(kernels::ArraySource<T>{x.data()}, r.from, r.kept)
      .reshape(r.result);
}

struct CopyFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return x;
  }
};

/// y = scale sum(x), dx = scale dout in every element that was added.
template <class T>
NdArray<T> scaled_sum_forward(const NdArray<T>& x, const ReducedShape& r, T divisor) {
  NdArray<T> y = reduce_forward<kernels::SumOp>(x, r);
  if (divisor != T(1)) {
    kernels::map(DivScalar<T>{divisor}, y.data(), y.numel(), std::as_const(y).data());
  }
  return y;
}
template <class T>
NdArray<T> scaled_sum_backward(const NdArray<T>& dout, const ReducedShape& r, T divisor) {
  const NdArray<T> d = dout.reshape(r.kept);
  if (divisor == T(1)) return kernels::broadcast_map<T>(CopyFunction(), r.from, d);
  return kernels::broadcast_map<T>(DivScalar<T>{divisor}, r.from, d);
}

template <class T>
Tensor<T> scaled_sum_op(const char* op, const Tensor<T>& x, const ReducedShape& r, T divisor) {
  return make_result(
      op, scaled_sum_forward(x.value(), r, divisor),
      [r, divisor](BackwardContext<T>& context) {
        context.accumulate(0, scaled_sum_backward(context.dout(), r, divisor));
      },
      x);
}

template <class T>
T var_divisor(const ReducedShape& r, const VarArguments& arguments) {
  const double freedom = static_cast<double>(r.count) - arguments.correction;
  return freedom > 0 ? static_cast<T>(freedom) : std::numeric_limits<T>::quiet_NaN();
}

struct SquaredDistance {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& center) const {
    return (x - center) * (x - center);
  }
};
template <class T>
struct VarResult {
  T count, divisor;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& squares, const V& offset) const {
    return (squares - offset * offset * count) / divisor;
  }
};
template <class T>
struct VarBackward {
  T scale;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& x, const V& center, const V& offset) const {
    return dout * scale * (x - center - offset);
  }
};

/// The mean in two parts, `center` + `offset`. The center alone is rounded (and in float a sum of
/// many large numbers is some units off), which would be squared into the variance.
template <class T>
NdArray<T> var_forward(NdArray<T>& center, NdArray<T>& offset, const NdArray<T>& x,
                       const ReducedShape& r, T divisor) {
  const T count = static_cast<T>(r.count);
  const auto mean_of = [&](NdArray<T> sum) {
    kernels::map(DivScalar<T>{count}, sum.data(), sum.numel(), std::as_const(sum).data());
    return sum;
  };
  center = mean_of(reduce_forward<kernels::SumOp>(x, r).reshape(r.kept));
  offset = mean_of(kernels::broadcast_map_reduce_to<T>(SubFunction(), r.from, r.kept, x, center));
  const NdArray<T> squares =
      kernels::broadcast_map_reduce_to<T>(SquaredDistance(), r.from, r.kept, x, center);
  return kernels::broadcast_map<T>(VarResult<T>{count, divisor}, r.kept, squares, offset)
      .reshape(r.result);
}

/// 1 where x is the extreme y of its slice.
struct IsExtreme {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x, const V& y) const {
    return x == y ? simd::broadcast<V>(1) : V{};
  }
};
/// A product and no select, so that a slice whose extreme is NaN (count 0) gets NaN and not 0.
struct ExtremeReduceBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& share, const V& x, const V& y) const {
    return share * IsExtreme()(x, y);
  }
};

template <class T>
NdArray<T> extreme_reduce_backward(const NdArray<T>& dout, const NdArray<T>& x, const NdArray<T>& y,
                                   const ReducedShape& r) {
  const NdArray<T> kept = y.reshape(r.kept);
  const NdArray<T> count =
      kernels::broadcast_map_reduce_to<T>(IsExtreme(), r.from, r.kept, x, kept);
  const NdArray<T> share =
      kernels::broadcast_map<T>(DivFunction(), r.kept, dout.reshape(r.kept), count);
  return kernels::broadcast_map<T>(ExtremeReduceBackward(), r.from, share, x, kept);
}

template <class Op, class T>
Tensor<T> extreme_reduce_op(const char* op, const Tensor<T>& x, const Shape& axes, bool keepdim) {
  const ReducedShape r(op, x.shape(), axes, keepdim);
  if (r.count == 0) {
    throw ValueError(concat("[", op, "] needs at least one element to choose from: x ", r.from));
  }
  const NdArray<T> value = x.value();
  const NdArray<T> y = reduce_forward<Op>(value, r);
  return make_result(
      op, y,
      [value, y, r](BackwardContext<T>& context) {
        context.accumulate(0, extreme_reduce_backward(context.dout(), value, y, r));
      },
      x);
}

}  // namespace detail

/// The sum over `axes`; 0 over no elements.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** nothing.
template <class T>
Tensor<T> sum(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  const detail::ReducedShape r("sum", x.shape(), axes, keepdim);
  return detail::scaled_sum_op("sum", x, r, T(1));
}

/// The mean over `axes`; NaN over no elements.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** nothing.
template <class T>
Tensor<T> mean(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  const detail::ReducedShape r("mean", x.shape(), axes, keepdim);
  return detail::scaled_sum_op("mean", x, r, static_cast<T>(r.count));
}

/// The variance over `axes`: sum((x - mean)^2) / (n - correction); NaN where n <= correction.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice. **Saves** x and the mean.
template <class T>
Tensor<T> var(const Tensor<T>& x, const Shape& axes = {}, const VarArguments& arguments = {}) {
  const detail::ReducedShape r("var", x.shape(), axes, arguments.keepdim);
  const T divisor = detail::var_divisor<T>(r, arguments);
  const NdArray<T> value = x.value();
  NdArray<T> center;
  NdArray<T> offset;
  NdArray<T> y = detail::var_forward(center, offset, value, r, divisor);
  return make_result(
      "var", std::move(y),
      [value, center, offset, r, divisor](BackwardContext<T>& context) {
        const detail::VarBackward<T> f{T(2) / divisor};
        const NdArray<T> dout = context.dout().reshape(r.kept);
        context.accumulate(0, kernels::broadcast_map<T>(f, r.from, dout, value, center, offset));
      },
      x);
}

/// The largest element over `axes`; NaN if one is NaN. Equal ones share the gradient.
///
/// **Shapes** x (...), result: without `axes`, or 1 there. **Throws** ShapeError if an axis is out
/// of range or given twice, ValueError if there is nothing to choose from. **Saves** x and the
/// result.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.amax.html
template <class T>
Tensor<T> max(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  return detail::extreme_reduce_op<kernels::MaxOp>("max", x, axes, keepdim);
}

/// The smallest element over `axes`; otherwise as `max`.
template <class T>
Tensor<T> min(const Tensor<T>& x, const Shape& axes = {}, bool keepdim = false) {
  return detail::extreme_reduce_op<kernels::MinOp>("min", x, axes, keepdim);
}

EIGENGRAD_INSTANTIATE(Tensor<float> sum(const Tensor<float>&, const Shape&, bool))
EIGENGRAD_INSTANTIATE(Tensor<double> sum(const Tensor<double>&, const Shape&, bool))
EIGENGRAD_INSTANTIATE(Tensor<float> mean(const Tensor<float>&, const Shape&, bool))
EIGENGRAD_INSTANTIATE(Tensor<double> mean(const Tensor<double>&, const Shape&, bool))

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
