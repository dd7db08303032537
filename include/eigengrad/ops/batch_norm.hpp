// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <utility>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/norm/batch_norm.hpp>
#include <eigengrad/ops/batch_norm_averaging.hpp>
#include <eigengrad/ops/checks.hpp>
#include <eigengrad/ops/layer_norm.hpp>

/// Batch normalisation: y = (x - mean) / sqrt(var + eps) * weight + bias, with one mean and
/// variance for each channel: the batch's in training, running averages of them otherwise.
///
/// **Source** S. Ioffe, C. Szegedy, "Batch normalization", 2015;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
namespace eigengrad {

struct BatchNormArguments {
  /// Use the batch's statistics and update the running ones.
  bool training = false;
  /// Weight of the new statistics in the running ones, in [0, 1].
  double momentum = 0.1;
  /// Added to the variance; not negative.
  double eps = 1e-5;
};
using BatchNorm1dArguments = BatchNormArguments;
using BatchNorm2dArguments = BatchNormArguments;

namespace detail {

/// The kernel's view of statistics that are stored as (3, C).
template <class T>
kernels::ChannelStatistics<T> channel_statistics(const NdArray<T>& statistics) {
  const auto s = row_statistics(statistics);
  return {s.mean, s.offset, s.rstd};
}

/// x is (B, C, ...).
inline kernels::ImagePlanes planes_of(const Shape& x) {
  return {x[0], x[1], numel_between(x, 2, x.rank())};
}

/// (3, C) statistics of x (B, C, ...); moves the running mean and variance (C) towards them.
template <class T>
NdArray<T> batch_norm_training_statistics(const NdArray<T>& x, NdArray<T>& running_mean,
                                          NdArray<T>& running_var,
                                          const BatchNormArguments& arguments) {
  const kernels::ImagePlanes planes = planes_of(x.shape());
  NdArray<T> statistics(Shape{3, planes.channels});
  NdArray<T> mean(running_mean.shape());
  NdArray<T> variance(running_var.shape());
  kernels::batch_statistics(channel_statistics(statistics), mean.data(), variance.data(), x.data(),
                            planes, static_cast<T>(arguments.eps));
  const double count = static_cast<double>(planes.per_channel());
  const T momentum = static_cast<T>(batch_norm_momentum(arguments.momentum));
  running_mean.make_unique();
  running_var.make_unique();
  running_mean.array() = (1 - momentum) * running_mean.array() + momentum * mean.array();
  // The running variance estimates the population's, hence count - 1.
  variance.array() *= static_cast<T>(count / (count - 1));
  running_var.array() = (1 - momentum) * running_var.array() + momentum * variance.array();
  return statistics;
}

/// (3, C) statistics from running ones.
template <class T>
NdArray<T> batch_norm_running_statistics(const NdArray<T>& running_mean,
                                         const NdArray<T>& running_var, double eps) {
  const Index channels = running_mean.numel();
  NdArray<T> statistics(Shape{3, channels});
  const auto s = channel_statistics(statistics);
  for (Index c = 0; c < channels; ++c) {
    s.mean[c] = running_mean.data()[c];
    s.offset[c] = 0;
    s.rstd[c] = T(1) / std::sqrt(running_var.data()[c] + static_cast<T>(eps));
  }
  return statistics;
}

template <class T>
NdArray<T> batch_norm_forward(const NdArray<T>& statistics, const NdArray<T>& x,
                              const NdArray<T>& weight, const NdArray<T>& bias) {
  NdArray<T> y(x.shape());
  kernels::batch_norm(y.data(), channel_statistics(statistics), x.data(), weight.data(),
                      bias.data(), planes_of(x.shape()));
  return y;
}

/// Writes or adds dx unless it is null; writes dweight and dbias.
template <class T>
void batch_norm_backward(T* dx, bool add, NdArray<T>& dweight, NdArray<T>& dbias,
                         const NdArray<T>& dout, const NdArray<T>& statistics, const NdArray<T>& x,
                         const NdArray<T>& weight, bool training) {
  kernels::batch_norm_backward(dx, add, dweight.data(), dbias.data(), dout.data(), x.data(),
                               channel_statistics(statistics), weight.data(), training,
                               planes_of(x.shape()));
}

template <class T>
void check_batch_norm(const char* op, const Shape& x, const Tensor<T>& weight,
                      const Tensor<T>& bias, const Shape& running_mean, const Shape& running_var,
                      const BatchNormArguments& arguments) {
  auto check = [&](const char* name, const Shape& shape) {
    if (!(shape == Shape{x[1]})) {
      throw ShapeError(concat("[", op, "] ", name, " must have one element per channel: ", name,
                              " ", shape, ", x ", x));
    }
  };
  if (weight.defined()) check("weight", weight.shape());
  if (bias.defined()) check("bias", bias.shape());
  check("running_mean", running_mean);
  check("running_var", running_var);
  check_eps(op, arguments.eps);
  check_probability(op, "momentum", arguments.momentum);
  if (arguments.training && planes_of(x).per_channel() < 2) {
    throw ShapeError(concat("[", op, "] training needs at least two values per channel: x ", x));
  }
}

template <class T>
Tensor<T> batch_norm_op(const char* op, const Tensor<T>& x, const Tensor<T>& weight,
                        const Tensor<T>& bias, NdArray<T>& running_mean, NdArray<T>& running_var,
                        const BatchNormArguments& arguments) {
  check_batch_norm(op, x.shape(), weight, bias, running_mean.shape(), running_var.shape(),
                   arguments);
  const Shape channels{x.shape()[1]};
  NdArray<T> w = weight.defined() ? weight.value() : NdArray<T>::ones(channels);
  const NdArray<T> b = bias.defined() ? bias.value() : NdArray<T>::zeros(channels);
  NdArray<T> statistics =
      arguments.training
          ? batch_norm_training_statistics(x.value(), running_mean, running_var, arguments)
          : batch_norm_running_statistics(running_mean, running_var, arguments.eps);
  NdArray<T> y = batch_norm_forward(statistics, x.value(), w, b);
  return make_result(
      op, std::move(y),
      [in = x.value(), w, statistics, training = arguments.training](BackwardContext<T>& context) {
        NdArray<T> dweight(w.shape());
        NdArray<T> dbias(w.shape());
        T* dx = nullptr;
        bool add = false;
        if (context.needs(0)) {
          auto sink = context.sink(0);
          dx = sink.grad.data();
          add = sink.accumulate;
        }
        batch_norm_backward(dx, add, dweight, dbias, context.dout(), statistics, in, w, training);
        context.accumulate(1, std::move(dweight));
        context.accumulate(2, std::move(dbias));
      },
      x, weight, bias);
}

}  // namespace detail

/// Gives each channel mean 0 and variance 1, then scales and shifts it. In training it moves
/// `running_mean` and `running_var` towards the batch's, the latter with the unbiased variance.
///
/// **Shapes** x (B, C, H, W), all others (C), weight and bias may be undefined; result as x.
/// **Throws** ShapeError when the shapes do not fit or training has only one value per channel,
/// ValueError on arguments outside their range. **Saves** x and three numbers per channel.
template <class T>
Tensor<T> batch_norm2d(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias,
                       NdArray<T>& running_mean, NdArray<T>& running_var,
                       const BatchNorm2dArguments& arguments = {}) {
  detail::check_images("batch_norm2d", x.shape());
  return detail::batch_norm_op("batch_norm2d", x, weight, bias, running_mean, running_var,
                               arguments);
}

/// The same of vectors (B, C) or sequences (B, C, T).
template <class T>
Tensor<T> batch_norm1d(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias,
                       NdArray<T>& running_mean, NdArray<T>& running_var,
                       const BatchNorm1dArguments& arguments = {}) {
  if (x.rank() != 2 && x.rank() != 3) {
    throw ShapeError(detail::concat("[batch_norm1d] x must be (B, C) or (B, C, T): x ", x.shape()));
  }
  return detail::batch_norm_op("batch_norm1d", x, weight, bias, running_mean, running_var,
                               arguments);
}

}  // namespace eigengrad
