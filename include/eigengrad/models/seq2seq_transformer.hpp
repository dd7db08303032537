// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/positions.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/transformer.hpp>
#include <eigengrad/nn/transformer_layer_options.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad {

namespace models {

/// The layers take from the model what they leave open: dim and dropout.
struct Seq2SeqTransformerOptions {
  /// Number of different tokens of the source.
  Index source_vocabulary = 0;
  /// Number of different tokens of the target.
  Index target_vocabulary = 0;
  /// Width of the tokens, even.
  Index dim = 0;
  /// Number of layers.
  Index encoder_depth = 0;
  Index decoder_depth = 0;
  /// What each layer is made of.
  nn::TransformerLayerOptions layer = {};
  /// Probability of dropout on the tokens before the first layers; the layers' too, on the branches
  /// and the attention weights, where they have none of their own.
  double dropout = 0;
  /// Most tokens of a source or a target.
  Index max_length = 0;
  /// The source's token that fills a batch's shorter sequences: nothing attends to it.
  std::optional<Index> padding = std::nullopt;
  /// The head multiplies by the target's embedding instead of a weight of its own.
  bool tie_weights = false;
};

template <class Visit>
void visit_fields(Seq2SeqTransformerOptions& o, Visit&& visit) {
  visit("source_vocabulary", o.source_vocabulary);
  visit("target_vocabulary", o.target_vocabulary);
  visit("dim", o.dim);
  visit("encoder_depth", o.encoder_depth);
  visit("decoder_depth", o.decoder_depth);
  visit("layer", o.layer);
  visit("dropout", o.dropout);
  visit("max_length", o.max_length);
  visit("padding", o.padding);
  visit("tie_weights", o.tie_weights);
}

/// What the encoder has made of a source: the decoder attends to it.
template <class T>
struct EncodedSource {
  Tensor<T> memory;           ///< (B, S, C)
  NdArray<bool> attend = {};  ///< (B, S), false for padding; undefined: all tokens take part
};

/// An encoded source and the target's tokens so far, for one token after the other.
template <class T>
class Seq2SeqCache {
 public:
  /// **Shapes** attend as EncodedSource's.
  Seq2SeqCache(nn::TransformerCache<T> layers, NdArray<bool> attend)
      : layers_(std::move(layers)), attend_(std::move(attend)) {}

  /// Number of the target's tokens.
  Index size() const { return layers_.size(); }
  Index capacity() const { return layers_.capacity(); }
  /// Forgets the target; the source stays.
  void clear() { layers_.clear(); }

  /// Sequence i becomes what sequence sequences[i] was, with its source: their number may change.
  /// **Throws** ValueError on a number that is none of a sequence's.
  void reorder(const NdArray<Index>& sequences) {
    layers_.reorder(sequences);
    if (!attend_.defined()) return;
    const Index length = attend_.dim(1);
    NdArray<bool> out({sequences.numel(), length});
    for (Index i = 0; i < sequences.numel(); ++i) {
      std::copy_n(attend_.data() + sequences.data()[i] * length, length, out.data() + i * length);
    }
    attend_ = std::move(out);
  }

  nn::TransformerCache<T>& layers() { return layers_; }
  const NdArray<bool>& attend() const { return attend_; }

 private:
  nn::TransformerCache<T> layers_;
  NdArray<bool> attend_;
};

}  // namespace models

namespace detail {

/// **Throws** ValueError on options out of range or at odds with each other.
inline const models::Seq2SeqTransformerOptions& check_seq2seq_transformer(
    const models::Seq2SeqTransformerOptions& o) {
  const std::pair<const char*, Index> sizes[] = {{"source_vocabulary", o.source_vocabulary},
                                                 {"target_vocabulary", o.target_vocabulary},
                                                 {"dim", o.dim},
                                                 {"max_length", o.max_length},
                                                 {"layer.heads", o.layer.heads}};
  for (const auto& [name, size] : sizes) {
    if (size < 1) {
      throw ValueError(concat("[seq2seq_transformer] ", name, " must be positive: ", size));
    }
  }
  if (o.layer.dim != 0 && o.layer.dim != o.dim) {
    throw ValueError(concat("[seq2seq_transformer] layer.dim must be dim, or 0 to take it: ",
                            "layer.dim ", o.layer.dim, ", dim ", o.dim));
  }
  if (o.padding && (*o.padding < 0 || *o.padding >= o.source_vocabulary)) {
    throw ValueError(concat("[seq2seq_transformer] padding must be a token of the source: padding ",
                            *o.padding, ", source_vocabulary ", o.source_vocabulary));
  }
  return o;
}

/// The layers with what they take from the model.
inline nn::TransformerOptions transformer_options(const models::Seq2SeqTransformerOptions& o) {
  nn::TransformerLayerOptions layer = o.layer;
  layer.dim = o.dim;
  if (layer.dropout == 0) layer.dropout = o.dropout;
  if (layer.attention_dropout == 0) layer.attention_dropout = o.dropout;
  return {.layer = layer, .encoder_depth = o.encoder_depth, .decoder_depth = o.decoder_depth};
}

}  // namespace detail

namespace models {

/// Reads a sequence and says for each token of another one how likely each next one is: token
/// embeddings times sqrt(dim) plus waves for the positions, an encoder, a decoder that attends to
/// what the encoder has made, a head without bias.
///
///     models::Seq2SeqTransformer<float> model(
///         {.source_vocabulary = 40, .target_vocabulary = 30, .dim = 128, .encoder_depth = 2,
///          .decoder_depth = 2, .layer = {.heads = 4}, .max_length = 80, .padding = 0}, rng);
///     const Tensor<float> logits = model(source, target);  // (B, S), (B, T) -> (B, T, 30)
///
/// A target begins with a token for the start, and its logits at t are those of the token after t.
/// Padding is at a target's end, where no token before it sees it: leave its logits out of the
/// loss. To make targets, see `greedy_search` and `beam_search`.
/// **Parameters** source_embedding.weight (source_vocabulary, C), target_embedding.weight
/// (target_vocabulary, C), transformer.encoder ..., transformer.decoder ... as nn::Transformer has
/// them, head.weight (target_vocabulary, C) unless tied.
/// **Shapes** source (B, S), target (B, T), result (B, T, V).
/// **Source** A. Vaswani et al., "Attention is all you need", 2017 (whose layers are post-norm,
/// `.layer = {.activation = Activation::kRelu, .norm_first = false}`, without the norms that end
/// encoder and decoder here as in PyTorch).
template <class T>
class Seq2SeqTransformer : public nn::Module<T> {
 public:
  /// **Throws** ValueError on options out of range or at odds with each other.
  Seq2SeqTransformer(const Seq2SeqTransformerOptions& options, Generator& rng)
      : nn::Module<T>("Seq2SeqTransformer"),
        options_(detail::check_seq2seq_transformer(options)),
        positions_(sincos_1d<T>(options.max_length, options.dim)),
        source_embedding_(
            this->add("source_embedding", make_embedding(options.source_vocabulary, rng))),
        target_embedding_(
            this->add("target_embedding", make_embedding(options.target_vocabulary, rng))),
        drop_(this->add("drop", nn::Dropout<T>({options.dropout}, rng))),
        transformer_(this->add("transformer",
                               nn::Transformer<T>(detail::transformer_options(options), rng))) {
    if (options.tie_weights) return;
    head_ = this->add(
        "head",
        nn::Linear<T>(
            {.in_features = options.dim, .out_features = options.target_vocabulary, .bias = false},
            rng),
        {.place = ParameterPlace::kOutput});
  }

  /// The logits of each target token's next one, from the source, the token and those before it.
  ///
  /// **Shapes** source (B, S), target (B, T), result (B, T, V). **Throws** ShapeError unless both
  /// lengths are from 1 to max_length and the batches equal; ValueError for a token outside its
  /// vocabulary.
  Tensor<T> operator()(const NdArray<Index>& source, const NdArray<Index>& target) const {
    const auto call = this->call();
    return decode(target, encode(source));
  }

  /// **Shapes** source (B, S), memory (B, S, C). **Throws** as above.
  EncodedSource<T> encode(const NdArray<Index>& source) const {
    const auto call = this->call();
    const Tensor<T> x = place("source", source_embedding_, source, 0);
    NdArray<bool> attend;
    if (options_.padding) {
      attend = NdArray<bool>(source.shape());
      std::transform(source.begin(), source.end(), attend.begin(),
                     [padding = *options_.padding](Index token) { return token != padding; });
    }
    return {transformer_.encoder()(x, {.key_padding_mask = attend}), attend};
  }

  /// **Shapes** target (B, T), result (B, T, V). **Throws** as above.
  Tensor<T> decode(const NdArray<Index>& target, const EncodedSource<T>& source) const {
    const auto call = this->call();
    return read_out(transformer_.decoder()(place("target", target_embedding_, target, 0),
                                           source.memory, attending(source.attend)));
  }

  /// What `decode` remembers from one token to the next: no target yet, and room for one of
  /// max_length.
  Seq2SeqCache<T> cache(const EncodedSource<T>& source) const {
    return {transformer_.decoder().cache(source.memory, options_.max_length), source.attend};
  }

  /// The logits for the next tokens of targets of which `cache` knows what came before: equal to
  /// the last rows of a pass over all of them. For inference: call it in the scope of a NoGrad, in
  /// evaluation mode.
  ///
  /// **Shapes** target (B, T), result (B, T, V). **Throws** ValueError when the targets are longer
  /// than max_length, and as above; the cache is then as it was.
  Tensor<T> decode(const NdArray<Index>& target, Seq2SeqCache<T>& cache) const {
    const auto call = this->call();
    return read_out(extend(target, cache));
  }
  /// The logits of the token after the last one alone. **Shapes** target (B, T), result (B, V).
  Tensor<T> next_logits(const NdArray<Index>& target, Seq2SeqCache<T>& cache) const {
    const auto call = this->call();
    return read_out(select(extend(target, cache), 1, -1));
  }

  const Seq2SeqTransformerOptions& options() const { return options_; }
  const nn::Embedding<T>& source_embedding() const { return source_embedding_; }
  const nn::Embedding<T>& target_embedding() const { return target_embedding_; }
  const nn::Transformer<T>& transformer() const { return transformer_; }

 private:
  /// Times sqrt(dim), the rows have a variance of 1, and as a head they give logits of about 1.
  nn::Embedding<T> make_embedding(Index count, Generator& rng) const {
    const double stddev = 1 / std::sqrt(static_cast<double>(options_.dim));
    return nn::Embedding<T>({.count = count, .dim = options_.dim, .stddev = stddev}, rng);
  }
  static nn::DecoderArguments<T> attending(const NdArray<bool>& attend) {
    return {.cross = {.key_padding_mask = attend}};
  }

  Tensor<T> extend(const NdArray<Index>& target, Seq2SeqCache<T>& cache) const {
    return transformer_.decoder()(place("target", target_embedding_, target, cache.size()),
                                  cache.layers(), attending(cache.attend()));
  }

  /// The tokens before the first layer, of which the first has the position `from`.
  Tensor<T> place(const char* name, const nn::Embedding<T>& embedding, const NdArray<Index>& tokens,
                  Index from) const {
    const Index longest = options_.max_length;
    if (tokens.rank() != 2 || tokens.dim(1) < 1 || tokens.dim(1) > longest) {
      throw ShapeError(detail::concat("[seq2seq_transformer] ", name,
                                      " must be (B, T) with T from ", "1 to max_length: ", name,
                                      " ", tokens.shape(), ", max_length ", longest));
    }
    if (from + tokens.dim(1) > longest) {
      throw ValueError(detail::concat("[seq2seq_transformer] the target would be longer than ",
                                      "max_length: max_length ", longest, ", tokens in the cache ",
                                      from, ", new tokens ", tokens.dim(1)));
    }
    const auto scale = static_cast<T>(std::sqrt(static_cast<double>(options_.dim)));
    return drop_(embedding(tokens) * scale + narrow(positions_, 0, from, tokens.dim(1)));
  }
  /// **Shapes** x (..., C), result (..., V).
  Tensor<T> read_out(const Tensor<T>& x) const {
    return head_ ? (*head_)(x) : linear(x, target_embedding_.weight());
  }

  Seq2SeqTransformerOptions options_;
  Tensor<T> positions_;  ///< (max_length, C), fixed
  nn::Embedding<T> source_embedding_;
  nn::Embedding<T> target_embedding_;
  nn::Dropout<T> drop_;
  nn::Transformer<T> transformer_;
  std::optional<nn::Linear<T>> head_;
};

EIGENGRAD_INSTANTIATE(class Seq2SeqTransformer<float>)
EIGENGRAD_INSTANTIATE(class Seq2SeqTransformer<double>)

}  // namespace models
}  // namespace eigengrad
