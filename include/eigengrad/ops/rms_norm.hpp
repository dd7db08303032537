// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/norm/layer_norm.hpp>
#include <eigengrad/ops/checks.hpp>

/// Root mean square normalisation over the last axis: y = x / sqrt(mean(x^2) + eps) * weight.
///
/// **Source** B. Zhang, R. Sennrich, "Root mean square layer normalization", 2019;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html
namespace eigengrad {

namespace detail {

/// y and rstd (rows) from x (..., n), weight (n).
template <class T>
NdArray<T> rms_norm_forward(NdArray<T>& rstd, const NdArray<T>& x, const NdArray<T>& weight,
                            double eps) {
  NdArray<T> y(x.shape());
  rstd = NdArray<T>(Shape{x.rows()});
  kernels::norm<T, false>(y.data(), {nullptr, nullptr, rstd.data()}, x.data(), weight.data(),
                          nullptr, x.rows(), x.cols(), static_cast<T>(eps));
  return y;
}

/// Writes or adds dx, writes dweight; null pointers are left out.
template <class T>
void rms_norm_backward(T* dx, bool add, T* dweight, const NdArray<T>& dout, const NdArray<T>& rstd,
                       const NdArray<T>& x, const NdArray<T>& weight) {
  T* only_read = const_cast<T*>(rstd.data());  // the kernels share one type of statistics
  kernels::norm_backward<T, false>(dx, add, dweight, nullptr, dout.data(), x.data(),
                                   {nullptr, nullptr, only_read}, weight.data(), x.rows(),
                                   x.cols());
}

}  // namespace detail

/// Gives each vector along the last axis a mean square of 1, then scales it.
///
/// **Shapes** x (..., n), weight (n) or undefined, result (..., n). `eps` is added to the mean
/// square. **Throws** ShapeError when the sizes differ, ValueError when `eps` is negative.
/// **Saves** x and one number per row. PyTorch's default for `eps` is the type's machine epsilon:
/// pass `eps` to compare.
template <class T>
Tensor<T> rms_norm(const Tensor<T>& x, const Tensor<T>& weight = {}, double eps = 1e-6) {
  detail::check_norm_parameter("rms_norm", "weight", weight, x.shape());
  detail::check_eps("rms_norm", eps);
  NdArray<T> w = weight.defined() ? weight.value() : NdArray<T>::ones({x.shape().back()});
  NdArray<T> rstd;
  NdArray<T> y = detail::rms_norm_forward(rstd, x.value(), w, eps);
  return make_result(
      "rms_norm", std::move(y),
      [in = x.value(), w, rstd](BackwardContext<T>& context) {
        NdArray<T> dweight;
        if (context.needs(1)) dweight = NdArray<T>(w.shape());
        T* dx = nullptr;
        bool add = false;
        if (context.needs(0)) {
          auto sink = context.sink(0);
          dx = sink.grad.data();
          add = sink.accumulate;
        }
        detail::rms_norm_backward(dx, add, dweight.data(), context.dout(), rstd, in, w);
        context.accumulate(1, std::move(dweight));
      },
      x, weight);
}

}  // namespace eigengrad
