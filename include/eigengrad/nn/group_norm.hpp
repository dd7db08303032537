// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/group_norm.hpp>

namespace eigengrad::nn {

struct GroupNormOptions {
  /// Divides the channels; 1 normalises each sample as a whole.
  Index groups = 0;
  Index channels = 0;
  double eps = 1e-5;
  /// Whether it has a weight and a bias.
  bool affine = true;
};

/// (x - mean) / sqrt(variance + eps) weight + bias, with the mean and variance of each group of
/// channels of each sample.
///
/// **Parameters** weight (C) of ones, bias (C) of zeros.
/// **Shapes** x (B, C, ...), result (B, C, ...).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
template <class T>
class GroupNorm : public Module<T> {
 public:
  /// **Throws** ValueError unless groups and channels are positive and the former divides the
  /// latter.
  explicit GroupNorm(const GroupNormOptions& options) : Module<T>("GroupNorm"), options_(options) {
    detail::check_positive("group_norm",
                           {{"groups", options.groups}, {"channels", options.channels}});
    if (options.channels % options.groups != 0) {
      throw ValueError(detail::concat("[group_norm] groups must divide the channels: groups ",
                                      options.groups, ", channels ", options.channels));
    }
    if (!options.affine) return;
    const Shape shape{options.channels};
    weight_ = this->add_parameter("weight", NdArray<T>::ones(shape), {ParameterKind::kNorm});
    bias_ = this->add_parameter("bias", NdArray<T>::zeros(shape), {ParameterKind::kNorm});
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return group_norm(x, options_.groups, weight_, bias_, options_.eps);
  }

 private:
  GroupNormOptions options_;
  Tensor<T> weight_;
  Tensor<T> bias_;
};

}  // namespace eigengrad::nn
