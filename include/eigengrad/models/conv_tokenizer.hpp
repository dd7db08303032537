// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/whitening.hpp>
#include <eigengrad/nn/batch_norm.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/pool.hpp>
#include <eigengrad/ops/reshape.hpp>

namespace eigengrad::models {

/// Convolutions of one width: the first, pooling, then the others.
struct ConvStage {
  /// The result's channels; 0 in the last stage of a model's options means the model's width.
  Index channels = 0;
  Index convs = 1;
  /// Side of the convolutions' filters. The convolutions have no bias.
  Index kernel = 3;
  /// Stride of the first convolution; the others have 1.
  Index stride = 1;
  /// Pixels of zeros around the image for the first convolution; -1 means kernel / 2, which the
  /// others have.
  Index padding = -1;
  /// Side of the windows of max-pooling; 0 leaves it out.
  Index pool = 3;
  Index pool_stride = 2;
  Index pool_padding = 1;
  /// Batch norm of each convolution's result (the first one's once it is pooled).
  bool batch_norm = false;
  Activation activation = Activation::kRelu;
  /// Adds each convolution's input to its activated result, for all but the first.
  bool residual = false;
};

template <class Visit>
void visit_fields(ConvStage& o, Visit&& visit) {
  visit("channels", o.channels);
  visit("convs", o.convs);
  visit("kernel", o.kernel);
  visit("stride", o.stride);
  visit("padding", o.padding);
  visit("pool", o.pool);
  visit("pool_stride", o.pool_stride);
  visit("pool_padding", o.pool_padding);
  visit("batch_norm", o.batch_norm);
  visit("activation", o.activation);
  visit("residual", o.residual);
}

struct ConvTokenizerOptions {
  static constexpr const char* kKind = "conv";

  /// Channels of the images; 0 in a model's options means the model's.
  Index channels_in = 0;
  /// One stage for each number, which has these channels and the defaults. The last are the tokens'
  /// width; 0 in a model's options means the model's.
  std::vector<Index> channels = {};
  /// Or the stages themselves.
  std::vector<ConvStage> stages = {};
  /// A layer before the stages; none if its kernel is 0.
  WhiteningOptions whitening = {};
  nn::InitOptions init = {nn::Init::kKaimingNormal};
};

template <class Visit>
void visit_fields(ConvTokenizerOptions& o, Visit&& visit) {
  visit("channels_in", o.channels_in);
  visit("channels", o.channels);
  visit("stages", o.stages);
  visit("whitening", o.whitening);
  visit("init", o.init);
}

/// Makes tokens by convolution: stages, each a convolution, max-pooling, batch norm if asked for,
/// the activation, and further convolutions if asked for; then a token for each position. ReLU
/// keeps the order of numbers, so before the pooling it would give the same numbers and cost more.
///
/// `channels = {32, 96}` makes two 3x3 convolutions with ReLU and pooling 3/2, which halves the
/// sides (rounded up): the tokenizer of CCT-n/3x2. That of CCT-n/7x2 for a width of 384 is
/// `stages = {{.channels = 64, .kernel = 7, .stride = 2}, {.channels = 384, .kernel = 7,
/// .stride = 2}}`.
///
/// **Parameters** conv_layers.0.weight (channels, channels_in, kernel, kernel), ... for all
/// convolutions in their order; norm_layers.0.weight, ... of those with batch norm; whiten.
/// **Shapes** x (B, C, H, W), result (B, T, channels of the last), row by row.
/// **Source** A. Hassani et al., "Escaping the big data paradigm with compact transformers", 2021;
/// the order inside a stage: K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
template <class T>
class ConvTokenizer : public nn::Module<T> {
 public:
  /// **Throws** ValueError without channels or stages, with both, or on sizes out of range.
  ConvTokenizer(const ConvTokenizerOptions& options, Generator& rng)
      : nn::Module<T>("ConvTokenizer"),
        stages_(stages(options)),
        convs_(this->add("conv_layers", nn::ModuleList<nn::Conv2d<T>>())),
        norms_(this->add("norm_layers", nn::ModuleList<nn::BatchNorm2d<T>>())) {
    Index in = options.channels_in;
    if (in < 1) {
      throw ValueError(detail::concat("[conv_tokenizer] channels_in must be positive: ", in));
    }
    bool first = options.whitening.kernel == 0;  // after fixed filters all layers are hidden
    if (options.whitening.kernel > 0) {
      whiten_ = this->add("whiten", Whitening<T>(in, options.whitening));
      in = whiten_->channels();
    }
    for (const ConvStage& stage : stages_) {
      for (Index i = 0; i < stage.convs; ++i) {
        convs_.append(nn::Conv2d<T>({.in_channels = in,
                                     .out_channels = stage.channels,
                                     .kernel = stage.kernel,
                                     .stride = i == 0 ? stage.stride : 1,
                                     .padding = i == 0 ? stage.padding : stage.kernel / 2,
                                     .bias = false,
                                     .init = options.init},
                                    rng),
                      {.place = first ? ParameterPlace::kInput : ParameterPlace::kHidden});
        first = false;
        in = stage.channels;
        if (stage.batch_norm) norms_.append(nn::BatchNorm2d<T>({.channels = in}));
      }
    }
  }

  Tensor<T> operator()(Tensor<T> x) const {
    const auto call = this->call();
    if (whiten_) x = (*whiten_)(x);
    auto conv = convs_.begin();
    auto norm = norms_.begin();
    for (const ConvStage& stage : stages_) {
      for (Index i = 0; i < stage.convs; ++i) {
        Tensor<T> y = (*conv++)(x);
        if (i == 0 && stage.pool > 0) {
          y = max_pool2d(
              y,
              {.kernel = stage.pool, .stride = stage.pool_stride, .padding = stage.pool_padding});
        }
        if (stage.batch_norm) y = (*norm++)(y);
        y = activate(y, stage.activation);
        x = i > 0 && stage.residual ? x + y : y;
      }
    }
    return transpose(flatten(x, 2), 1, 2);
  }

  /// Side of the grid of tokens that an image of this side becomes; 0 if it is too small.
  Index output_side(Index side) const {
    const auto window = [](Index size, Index kernel, Index stride, Index padding) {
      return size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1;
    };
    if (whiten_) side = whiten_->output_side(side);
    for (const ConvStage& stage : stages_) {
      side = window(side, stage.kernel, stage.stride, stage.padding);
      if (stage.pool > 0) side = window(side, stage.pool, stage.pool_stride, stage.pool_padding);
    }
    return side;
  }

  /// The layer before the stages; empty if there is none.
  const std::optional<Whitening<T>>& whiten() const { return whiten_; }

 private:
  static std::vector<ConvStage> stages(const ConvTokenizerOptions& options) {
    std::vector<ConvStage> out = options.stages;
    if (options.channels.empty() == out.empty()) {
      throw ValueError(out.empty() ? "[conv_tokenizer] channels must name at least one layer"
                                   : "[conv_tokenizer] channels and stages exclude each other");
    }
    for (const Index channels : options.channels) out.push_back({.channels = channels});
    for (ConvStage& stage : out) {
      if (stage.padding == -1) stage.padding = stage.kernel / 2;
      if (stage.convs < 1 || stage.stride < 1 || stage.padding < 0 || stage.pool < 0 ||
          stage.pool_stride < 1 || stage.pool_padding < 0) {
        throw ValueError(detail::concat(
            "[conv_tokenizer] convs and strides must be positive, the others not negative: convs ",
            stage.convs, ", stride ", stage.stride, ", padding ", stage.padding, ", pool ",
            stage.pool, ", pool_stride ", stage.pool_stride, ", pool_padding ",
            stage.pool_padding));
      }
      if (stage.convs > 1 && stage.kernel % 2 == 0) {
        throw ValueError(detail::concat(
            "[conv_tokenizer] several convolutions need an odd kernel: kernel ", stage.kernel));
      }
    }
    return out;
  }

  std::vector<ConvStage> stages_;
  nn::ModuleList<nn::Conv2d<T>> convs_;
  nn::ModuleList<nn::BatchNorm2d<T>> norms_;
  std::optional<Whitening<T>> whiten_;
};

EIGENGRAD_INSTANTIATE(class ConvTokenizer<float>)
EIGENGRAD_INSTANTIATE(class ConvTokenizer<double>)

}  // namespace eigengrad::models
