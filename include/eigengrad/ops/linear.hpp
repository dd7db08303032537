// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/saved_input.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/activation_map.hpp>
#include <eigengrad/kernels/column_sum.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>

/// The linear layer y = act(x W^T + b) + residual, one matrix product and all that follows it.
///
/// Bias, activation and residual are applied to a block of the product while it is in cache; as
/// ops of their own each would read and write the whole result once more.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
namespace eigengrad {

/// What `linear` does after the product.
template <class T>
struct LinearArguments {
  Activation activation = Activation::kNone;
  /// Added after the activation, in the result's shape; undefined for none.
  Tensor<T> residual = {};
};

namespace detail {

/// Sizes of y (m, n) = x (m, k) W^T, W (n, k).
struct LinearSize {
  Index m, n, k;
  double macs() const {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
};

/// y = x W^T, then the epilogue, whose arrays are all as wide as y.
template <class T>
void linear_forward(T* y, const T* x, const T* weight, kernels::GemmEpilogue<T> epilogue,
                    LinearSize s) {
  epilogue.ld_pre = epilogue.ld_derivative = epilogue.ld_residual = s.n;
  kernels::Gemm<T> g{.m = s.m, .n = s.n, .k = s.k, .a = x, .lda = s.k, .b = weight, .ldb = s.k};
  g.transpose_b = true;
  g.c = y;
  g.ldc = s.n;
  g.epilogue = epilogue;
  kernels::gemm(g);
}

/// dx (m, k) = d (m, n) . W (n, k), times `factor` (m, k) unless that is null.
template <class T>
void linear_backward_input(T* dx, bool accumulate, const T* d, const T* weight, LinearSize s,
                           const T* factor = nullptr) {
  kernels::Gemm<T> g{.m = s.m, .n = s.k, .k = s.n, .a = d, .lda = s.n, .b = weight, .ldb = s.k};
  g.c = dx;
  g.ldc = s.k;
  g.accumulate = accumulate;
  g.epilogue.factor = factor;
  g.epilogue.ld_factor = s.k;
  kernels::gemm(g);
}

/// dW (n, k) = d^T (n, m) . x (m, k), and db (n) += sum of d over rows unless it is null.
template <class T>
void linear_backward_weight(T* dweight, T* dbias, bool accumulate, const T* d, const T* x,
                            LinearSize s) {
  kernels::Gemm<T> g{.m = s.n, .n = s.k, .k = s.m, .a = d, .lda = s.n, .b = x, .ldb = s.k};
  g.transpose_a = true;
  g.c = dweight;
  g.ldc = s.k;
  g.accumulate = accumulate;
  g.row_sums = dbias;
  kernels::gemm(g);
}

/// The gradients of a weight, input `i`, and of its bias, input `i + 1`, from d, that of x W^T + b.
/// `x()` is called for the layer's input only if that is needed.
template <class T, class X>
void linear_backward_parameters(BackwardContext<T>& context, std::size_t i, const NdArray<T>& d,
                                X x, LinearSize s) {
  T* dbias = nullptr;
  if (context.needs(i + 1)) {
    auto sink = context.sink(i + 1);
    if (!sink.accumulate) std::fill(sink.grad.begin(), sink.grad.end(), T(0));
    dbias = sink.grad.data();
  }
  const bool product = context.needs(i) && s.k > 0;
  if (dbias && !product) kernels::column_sum(dbias, d.data(), s.m, s.n, true);
  if (!context.needs(i)) return;
  const NdArray<T> input = x();
  auto sink = context.sink(i);
  context.count_macs(s.macs());
  linear_backward_weight(sink.grad.data(), product ? dbias : nullptr, sink.accumulate, d.data(),
                         input.data(), s);
}

/// Puts every gradient into `context`. `pre` is unused when there is no activation.
template <class T>
void linear_backward(BackwardContext<T>& context, const SavedInput<T>& x, const NdArray<T>& weight,
                     const NdArray<T>& pre, Activation activation, LinearSize s) {
  context.accumulate(3, context.dout());  // the residual's, shared
  if (!context.needs(0) && !context.needs(1) && !context.needs(2)) return;
  NdArray<T> d;  // d(loss) / d(x W^T + b), in place of dout if nothing else holds that
  if (activation == Activation::kNone) {
    d = context.dout();
  } else {
    const T* dout = context.dout().data();
    d = context.dout().unique() ? context.take_dout() : NdArray<T>(pre.shape());
    kernels::activation_backward(activation, d.data(), dout, pre.data(), d.numel());
  }
  if (context.needs(0)) {
    auto sink = context.sink(0);
    context.count_macs(s.macs());
    linear_backward_input(sink.grad.data(), sink.accumulate, d.data(), weight.data(), s);
  }
  linear_backward_parameters(
      context, 1, d, [&] { return x.get(context, 0); }, s);
}

template <class T>
void linear_check(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias,
                  const Tensor<T>& residual) {
  if (weight.rank() != 2) {
    throw ShapeError(concat("[linear] weight must be (out, in): weight ", weight.shape()));
  }
  if (x.rank() < 1 || x.dim(-1) != weight.dim(1)) {
    throw ShapeError(concat("[linear] the last axis of x must match weight's: x ", x.shape(),
                            ", weight ", weight.shape(), "; weight is (out, in)"));
  }
  if (bias.defined() && !(bias.shape() == Shape{weight.dim(0)})) {
    throw ShapeError(concat("[linear] bias must have one element for each output: bias ",
                            bias.shape(), ", weight ", weight.shape()));
  }
  Shape out = x.shape();
  out[out.rank() - 1] = weight.dim(0);
  if (residual.defined() && !(residual.shape() == out)) {
    throw ShapeError(concat("[linear] residual must have the result's shape: residual ",
                            residual.shape(), ", result ", out));
  }
}

}  // namespace detail

/// act(x W^T + b) + residual.
///
/// **Shapes** x (..., in), weight (out, in), bias (out), residual (..., out), result (..., out).
/// `bias` may be undefined. **Throws** ShapeError when these do not fit.
/// **Saves** x, weight, and with an activation its input.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
template <class T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {},
                 const LinearArguments<T>& arguments = {}) {
  const Tensor<T>& residual = arguments.residual;
  const Activation activation = arguments.activation;
  detail::linear_check(x, weight, bias, residual);
  Shape shape = x.shape();
  shape[shape.rank() - 1] = weight.dim(0);
  const detail::LinearSize size{x.value().rows(), weight.dim(0), weight.dim(1)};

  NdArray<T> y(shape);
  NdArray<T> pre;
  const bool recorded = detail::records(x, weight, bias, residual);
  // The sign of max(x, 0) is that of x as far as its derivative goes, so ReLU needs nothing more
  // than its result, unless a residual is added to it.
  const bool from_result = activation == Activation::kRelu && !residual.defined();
  if (recorded && activation != Activation::kNone) pre = from_result ? y : NdArray<T>(shape);
  auto data = [](const Tensor<T>& t) { return t.defined() ? t.value().data() : nullptr; };
  detail::linear_forward<T>(y.data(), data(x), data(weight),
                            {.bias = data(bias),
                             .activation = activation,
                             .pre_activation = from_result ? nullptr : pre.data(),
                             .residual = data(residual)},
                            size);
  return make_result(
      {"linear", size.macs()}, y,
      [x = SavedInput<T>(x), weight = weight.value(), pre, activation,
       size](BackwardContext<T>& context) {
        detail::linear_backward(context, x, weight, pre, activation, size);
      },
      x, weight, bias, residual);
}

EIGENGRAD_INSTANTIATE(Tensor<float> linear(const Tensor<float>&, const Tensor<float>&,
                                           const Tensor<float>&, const LinearArguments<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> linear(const Tensor<double>&, const Tensor<double>&,
                                            const Tensor<double>&, const LinearArguments<double>&))

}  // namespace eigengrad
