// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: Eigen's decompositions take long to compile, and few programs resize a
// model.
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include <Eigen/QR>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/interpolate.hpp>
#include <eigengrad/models/resize_positions.hpp>
#include <eigengrad/models/tokenizer.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/state_dict.hpp>
#include <eigengrad/ops/interpolate.hpp>
#include <eigengrad/ops/slice.hpp>

/// Makes a vision transformer for patches or images of another size from a trained one: to train
/// with large patches first and with small ones later, or to raise the resolution.
///
///     model = models::resize_model(model, {.patch_size = 4});
namespace eigengrad::models {

struct ResizeModelOptions {
  /// Side of the images in pixels; 0 keeps it.
  Index image_size = 0;
  /// Side of a patch in pixels; 0 keeps it. Stride and padding of patches change in proportion.
  Index patch_size = 0;
  /// How learned positions are interpolated, as an image of the grid.
  Interpolation positions = Interpolation::kBicubic;
};

}  // namespace eigengrad::models

namespace eigengrad::detail {

/// The matrix (to, from) that interpolates `from` numbers to `to`, bilinear.
inline Eigen::MatrixXd bilinear_matrix(Index from, Index to) {
  NdArray<double> identity = NdArray<double>::zeros({1, 1, from, from});
  for (Index i = 0; i < from; ++i) identity(0, 0, i, i) = 1;
  return interpolate_forward(identity, HeightWidth(to, from), {}).reshape({to, from}).matrix();
}

/// x (..., P, P) as (..., Q, Q): q x q^T for each square.
template <class T>
NdArray<T> multiply_squares(const NdArray<T>& x, const Eigen::MatrixXd& q) {
  const Index from = q.cols(), to = q.rows();
  Shape shape = x.shape();
  shape[shape.rank() - 2] = shape[shape.rank() - 1] = to;
  NdArray<T> out(shape);
  for (Index i = 0; i < x.numel() / (from * from); ++i) {
    const ConstMatrixMap<T> square(x.data() + i * from * from, from, from);
    MatrixMap<T>(out.data() + i * to * to, to, to) =
        (q * square.template cast<double>() * q.transpose()).template cast<T>();
  }
  return out;
}

/// Whether an array holds weights or an optimiser's moments of them.
enum class ResizeRule { kWeights, kMoments };

/// The array of the parameter or buffer `name` in the shape that `model` has.
template <class T>
NdArray<T> resize_array(const models::VisionTransformer<T>& model, const std::string& name,
                        const NdArray<T>& x, const Shape& shape, ResizeRule rule,
                        Interpolation mode) {
  if (x.shape() == shape) return x.clone();
  if (name == "pos_embed") {
    const Index prefix = model.options().prefix_positions ? model.prefix_tokens() : 0;
    return resize_positions(x, prefix, model.grid(), mode);
  }
  const Index to = models::patch_size(model.options().tokenizer);
  if (name == "patch_embed.proj.weight") {
    const Eigen::MatrixXd b = bilinear_matrix(x.dim(-1), to);
    if (rule == ResizeRule::kMoments) return multiply_squares(x, b);
    return multiply_squares(x,
                            b.transpose().completeOrthogonalDecomposition().pseudoInverse().eval());
  }
  if (name == "patch_embed.norm.weight" || name == "patch_embed.norm.bias") {
    const Index channels = 5 * model.options().channels_in;
    const Index from = std::lround(std::sqrt(static_cast<double>(x.numel() / channels)));
    return multiply_squares(x.reshape({channels, from, from}), bilinear_matrix(from, to))
        .reshape(shape);
  }
  throw ValueError(concat("[resize_model] ", name, " ", x.shape(), " has no other size; ",
                          "pooling = flatten ties the head to the grid"));
}

inline void resize_patches(models::PatchEmbeddingOptions& o, Index to) {
  if (o.stride * to % o.patch_size != 0 || o.padding * to % o.patch_size != 0) {
    throw ValueError(
        concat("[resize_model] the patches' stride and padding must stay whole: ", "patch_size ",
               o.patch_size, " to ", to, ", stride ", o.stride, ", padding ", o.padding));
  }
  o.stride = o.stride * to / o.patch_size;
  o.padding = o.padding * to / o.patch_size;
  o.patch_size = to;
}
inline void resize_patches(models::ShiftedPatchEmbeddingOptions& o, Index to) { o.patch_size = to; }
inline void resize_patches(models::ConvTokenizerOptions&, Index) {
  throw ValueError("[resize_model] patch_size needs patches; this model has convolutions");
}

inline models::VisionTransformerOptions resized_options(models::VisionTransformerOptions o,
                                                        const models::ResizeModelOptions& to) {
  if (to.image_size < 0 || to.patch_size < 0) {
    throw ValueError(concat("[resize_model] sizes must not be negative: image_size ", to.image_size,
                            ", patch_size ", to.patch_size));
  }
  if (to.image_size > 0) o.image_size = to.image_size;
  o.position_count = 0;
  if (to.patch_size > 0) {
    std::visit([&](auto& tokenizer) { resize_patches(tokenizer, to.patch_size); }, o.tokenizer);
  }
  return o;
}

}  // namespace eigengrad::detail

namespace eigengrad::models {

/// A new model, which shares nothing with the first one and has the same weights except those that
/// depend on the grid or on the patch: learned positions are interpolated, except the class
/// token's; rotary positions count the tokens of the new grid; the filters of the patches become
/// those whose products with enlarged patches are the old filters' products with the old patches,
/// or come closest (the pseudo-inverse of the enlargement). Mode, random state and frozen
/// parameters carry over.
///
/// **Throws** ValueError for sizes that the model cannot have, and if its pooling is kFlatten and
/// the grid changes.
/// **Source** the filters: L. Beyer et al., "FlexiViT: one model for all patch sizes", 2022.
template <class T>
VisionTransformer<T> resize_model(const VisionTransformer<T>& model,
                                  const ResizeModelOptions& options) {
  Generator rng(0);  // all weights are replaced
  const VisionTransformer<T> out(detail::resized_options(model.options(), options), rng);
  nn::StateDict<T> dict = model.state_dict();
  if (model.options().position_count > model.tokens() && dict.contains("pos_embed")) {
    const NoGrad no_grad;
    const Tensor<T> all(dict.at("pos_embed"));
    dict.at("pos_embed") = narrow(all, 1, 0, model.tokens()).value();
  }
  for (const auto& [name, own] : out.state_dict()) {
    dict.at(name) = detail::resize_array(out, name, dict.at(name), own.shape(),
                                         detail::ResizeRule::kWeights, options.positions);
  }
  out.load_state_dict(dict);
  out.train(model.training());
  const auto from = model.named_parameters(), to = out.named_parameters();
  for (std::size_t i = 0; i < from.size(); ++i) {
    Tensor<T> parameter = to[i].second;
    parameter.set_requires_grad(from[i].second.requires_grad());
  }
  const GeneratorList states = model.generators(), generators = out.generators();
  for (std::size_t i = 0; i < states.size(); ++i) generators[i]->set_state(states[i]->state());
  return out;
}
EIGENGRAD_INSTANTIATE(VisionTransformer<float> resize_model(const VisionTransformer<float>&,
                                                            const ResizeModelOptions&))
EIGENGRAD_INSTANTIATE(VisionTransformer<double> resize_model(const VisionTransformer<double>&,
                                                             const ResizeModelOptions&))

/// An optimiser's moment from before `resize_model`, in the shape that the parameter `name` of the
/// new model has. Bilinear throughout: gradients grow and shrink with the images, and mean squares
/// stay positive.
///
/// **Throws** ValueError for a name that the model does not have.
template <class T>
NdArray<T> resize_moment(const VisionTransformer<T>& model, const std::string& name,
                         const NdArray<T>& moment) {
  for (const auto& [own, x] : model.named_parameters()) {
    if (own != name) continue;
    return detail::resize_array(model, name, moment, x.shape(), detail::ResizeRule::kMoments,
                                Interpolation::kBilinear);
  }
  throw ValueError(detail::concat("[resize_moment] the model has no parameter ", name));
}
EIGENGRAD_INSTANTIATE(NdArray<float> resize_moment(const VisionTransformer<float>&,
                                                   const std::string&, const NdArray<float>&))
EIGENGRAD_INSTANTIATE(NdArray<double> resize_moment(const VisionTransformer<double>&,
                                                    const std::string&, const NdArray<double>&))

}  // namespace eigengrad::models
