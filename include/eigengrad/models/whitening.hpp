// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/conv2d.hpp>

namespace eigengrad::models {

struct WhiteningOptions {
  /// Side of the filters in pixels; 0 means no such layer where it is an option of a model.
  Index kernel = 0;
  /// Zeros around the image.
  Index padding = 0;
  Activation activation = Activation::kGelu;
  /// Without it the layer learns nothing, and the layer behind it needs no gradient of its input: a
  /// twentieth of a training step.
  bool bias = true;
};

/// A first convolution that is computed from the training images instead of learned: its filters
/// make the pixels of a small patch uncorrelated and of one size; each comes with its negative, so
/// that an activation loses nothing. The bias, if any, is learned.
///
/// The filters are zero until `set_filters`, or a state dict, gives them;
/// `whitening_filters` of models/whitening_filters.hpp computes them.
/// **Parameters** bias (2 C k k) of zeros. **Buffers** weight (2 C k k, C, k, k).
/// **Shapes** x (B, C, H, W), result (B, 2 C k k, H + 2 padding - k + 1, the same of W).
/// **Source** K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
template <class T>
class Whitening : public nn::Module<T> {
 public:
  /// **Throws** ValueError on sizes out of range.
  Whitening(Index channels_in, const WhiteningOptions& options)
      : nn::Module<T>("Whitening"), options_(options) {
    const Index k = options.kernel;
    if (channels_in < 1 || k < 1 || options.padding < 0) {
      throw ValueError(detail::concat(
          "[whitening] sizes must be positive, padding not negative: ", "channels_in ", channels_in,
          ", kernel ", k, ", padding ", options.padding));
    }
    const Index filters = 2 * channels_in * k * k;
    weight_ = this->add_buffer("weight", NdArray<T>::zeros({filters, channels_in, k, k}));
    if (options.bias) {
      bias_ = this->add_parameter("bias", NdArray<T>::zeros({filters}), {ParameterKind::kBias});
    }
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return activate(conv2d(x, Tensor<T>(*weight_), bias_, {.padding = options_.padding}),
                    options_.activation);
  }

  /// Filters (2 C k k, C, k, k). **Throws** ShapeError on another shape.
  void set_filters(const NdArray<T>& filters) const {
    if (!(filters.shape() == weight_->shape())) {
      throw ShapeError(detail::concat("[whitening] filters must be ", weight_->shape(),
                                      ": filters ", filters.shape()));
    }
    std::copy(filters.begin(), filters.end(), weight_->begin());
  }

  /// Of the result.
  Index channels() const { return weight_->dim(0); }
  const WhiteningOptions& options() const { return options_; }
  /// Side of the result for images of this side; 0 if they are too small.
  Index output_side(Index side) const {
    return std::max<Index>(0, side + 2 * options_.padding - options_.kernel + 1);
  }

 private:
  WhiteningOptions options_;
  std::shared_ptr<NdArray<T>> weight_;
  Tensor<T> bias_;
};

}  // namespace eigengrad::models
