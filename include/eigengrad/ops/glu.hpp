// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/softmax.hpp>

EIGENGRAD_BEGIN_VECTORS

/// The gated linear unit: y = a sigmoid(b), where a and b are the halves of x along an axis.
///
/// **Source** Y. Dauphin et al., "Language modeling with gated convolutional networks", 2017;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.glu.html
namespace eigengrad {

namespace detail {

/// `rows` of x are a (half) and then b (half).
template <class T>
struct GluRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, Index rows, Index half) {
    using V = simd::Vec<T, Arch>;
    for (; rows > 0; --rows, x += 2 * half, y += half) {
      simd::transform<V>(half, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        at.store(y, at.load(x) * vmath::sigmoid(at.load(x + half)));
      });
    }
  }
};

/// da = dout s and db = dout a s (1 - s), with s = sigmoid(b).
template <class T>
struct GluRowsBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, const T* dout, const T* x, Index rows, Index half) {
    using V = simd::Vec<T, Arch>;
    for (; rows > 0; --rows, x += 2 * half, dx += 2 * half, dout += half) {
      simd::transform<V>(half, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        const V s = vmath::sigmoid(at.load(x + half));
        const V da = at.load(dout) * s;
        at.store(dx, da);
        at.store(dx + half, da * (T(1) - s) * at.load(x));
      });
    }
  }
};

template <class T>
NdArray<T> glu_forward(const NdArray<T>& x, Index axis) {
  const AxisSplit s(x.shape(), axis);
  const Index half = s.n / 2 * s.inner;
  Shape shape = x.shape();
  shape[axis] /= 2;
  NdArray<T> y(shape);
  parallel_for(s.outer, row_grain(half), [&](Index begin, Index end) {
    simd::dispatch<GluRows<T>>(y.data() + begin * half, x.data() + begin * 2 * half, end - begin,
                               half);
  });
  return y;
}

template <class T>
NdArray<T> glu_backward(const NdArray<T>& dout, const NdArray<T>& x, Index axis) {
  const AxisSplit s(x.shape(), axis);
  const Index half = s.n / 2 * s.inner;
  NdArray<T> dx(x.shape());
  parallel_for(s.outer, row_grain(half), [&](Index begin, Index end) {
    const Index at = begin * 2 * half;
    simd::dispatch<GluRowsBackward<T>>(dx.data() + at, dout.data() + begin * half, x.data() + at,
                                       end - begin, half);
  });
  return dx;
}

}  // namespace detail

/// The first half of x along `axis`, times the sigmoid of the second.
///
/// **Shapes** x (..., 2 n, ...), result (..., n, ...). **Throws** ShapeError if `axis` is out of
/// range or its size odd. **Saves** x.
template <class T>
Tensor<T> glu(const Tensor<T>& x, Index axis = -1) {
  const Index at = detail::normalize_axis("glu", axis, x.rank());
  if (x.dim(at) % 2 != 0) {
    throw ShapeError(
        detail::concat("[glu] the axis must have an even size: axis ", axis, ", x ", x.shape()));
  }
  return make_result(
      "glu", detail::glu_forward(x.value(), at),
      [in = x.value(), at](BackwardContext<T>& context) {
        context.accumulate(0, detail::glu_backward(context.dout(), in, at));
      },
      x);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
