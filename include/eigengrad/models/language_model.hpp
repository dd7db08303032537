// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/transformer_encoder.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad {

namespace models {

/// The layers take from the model what they leave open: dim, dropout and init.
struct LanguageModelOptions {
  /// Number of different tokens.
  Index vocabulary = 0;
  /// Most tokens that the model sees at once: it learns a position for each.
  Index context = 0;
  /// Width of the tokens.
  Index dim = 0;
  /// Number of layers.
  Index depth = 0;
  /// What each layer is made of. Its output_scale comes on top of GPT-2's 1 / sqrt(2 depth).
  nn::TransformerLayerOptions layer = {};
  /// Probability of dropout on the tokens before the first layer; the layers' too, on the branches
  /// and the attention weights, where they have none of their own.
  double dropout = 0;
  /// The head multiplies by the token embedding instead of a weight of its own.
  bool tie_weights = true;
  /// Standard deviation of the initial weights, which are normal; layers may set their own.
  double init_stddev = 0.02;
};

template <class Visit>
void visit_fields(LanguageModelOptions& o, Visit&& visit) {
  visit("vocabulary", o.vocabulary);
  visit("context", o.context);
  visit("dim", o.dim);
  visit("depth", o.depth);
  visit("layer", o.layer);
  visit("dropout", o.dropout);
  visit("tie_weights", o.tie_weights);
  visit("init_stddev", o.init_stddev);
}

}  // namespace models

namespace detail {

/// **Throws** ValueError on options out of range or at odds with each other.
inline const models::LanguageModelOptions& check_language_model(
    const models::LanguageModelOptions& o) {
  const std::pair<const char*, Index> sizes[] = {{"vocabulary", o.vocabulary},
                                                 {"context", o.context},
                                                 {"dim", o.dim},
                                                 {"layer.heads", o.layer.heads}};
  for (const auto& [name, size] : sizes) {
    if (size < 1) {
      throw ValueError(concat("[language_model] ", name, " must be positive: ", size));
    }
  }
  if (o.layer.dim != 0 && o.layer.dim != o.dim) {
    throw ValueError(concat("[language_model] layer.dim must be dim, or 0 to take it: layer.dim ",
                            o.layer.dim, ", dim ", o.dim));
  }
  return o;
}

/// The layers with what they take from the model. Post-norm layers end with a norm of their own.
inline nn::TransformerEncoderOptions encoder_options(const models::LanguageModelOptions& o) {
  nn::TransformerLayerOptions layer = o.layer;
  layer.dim = o.dim;
  if (layer.dropout == 0) layer.dropout = o.dropout;
  if (layer.attention_dropout == 0) layer.attention_dropout = o.dropout;
  if (layer.init.rule == nn::Init::kDefault) layer.init = {nn::Init::kNormal, o.init_stddev};
  if (o.depth > 0) layer.output_scale /= std::sqrt(2 * static_cast<double>(o.depth));
  return {.layer = layer, .depth = o.depth, .final_norm = layer.norm_first};
}

}  // namespace detail

namespace models {

/// Says for each token of a sequence how likely each next one is, from those before it: token and
/// position embeddings, causal transformer layers, norm, a head without bias.
///
///     models::LanguageModel<float> model(
///         {.vocabulary = 65, .context = 64, .dim = 128, .depth = 4, .layer = {.heads = 4}}, rng);
///     const Tensor<float> logits = model(tokens);  // (B, T) -> (B, T, 65)
///
/// It is GPT-2 with its options `.layer = {.heads = 12, .activation = Activation::kGeluTanh}`.
/// **Parameters**, with their names in Hugging Face's GPT2LMHeadModel, whose products keep their
/// weights transposed:
///
///     token_embedding.weight (V, C)   transformer.wte.weight
///     position_embedding (context, C) transformer.wpe.weight
///     encoder.layers.0.norm1 ...      transformer.h.0.ln_1
///     encoder.layers.0.attn.qkv       transformer.h.0.attn.c_attn
///     encoder.layers.0.attn.proj      transformer.h.0.attn.c_proj
///     encoder.layers.0.norm2          transformer.h.0.ln_2
///     encoder.layers.0.mlp.fc1        transformer.h.0.mlp.c_fc
///     encoder.layers.0.mlp.fc2        transformer.h.0.mlp.c_proj
///     encoder.norm                    transformer.ln_f
///     head.weight (V, C), unless tied lm_head.weight
///
/// **Shapes** tokens (B, T), result (B, T, V).
/// **Source** A. Radford et al., "Language models are unsupervised multitask learners", 2019;
/// https://github.com/karpathy/nanoGPT, model.py.
template <class T>
class LanguageModel : public nn::Module<T> {
 public:
  /// **Throws** ValueError on options out of range or at odds with each other.
  LanguageModel(const LanguageModelOptions& options, Generator& rng)
      : nn::Module<T>("LanguageModel"),
        options_(detail::check_language_model(options)),
        token_embedding_(this->add(
            "token_embedding",
            nn::Embedding<T>(
                {.count = options.vocabulary, .dim = options.dim, .stddev = options.init_stddev},
                rng))),
        position_embedding_(this->add_parameter(
            "position_embedding",
            nn::init::normal<T>({options.context, options.dim}, options.init_stddev, rng),
            {ParameterKind::kPosition})),
        drop_(this->add("drop", nn::Dropout<T>({options.dropout}, rng))),
        encoder_(this->add("encoder",
                           nn::TransformerEncoder<T>(detail::encoder_options(options), rng))) {
    if (options.tie_weights) return;
    head_ = this->add("head",
                      nn::Linear<T>({.in_features = options.dim,
                                     .out_features = options.vocabulary,
                                     .bias = false,
                                     .init = {nn::Init::kNormal, options.init_stddev}},
                                    rng),
                      {.place = ParameterPlace::kOutput});
  }

  /// The logits of each token's next one, from the token and those before it.
  ///
  /// **Shapes** tokens (B, T), result (B, T, V). **Throws** ShapeError unless 1 <= T <= context;
  /// ValueError for a token outside [0, V).
  Tensor<T> operator()(const NdArray<Index>& tokens) const {
    const auto call = this->call();
    return read_out(encoder_(place(tokens, 0), {.causal = true}));
  }

  /// The same for the next tokens of sequences of which `cache` knows what came before: equal to
  /// the last rows of a pass over all of them. For inference: call it in the scope of a NoGrad, in
  /// evaluation mode.
  ///
  /// **Shapes** tokens (B, T), result (B, T, V). **Throws** ValueError when the context is full,
  /// and as above; the cache is then as it was.
  Tensor<T> operator()(const NdArray<Index>& tokens, nn::TransformerCache<T>& cache) const {
    const auto call = this->call();
    return read_out(encoder_(place(tokens, cache.size()), cache));
  }

  /// The logits of the token after the last one alone, without the work for all others.
  /// **Shapes** tokens (B, T), result (B, V). **Throws** as with a cache.
  Tensor<T> next_logits(const NdArray<Index>& tokens, nn::TransformerCache<T>& cache) const {
    const auto call = this->call();
    return read_out(select(encoder_(place(tokens, cache.size()), cache), 1, -1));
  }

  /// An empty cache for as many tokens as the context.
  nn::TransformerCache<T> cache() const { return nn::TransformerCache<T>(options_.context); }

  const LanguageModelOptions& options() const { return options_; }
  const nn::Embedding<T>& token_embedding() const { return token_embedding_; }
  const nn::TransformerEncoder<T>& encoder() const { return encoder_; }

 private:
  /// The tokens before the first layer, of which the first has the position `from`.
  Tensor<T> place(const NdArray<Index>& tokens, Index from) const {
    const Index context = options_.context;
    if (tokens.rank() != 2 || tokens.dim(1) < 1 || tokens.dim(1) > context) {
      throw ShapeError(detail::concat("[language_model] tokens must be (B, T) with T from 1 to ",
                                      "context: tokens ", tokens.shape(), ", context ", context));
    }
    if (from + tokens.dim(1) > context) {
      throw ValueError(detail::concat("[language_model] the context is full: context ", context,
                                      ", tokens in the cache ", from, ", new tokens ",
                                      tokens.dim(1), "; clear it and begin with fewer of them"));
    }
    return drop_(token_embedding_(tokens) + narrow(position_embedding_, 0, from, tokens.dim(1)));
  }
  /// **Shapes** x (..., C), result (..., V).
  Tensor<T> read_out(const Tensor<T>& x) const {
    return head_ ? (*head_)(x) : linear(x, token_embedding_.weight());
  }

  LanguageModelOptions options_;
  nn::Embedding<T> token_embedding_;
  Tensor<T> position_embedding_;
  nn::Dropout<T> drop_;
  nn::TransformerEncoder<T> encoder_;
  std::optional<nn::Linear<T>> head_;
};

EIGENGRAD_INSTANTIATE(class LanguageModel<float>)
EIGENGRAD_INSTANTIATE(class LanguageModel<double>)

}  // namespace models
}  // namespace eigengrad
