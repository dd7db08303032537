// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/patch_dropout.hpp>
#include <eigengrad/models/patches.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/mse_loss.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/where.hpp>

/// Pretraining without labels: a vision transformer that says what the pixels of its patches are.
namespace eigengrad::models {

/// Which tokens are hidden: in each sample the whole number nearest to `share` of them, every
/// choice equally likely.
///
/// **Shapes** result (batch, tokens), true where hidden.
/// **Throws** ValueError unless 0 <= share <= 1 and the counts are not negative.
inline NdArray<bool> random_patch_mask(Index batch, Index tokens, double share, Generator& rng) {
  if (!(share >= 0 && share <= 1) || batch < 0 || tokens < 0) {
    throw ValueError(detail::concat("[random_patch_mask] share must be in [0, 1] and the counts ",
                                    "not negative: share ", share, ", batch ", batch, ", tokens ",
                                    tokens));
  }
  const auto hidden = static_cast<Index>(std::lround(share * static_cast<double>(tokens)));
  const NdArray<Index> chosen = detail::draw_tokens(batch, 0, tokens, hidden, rng);
  NdArray<bool> mask = NdArray<bool>::zeros({batch, tokens});
  for (Index b = 0; b < batch; ++b) {
    for (Index i = 0; i < hidden; ++i) mask(b, chosen(b, i)) = true;
  }
  return mask;
}

/// The mean squared error over the hidden patches alone: a visible patch is easily copied.
///
/// **Shapes** predicted (B, N, D), target (B, N, D), mask (B, N), result ().
/// **Throws** ShapeError when they do not fit together; ValueError when nothing is hidden.
/// **Source** Z. Xie et al., "SimMIM: a simple framework for masked image modeling", 2022 (which
/// takes absolute errors); K. He et al., "Masked autoencoders are scalable vision learners", 2022.
template <class T>
Tensor<T> masked_patch_loss(const Tensor<T>& predicted, const Tensor<T>& target,
                            const NdArray<bool>& mask) {
  if (predicted.rank() != 3 || !(predicted.shape() == target.shape()) ||
      !(mask.shape() == Shape{predicted.dim(0), predicted.dim(1)})) {
    throw ShapeError(detail::concat("[masked_patch_loss] predicted and target must be (B, N, D) ",
                                    "and mask (B, N): predicted ", predicted.shape(), ", target ",
                                    target.shape(), ", mask ", mask.shape()));
  }
  Index hidden = 0;
  for (const bool is_hidden : mask) hidden += is_hidden;
  if (hidden == 0) throw ValueError("[masked_patch_loss] the mask hides no patch");
  NdArray<Index> rows({hidden});
  for (Index i = 0, to = 0; i < mask.numel(); ++i) {
    if (mask.data()[i]) rows(to++) = i;
  }
  return mse_loss(index_select(flatten(predicted, 0, 1), 0, rows),
                  index_select(flatten(target, 0, 1), 0, rows));
}

struct MaskedImageModelOptions {
  /// Channels of the pixels to say; 0 means the encoder's channels_in.
  Index channels_out = 0;
  /// First value of the mask token.
  nn::InitOptions token_init = {nn::Init::kTruncNormal, 0.02};
  /// First weights of the layer from tokens to pixels.
  nn::InitOptions init = {nn::Init::kTruncNormal, 0.02};
};

/// Says the pixels of every patch from what the encoder makes of its tokens, some of which may be
/// hidden: a learned token stands in their place, before class token and positions are added.
///
///     models::MaskedImageModel<float> model(vit, {}, rng);
///     const auto mask = models::random_patch_mask(batch, model.patches(), 0.6, rng);
///     const auto target = models::to_patches(images, model.patch_size());
///     const auto loss = models::masked_patch_loss(model(images, mask), target, mask);
///
/// The encoder is shared, not copied: after training it is the pretrained model, whose head has
/// learned nothing. Its patches should touch without overlap: where they overlap, or a convolution
/// sees its neighbours, a visible token shows some of a hidden patch.
///
/// **Parameters** encoder (the vision transformer's), mask_token (1, 1, C), decoder.weight
/// (channels_out P P, C), decoder.bias.
/// **Shapes** images as the encoder's, mask (B, N), result (B, N, channels_out P P), laid out as
/// `to_patches` does.
/// **Source** Z. Xie et al., "SimMIM: a simple framework for masked image modeling", 2022.
template <class T>
class MaskedImageModel : public nn::Module<T> {
 public:
  /// **Throws** ValueError on sizes out of range, an encoder whose grid does not divide its images
  /// or one that leaves out tokens in training (patch_dropout).
  MaskedImageModel(const VisionTransformer<T>& encoder, const MaskedImageModelOptions& options,
                   Generator& rng)
      : nn::Module<T>("MaskedImageModel"),
        encoder_(this->add("encoder", check(encoder, options))),
        channels_out_(options.channels_out > 0 ? options.channels_out
                                               : encoder_.options().channels_in),
        mask_token_(this->add_parameter(
            "mask_token",
            nn::init::make<T>({1, 1, encoder_.options().dim}, options.token_init, rng),
            {ParameterKind::kToken})),
        decoder_(
            this->add("decoder",
                      nn::Linear<T>({.in_features = encoder_.options().dim,
                                     .out_features = channels_out_ * patch_size() * patch_size(),
                                     .init = options.init},
                                    rng),
                      {.place = ParameterPlace::kOutput})) {}

  /// The pixels of all patches; without a mask every token is seen.
  /// **Throws** ShapeError on images of another size, or a mask that is not (B, N).
  Tensor<T> operator()(const Tensor<T>& images, const NdArray<bool>& mask = {}) const {
    const auto call = this->call();
    Tensor<T> tokens = encoder_.tokenize(images);
    if (mask.defined()) {
      const Index batch = tokens.dim(0);
      if (!(mask.shape() == Shape{batch, patches()})) {
        throw ShapeError(detail::concat("[masked_image_model] mask must be (", batch, ", ",
                                        patches(), "): mask ", mask.shape()));
      }
      tokens = where(mask.reshape({batch, patches(), 1}), mask_token_, tokens);
    }
    Tensor<T> encoded = encoder_.encode_tokens(tokens);
    const Index prefix = encoded.dim(1) - patches();
    if (prefix > 0) encoded = narrow(encoded, 1, prefix, patches());
    const bool normalized = encoder_.options().final_norm == FinalNorm::kBeforePooling;
    return decoder_(normalized ? (*encoder_.norm())(encoded) : encoded);
  }

  const VisionTransformer<T>& encoder() const { return encoder_; }
  const nn::Linear<T>& decoder() const { return decoder_; }
  /// Number of patches N of an image.
  Index patches() const { return encoder_.grid() * encoder_.grid(); }
  /// Side P of a patch in pixels.
  Index patch_size() const { return encoder_.options().image_size / encoder_.grid(); }
  Index channels_out() const { return channels_out_; }

 private:
  static const VisionTransformer<T>& check(const VisionTransformer<T>& encoder,
                                           const MaskedImageModelOptions& options) {
    const VisionTransformerOptions& o = encoder.options();
    if (options.channels_out < 0) {
      throw ValueError(detail::concat("[masked_image_model] channels_out must not be negative: ",
                                      options.channels_out));
    }
    if (o.image_size % encoder.grid() != 0) {
      throw ValueError(detail::concat("[masked_image_model] the encoder's grid must divide its ",
                                      "images: grid ", encoder.grid(), ", image_size ",
                                      o.image_size));
    }
    if (o.patch_dropout != 0) {
      throw ValueError(detail::concat("[masked_image_model] the encoder must keep all tokens: ",
                                      "patch_dropout ", o.patch_dropout));
    }
    return encoder;
  }

  VisionTransformer<T> encoder_;
  Index channels_out_;
  Tensor<T> mask_token_;
  nn::Linear<T> decoder_;
};

EIGENGRAD_INSTANTIATE(class MaskedImageModel<float>)
EIGENGRAD_INSTANTIATE(class MaskedImageModel<double>)

}  // namespace eigengrad::models
