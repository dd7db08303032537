// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/conv2d.hpp>

namespace eigengrad::models {

struct WhiteningOptions {
  /// Side of the filters in pixels; 0 in a tokenizer's options means no such layer.
  Index kernel = 0;
  /// Pixels of zeros around the image.
  Index padding = 0;
  Activation activation = Activation::kGelu;
  /// Without it the layer learns nothing, and the next layer needs no gradient of its input, which
  /// saves a twentieth of a training step.
  bool bias = true;
};

template <class Visit>
void visit_fields(WhiteningOptions& o, Visit&& visit) {
  visit("kernel", o.kernel);
  visit("padding", o.padding);
  visit("activation", o.activation);
  visit("bias", o.bias);
}

/// A first convolution whose filters are computed from the training images instead of learned: they
/// make the pixels of a small patch uncorrelated and of one size. Each comes with its negative, so
/// that an activation loses nothing. The bias, if any, is learned.
///
/// The filters are zero until `set_filters` or a state dict gives them;
/// `initialize_whitening` of models/whitening_filters.hpp computes them from a data set.
/// **Parameters** bias (2 C k k) of zeros. **Buffers** weight (2 C k k, C, k, k).
/// **Shapes** x (B, C, H, W), result (B, 2 C k k, H + 2 padding - k + 1, the same for W).
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

  /// The result's channels.
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
