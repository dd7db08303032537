// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/pool.hpp>
#include <eigengrad/ops/reshape.hpp>

namespace eigengrad::nn {

struct ConvTokenizerOptions {
  Index channels_in = 3;
  /// Channels after each convolution; the last are the tokens' width.
  std::vector<Index> channels = {};
  InitOptions init = {Init::kKaimingNormal};
};

/// Tokens by convolution: for each entry of `channels` a 3x3 convolution without bias, ReLU, and
/// max-pooling 3x3 with stride 2, which halves the sides (rounded up); then a token for each
/// position.
///
/// **Parameters** conv_layers.0.weight (channels[0], channels_in, 3, 3), conv_layers.1.weight, ...
/// **Shapes** x (B, C, H, W), result (B, T, channels.back()), row by row.
/// **Source** A. Hassani et al., "Escaping the big data paradigm with compact transformers", 2021.
template <class T>
class ConvTokenizer : public Module<T> {
 public:
  /// **Throws** ValueError unless there are channels, all positive.
  ConvTokenizer(const ConvTokenizerOptions& options, Generator& rng)
      : Module<T>("ConvTokenizer"), convs_(this->add("conv_layers", ModuleList<Conv2d<T>>())) {
    if (options.channels.empty()) {
      throw ValueError("[conv_tokenizer] channels must name at least one layer");
    }
    Index in = options.channels_in;
    for (Index out : options.channels) {
      convs_.append(Conv2d<T>({.in_channels = in,
                               .out_channels = out,
                               .kernel = 3,
                               .padding = 1,
                               .bias = false,
                               .init = options.init},
                              rng));
      in = out;
    }
  }

  Tensor<T> operator()(Tensor<T> x) const {
    for (const Conv2d<T>& conv : convs_) {
      // ReLU keeps the order of numbers, so it may come after the pooling, on a quarter of them.
      x = relu(max_pool2d(conv(x), {.kernel = 3, .stride = 2, .padding = 1}));
    }
    return transpose(flatten(x, 2), 1, 2);
  }

  /// Side of the grid of tokens that an image of this side becomes.
  Index output_side(Index side) const {
    for (Index i = 0; i < convs_.size(); ++i) side = (side + 1) / 2;
    return side;
  }

 private:
  ModuleList<Conv2d<T>> convs_;
};

EIGENGRAD_INSTANTIATE(class ConvTokenizer<float>)
EIGENGRAD_INSTANTIATE(class ConvTokenizer<double>)

}  // namespace eigengrad::nn
