// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/norm/layer_norm.hpp>
#include <eigengrad/kernels/norm/norm_rebuild.hpp>
#include <eigengrad/ops/checks.hpp>

/// Layer normalisation over the last axis: y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias,
/// with the variance of the population (divided by n).
///
/// **Source** J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html
namespace eigengrad {

namespace detail {

/// The kernel's view of statistics that are stored as (3, rows).
template <class T>
kernels::RowStatistics<T> row_statistics(const NdArray<T>& statistics) {
  T* data = const_cast<T*>(statistics.data());  // the kernels share one type; backward only reads
  const Index rows = statistics.dim(1);
  return {data, data + rows, data + 2 * rows};
}

/// y and statistics (3, rows) from x (..., n), weight (n), bias (n).
template <class T>
NdArray<T> layer_norm_forward(NdArray<T>& statistics, const NdArray<T>& x, const NdArray<T>& weight,
                              const NdArray<T>& bias, double eps) {
  NdArray<T> y(x.shape());
  statistics = NdArray<T>(Shape{3, x.rows()});
  kernels::norm<T, true>(y.data(), row_statistics(statistics), x.data(), weight.data(), bias.data(),
                         x.rows(), x.cols(), static_cast<T>(eps));
  return y;
}

/// Writes or adds dx; writes dweight and dbias. Null pointers are left out, the last two together.
template <class T>
void layer_norm_backward(T* dx, bool add, T* dweight, T* dbias, const NdArray<T>& dout,
                         const NdArray<T>& statistics, const NdArray<T>& x,
                         const NdArray<T>& weight) {
  kernels::norm_backward<T, true>(dx, add, dweight, dbias, dout.data(), x.data(),
                                  row_statistics(statistics), weight.data(), x.rows(), x.cols());
}

/// What backward needs. The result is as cheap to compute again as to read.
template <class T>
struct LayerNormGraph {
  NdArray<T> x, weight, bias, statistics;

  void operator()(BackwardContext<T>& context) const {
    NdArray<T> dweight;
    NdArray<T> dbias;
    if (context.needs(1) || context.needs(2)) {
      dweight = NdArray<T>(weight.shape());
      dbias = NdArray<T>(weight.shape());
    }
    T* dx = nullptr;
    bool add = false;
    if (context.needs(0)) {
      auto sink = context.sink(0);
      dx = sink.grad.data();
      add = sink.accumulate;
    }
    layer_norm_backward(dx, add, dweight.data(), dbias.data(), context.dout(), statistics, x,
                        weight);
    context.accumulate(1, std::move(dweight));
    context.accumulate(2, std::move(dbias));
  }

  bool can_rebuild() const { return true; }
  NdArray<T> rebuild() const {
    NdArray<T> y(x.shape());
    kernels::norm_rebuild(y.data(), row_statistics(statistics), x.data(), weight.data(),
                          bias.data(), x.rows(), x.cols());
    return y;
  }
};

}  // namespace detail

/// Gives each vector along the last axis mean 0 and variance 1, then scales and shifts it.
///
/// **Shapes** x (..., n), weight (n) or undefined, bias (n) or undefined, result (..., n).
/// `eps` is added to the variance. **Throws** ShapeError when the sizes differ, ValueError when
/// `eps` is negative. **Saves** x and three numbers per row; its result
/// is computed again if another op's backward reads it.
template <class T>
Tensor<T> layer_norm(const Tensor<T>& x, const Tensor<T>& weight = {}, const Tensor<T>& bias = {},
                     double eps = 1e-5) {
  detail::check_norm_parameter("layer_norm", "weight", weight, x.shape());
  detail::check_norm_parameter("layer_norm", "bias", bias, x.shape());
  detail::check_eps("layer_norm", eps);
  const Shape last{x.shape().back()};
  NdArray<T> w = weight.defined() ? weight.value() : NdArray<T>::ones(last);
  const NdArray<T> b = bias.defined() ? bias.value() : NdArray<T>::zeros(last);
  NdArray<T> statistics;
  NdArray<T> y = detail::layer_norm_forward(statistics, x.value(), w, b, eps);
  return make_result("layer_norm", std::move(y),
                     detail::LayerNormGraph<T>{x.value(), w, b, statistics}, x, weight, bias);
}

EIGENGRAD_INSTANTIATE(Tensor<float> layer_norm(const Tensor<float>&, const Tensor<float>&,
                                               const Tensor<float>&, double))
EIGENGRAD_INSTANTIATE(Tensor<double> layer_norm(const Tensor<double>&, const Tensor<double>&,
                                                const Tensor<double>&, double))

}  // namespace eigengrad
