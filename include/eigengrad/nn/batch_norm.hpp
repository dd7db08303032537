// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/batch_norm.hpp>

namespace eigengrad::nn {

struct BatchNormOptions {
  Index channels = 0;
  double eps = 1e-5;
  /// Share of the new batch in the running statistics.
  double momentum = 0.1;
};
using BatchNorm1dOptions = BatchNormOptions;
using BatchNorm2dOptions = BatchNormOptions;

/// The base of both: (x - mean) / sqrt(variance + eps) weight + bias per channel, with the batch's
/// statistics in training, which also updates the running ones, and with the running ones in
/// evaluation.
///
/// **Parameters** weight (C) of ones, bias (C) of zeros.
/// **Buffers** running_mean (C) of zeros, running_var (C) of ones.
template <class T>
class BatchNorm : public Module<T> {
 protected:
  /// **Throws** ValueError unless channels is positive; `name` stands in the message.
  BatchNorm(const char* kind, const char* name, const BatchNormOptions& options)
      : Module<T>(kind), options_(options) {
    detail::check_positive(name, {{"channels", options.channels}});
    const Shape shape{options.channels};
    weight_ = this->add_parameter("weight", NdArray<T>::ones(shape), {ParameterKind::kNorm});
    bias_ = this->add_parameter("bias", NdArray<T>::zeros(shape), {ParameterKind::kNorm});
    running_mean_ = this->add_buffer("running_mean", NdArray<T>::zeros(shape));
    running_var_ = this->add_buffer("running_var", NdArray<T>::ones(shape));
    this->ignore_on_load("num_batches_tracked");  // PyTorch's files have it
  }

  BatchNormArguments arguments() const {
    return {.training = this->training(), .momentum = options_.momentum, .eps = options_.eps};
  }

  BatchNormOptions options_;
  Tensor<T> weight_;
  Tensor<T> bias_;
  std::shared_ptr<NdArray<T>> running_mean_;
  std::shared_ptr<NdArray<T>> running_var_;
};

/// `BatchNorm` of images.
///
/// **Shapes** x (B, C, H, W), result (B, C, H, W).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
template <class T>
class BatchNorm2d : public BatchNorm<T> {
 public:
  /// **Throws** ValueError unless channels is positive.
  explicit BatchNorm2d(const BatchNorm2dOptions& options)
      : BatchNorm<T>("BatchNorm2d", "batch_norm2d", options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return batch_norm2d(x, this->weight_, this->bias_, *this->running_mean_, *this->running_var_,
                        this->arguments());
  }
};

/// `BatchNorm` of vectors or sequences.
///
/// **Shapes** x (B, C) or (B, C, T), result as x.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
template <class T>
class BatchNorm1d : public BatchNorm<T> {
 public:
  /// **Throws** ValueError unless channels is positive.
  explicit BatchNorm1d(const BatchNorm1dOptions& options)
      : BatchNorm<T>("BatchNorm1d", "batch_norm1d", options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return batch_norm1d(x, this->weight_, this->bias_, *this->running_mean_, *this->running_var_,
                        this->arguments());
  }
};

}  // namespace eigengrad::nn
