// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/saved_input.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/ops/linear.hpp>

/// The MLP of a transformer, y = act(x W1^T + b1) W2^T + b2 + residual, as one op.
///
/// Two `linear` give the same numbers. Together they save a pass over the widest array of the
/// model in backward: the second product multiplies the gradient by the activation's derivative
/// while it is in cache, and forward computes the derivative along with the value.
namespace eigengrad {

/// What `mlp` does between and after the products.
template <class T>
struct MlpArguments {
  Activation activation = Activation::kGelu;
  /// Added to the result, in its shape; undefined for none.
  Tensor<T> residual = {};
};

namespace detail {

/// Sizes of x (m, in), the hidden layer (m, hidden) and y (m, out).
struct MlpSize {
  Index m, in, hidden, out;
  LinearSize first() const { return {m, hidden, in}; }
  LinearSize second() const { return {m, out, hidden}; }
};

/// What forward keeps; inputs are x, W1, b1, W2, b2, residual.
template <class T>
struct MlpSaved {
  SavedInput<T> x;
  NdArray<T> weight1, weight2;
  NdArray<T> h, derivative;
  MlpSize size;
};

/// Puts every gradient into `context`.
template <class T>
void mlp_backward(BackwardContext<T>& context, const MlpSaved<T>& saved) {
  const MlpSize& s = saved.size;
  const NdArray<T> dout = context.dout();
  context.accumulate(5, dout);  // the residual's, shared
  linear_backward_parameters(
      context, 3, dout, [&] { return saved.h; }, s.second());
  if (!context.needs(0) && !context.needs(1) && !context.needs(2)) return;
  NdArray<T> dh(saved.derivative.shape());
  context.count_macs(s.second().macs());
  linear_backward_input(dh.data(), false, dout.data(), saved.weight2.data(), s.second(),
                        static_cast<const T*>(saved.derivative.data()));
  if (context.needs(0)) {
    auto sink = context.sink(0);
    context.count_macs(s.first().macs());
    linear_backward_input(sink.grad.data(), sink.accumulate, dh.data(), saved.weight1.data(),
                          s.first());
  }
  linear_backward_parameters(
      context, 1, dh, [&] { return saved.x.get(context, 0); }, s.first());
}

template <class T>
void mlp_check(const Tensor<T>& x, const Tensor<T>& weight1, const Tensor<T>& bias1,
               const Tensor<T>& weight2, const Tensor<T>& bias2, const Tensor<T>& residual) {
  auto fail = [](const auto&... text) { throw ShapeError(concat("[mlp] ", text...)); };
  if (weight1.rank() != 2 || weight2.rank() != 2 || weight2.dim(1) != weight1.dim(0)) {
    fail("weight1 must be (hidden, in) and weight2 (out, hidden): weight1 ", weight1.shape(),
         ", weight2 ", weight2.shape());
  }
  if (x.rank() < 1 || x.dim(-1) != weight1.dim(1)) {
    fail("the last axis of x must match weight1's: x ", x.shape(), ", weight1 ", weight1.shape());
  }
  auto check_bias = [&](const char* layer, const Tensor<T>& bias, const Tensor<T>& weight) {
    if (bias.defined() && !(bias.shape() == Shape{weight.dim(0)})) {
      fail("bias", layer, " must have one element for each output: bias", layer, " ", bias.shape(),
           ", weight", layer, " ", weight.shape());
    }
  };
  check_bias("1", bias1, weight1);
  check_bias("2", bias2, weight2);
  Shape out = x.shape();
  out[out.rank() - 1] = weight2.dim(0);
  if (residual.defined() && !(residual.shape() == out)) {
    fail("residual must have the result's shape: residual ", residual.shape(), ", result ", out);
  }
}

}  // namespace detail

/// act(x W1^T + b1) W2^T + b2 + residual.
///
/// **Shapes** x (..., in), weight1 (hidden, in), bias1 (hidden), weight2 (out, hidden), bias2
/// (out), residual (..., out), result (..., out). Either bias may be undefined. **Throws**
/// ShapeError when these do not fit.
/// **Saves** x, the weights, the hidden layer and the activation's derivative there.
template <class T>
Tensor<T> mlp(const Tensor<T>& x, const Tensor<T>& weight1, const Tensor<T>& bias1,
              const Tensor<T>& weight2, const Tensor<T>& bias2,
              const MlpArguments<T>& arguments = {}) {
  const Tensor<T>& residual = arguments.residual;
  detail::mlp_check(x, weight1, bias1, weight2, bias2, residual);
  const detail::MlpSize s{x.value().rows(), weight1.dim(1), weight1.dim(0), weight2.dim(0)};
  Shape shape = x.shape();
  shape[shape.rank() - 1] = s.hidden;
  NdArray<T> h(shape);
  NdArray<T> derivative;
  if (detail::records(x, weight1, bias1, weight2, bias2, residual)) {
    derivative = NdArray<T>(shape);
  }
  auto data = [](const Tensor<T>& t) { return t.defined() ? t.value().data() : nullptr; };
  detail::linear_forward<T>(
      h.data(), data(x), data(weight1),
      {.bias = data(bias1), .activation = arguments.activation, .derivative = derivative.data()},
      s.first());
  shape[shape.rank() - 1] = s.out;
  NdArray<T> y(shape);
  detail::linear_forward<T>(y.data(), h.data(), data(weight2),
                            {.bias = data(bias2), .residual = data(residual)}, s.second());
  detail::MlpSaved<T> saved{SavedInput<T>(x), weight1.value(), weight2.value(), h, derivative, s};
  return make_result(
      {"mlp", s.first().macs() + s.second().macs()}, y,
      [saved = std::move(saved)](BackwardContext<T>& context) {
        detail::mlp_backward(context, saved);
      },
      x, weight1, bias1, weight2, bias2, residual);
}

EIGENGRAD_INSTANTIATE(Tensor<float> mlp(const Tensor<float>&, const Tensor<float>&,
                                        const Tensor<float>&, const Tensor<float>&,
                                        const Tensor<float>&, const MlpArguments<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> mlp(const Tensor<double>&, const Tensor<double>&,
                                         const Tensor<double>&, const Tensor<double>&,
                                         const Tensor<double>&, const MlpArguments<double>&))

}  // namespace eigengrad
