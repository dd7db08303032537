// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/ops/scalar.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Sums, products and the like of two tensors, or of a tensor and a number, element by element.
///
/// Shapes broadcast by NumPy's rule: aligned from the right, sizes are equal or one of them is 1.
/// The gradient of an input that was stretched is summed back to its shape.
/// **Source** https://docs.pytorch.org/docs/stable/notes/broadcasting.html
namespace eigengrad {

namespace detail {

struct AddFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a + b;
  }
};
struct SubFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a - b;
  }
};
struct MulFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a * b;
  }
};
struct DivFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a / b;
  }
};
/// A NaN in either input gives NaN.
template <bool Max>
struct ExtremeFunction {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return Max ? simd::max_nan(a, b) : simd::min_nan(a, b);
  }
};
/// What `a` gets of dout: all, nothing, or half at a tie.
template <bool Max>
struct ExtremeBackward {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& dout, const V& a, const V& b) const {
    const V kept = (Max ? a < b : a > b) ? V{} : dout;
    return a == b ? dout * simd::Element<V>(0.5) : kept;
  }
};

template <class T, class F>
NdArray<T> binary_forward(const char* op, F f, const NdArray<T>& a, const NdArray<T>& b) {
  return kernels::broadcast_map<T>(f, broadcast_shapes(op, a.shape(), b.shape()), a, b);
}

template <bool Max, class T>
Tensor<T> extreme_op(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  const NdArray<T> x = a.value();
  const NdArray<T> y = b.value();
  return make_result(
      op, binary_forward(op, ExtremeFunction<Max>(), x, y),
      [x, y](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        const ExtremeBackward<Max> f;
        if (context.needs(0)) {
          context.accumulate(
              0, kernels::broadcast_map_reduce_to<T>(f, dout.shape(), x.shape(), dout, x, y));
        }
        if (context.needs(1)) {
          context.accumulate(
              1, kernels::broadcast_map_reduce_to<T>(f, dout.shape(), y.shape(), dout, y, x));
        }
      },
      a, b);
}

}  // namespace detail

/// a + b.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** nothing.
template <class T>
Tensor<T> add(const Tensor<T>& a, const Tensor<T>& b) {
  return make_result(
      "add", detail::binary_forward("add", detail::AddFunction(), a.value(), b.value()),
      [a_shape = a.shape(), b_shape = b.shape()](BackwardContext<T>& context) {
        if (context.needs(0)) context.accumulate(0, kernels::reduce_to(context.dout(), a_shape));
        if (context.needs(1)) context.accumulate(1, kernels::reduce_to(context.dout(), b_shape));
      },
      a, b);
}

/// a - b.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** nothing.
template <class T>
Tensor<T> sub(const Tensor<T>& a, const Tensor<T>& b) {
  return make_result(
      "sub", detail::binary_forward("sub", detail::SubFunction(), a.value(), b.value()),
      [a_shape = a.shape(), b_shape = b.shape()](BackwardContext<T>& context) {
        if (context.needs(0)) context.accumulate(0, kernels::reduce_to(context.dout(), a_shape));
        if (context.needs(1)) {
          const NdArray<T> db = kernels::reduce_to(context.dout(), b_shape);
          context.accumulate(1, kernels::broadcast_map<T>(detail::NegFunction(), b_shape, db));
        }
      },
      a, b);
}

/// a b, element by element.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** the inputs.
template <class T>
Tensor<T> mul(const Tensor<T>& a, const Tensor<T>& b) {
  const NdArray<T> x = a.value();
  const NdArray<T> y = b.value();
  return make_result(
      "mul", detail::binary_forward("mul", detail::MulFunction(), x, y),
      [x, y](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        const detail::MulFunction f;
        if (context.needs(0)) {
          context.accumulate(
              0, kernels::broadcast_map_reduce_to<T>(f, dout.shape(), x.shape(), dout, y));
        }
        if (context.needs(1)) {
          context.accumulate(
              1, kernels::broadcast_map_reduce_to<T>(f, dout.shape(), y.shape(), dout, x));
        }
      },
      a, b);
}

/// a / b, element by element.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** b and the result.
template <class T>
Tensor<T> div(const Tensor<T>& a, const Tensor<T>& b) {
  const NdArray<T> divisor = b.value();
  const NdArray<T> y = detail::binary_forward("div", detail::DivFunction(), a.value(), divisor);
  return make_result(
      "div", y,
      [y, divisor, a_shape = a.shape()](BackwardContext<T>& context) {
        const NdArray<T>& dout = context.dout();
        if (context.needs(0)) {
          context.accumulate(0, kernels::broadcast_map_reduce_to<T>(
                                    detail::DivFunction(), dout.shape(), a_shape, dout, divisor));
        }
        if (context.needs(1)) {
          context.accumulate(
              1, kernels::broadcast_map_reduce_to<T>(detail::DivByBackward(), dout.shape(),
                                                     divisor.shape(), dout, y, divisor));
        }
      },
      a, b);
}

/// The larger of a and b; NaN if one of them is. Where they are equal each gets half the gradient.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** the inputs.
template <class T>
Tensor<T> maximum(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::extreme_op<true>("maximum", a, b);
}

/// The smaller of a and b; NaN if one of them is. Where they are equal each gets half the gradient.
///
/// **Shapes** a (...), b (...), result: both broadcast. **Throws** ShapeError if they do not.
/// **Saves** the inputs.
template <class T>
Tensor<T> minimum(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::extreme_op<false>("minimum", a, b);
}

template <class T>
Tensor<T> operator+(const Tensor<T>& a, const Tensor<T>& b) {
  return add(a, b);
}
template <class T>
Tensor<T> operator-(const Tensor<T>& a, const Tensor<T>& b) {
  return sub(a, b);
}
template <class T>
Tensor<T> operator*(const Tensor<T>& a, const Tensor<T>& b) {
  return mul(a, b);
}
template <class T>
Tensor<T> operator/(const Tensor<T>& a, const Tensor<T>& b) {
  return div(a, b);
}
EIGENGRAD_INSTANTIATE(Tensor<float> add(const Tensor<float>&, const Tensor<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> add(const Tensor<double>&, const Tensor<double>&))
EIGENGRAD_INSTANTIATE(Tensor<float> sub(const Tensor<float>&, const Tensor<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> sub(const Tensor<double>&, const Tensor<double>&))
EIGENGRAD_INSTANTIATE(Tensor<float> mul(const Tensor<float>&, const Tensor<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> mul(const Tensor<double>&, const Tensor<double>&))
EIGENGRAD_INSTANTIATE(Tensor<float> div(const Tensor<float>&, const Tensor<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> div(const Tensor<double>&, const Tensor<double>&))

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
