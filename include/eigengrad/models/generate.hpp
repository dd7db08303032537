// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/ops/argmax.hpp>
#include <eigengrad/ops/multinomial.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <eigengrad/ops/sort.hpp>

/// Text from a language model, one token after the other.
namespace eigengrad::models {

struct SampleArguments {
  /// Divides the logits, above 0: below 1 likely tokens become more likely still.
  double temperature = 1;
  /// Only this many of the likeliest tokens can be drawn; 0 means all.
  Index top_k = 0;
  /// Take the likeliest token instead of drawing one; of equal ones the first.
  bool greedy = false;
};

struct GenerateArguments {
  /// Number of tokens to add.
  Index count = 0;
  SampleArguments sample = {};
  /// How many of the last tokens the model sees again when its context is full; 0 means half of
  /// the context. See `generate`.
  Index keep = 0;
  /// Called with each new token (B), to show it at once.
  std::function<void(const NdArray<Index>&)> on_token = {};
};

}  // namespace eigengrad::models

namespace eigengrad::detail {

inline void check_sample(const Shape& logits, const models::SampleArguments& arguments) {
  if (logits.rank() != 2 || logits[1] < 1) {
    throw ShapeError(concat("[sample_next] logits must be (B, V): logits ", logits));
  }
  if (!arguments.greedy && !(arguments.temperature > 0 && std::isfinite(arguments.temperature))) {
    throw ValueError(concat("[sample_next] temperature must be above 0: ", arguments.temperature,
                            "; greedy takes the likeliest token"));
  }
  if (arguments.top_k < 0) {
    throw ValueError(concat("[sample_next] top_k must not be negative: ", arguments.top_k));
  }
}

}  // namespace eigengrad::detail

namespace eigengrad::models {

/// One next token for each row of logits: drawn from softmax(logits / temperature), or the
/// likeliest.
///
/// **Shapes** logits (B, V), result (B). **Throws** ShapeError on another shape; ValueError on a
/// temperature that is not above 0, a negative top_k, and, unless greedy, logits whose softmax is not
/// finite.
template <class T>
NdArray<Index> sample_next(const Tensor<T>& logits, const SampleArguments& arguments,
                           Generator& rng) {
  detail::check_sample(logits.shape(), arguments);
  if (arguments.greedy) return argmax(logits);
  const NoGrad no_grad;
  const auto draw = [&](const Tensor<T>& from) {
    return multinomial(softmax(from / static_cast<T>(arguments.temperature)), 1, rng);
  };
  if (arguments.top_k == 0 || arguments.top_k >= logits.dim(1)) return draw(logits).reshape({-1});
  const auto [values, tokens] = topk(logits, arguments.top_k);
  const NdArray<Index> places = draw(values);
  NdArray<Index> out(Shape{logits.dim(0)});
  for (Index b = 0; b < out.numel(); ++b) out(b) = tokens(b, places(b, 0));
  return out;
}

/// Continues sequences: the prompt, and `count` tokens that the model has chosen. The model is in
/// evaluation mode meanwhile.
///
///     Generator rng(1);
///     const NdArray<Index> text = models::generate(
///         model, prompt, {.count = 500, .sample = {.temperature = 0.8, .top_k = 40}}, rng);
///
/// Each token costs one position, with a cache of keys and values, until the context is full.
/// Positions are learned, so the sequence cannot simply slide on: the last `keep` tokens then
/// become the first positions and are computed again, and the rest of the context is free for new
/// ones. With `keep` equal to the context the model always sees as many tokens as it can, which
/// nanoGPT does, at the price of a whole pass for every further token. Of a prompt longer than the
/// context the last tokens count.
///
/// **Shapes** prompt (B, T), result (B, T + count). **Throws** ShapeError unless the prompt has
/// tokens; ValueError on a negative count, a keep above the context, and as `sample_next`.
template <class T>
NdArray<Index> generate(const LanguageModel<T>& model, const NdArray<Index>& prompt,
                        const GenerateArguments& arguments, Generator& rng) {
  using detail::concat;
  const Index context = model.options().context;
  if (prompt.rank() != 2 || prompt.dim(1) < 1) {
    throw ShapeError(
        concat("[generate] the prompt must be (B, T), T at least 1: ", prompt.shape()));
  }
  if (arguments.count < 0) {
    throw ValueError(concat("[generate] count must not be negative: ", arguments.count));
  }
  if (arguments.keep < 0 || arguments.keep > context) {
    throw ValueError(concat("[generate] keep must be from 0 to the context: keep ", arguments.keep,
                            ", context ", context));
  }
  const Index keep = arguments.keep > 0 ? arguments.keep : (context + 1) / 2;

  const NoGrad no_grad;
  const EvaluationMode evaluation(model);
  const Index batch = prompt.dim(0), given = prompt.dim(1), total = given + arguments.count;
  NdArray<Index> out({batch, total});
  out.matrix().leftCols(given) = prompt.matrix();
  nn::TransformerCache<T> cache = model.cache();
  Index seen = std::max<Index>(given - context, 0);  // up to here, the cache knows or has lost all
  for (Index n = given; n < total; ++n) {
    if (cache.size() + n - seen > context) {
      cache.clear();
      seen = n - keep;
    }
    const NdArray<Index> tokens = out.matrix().middleCols(seen, n - seen);
    seen = n;
    const NdArray<Index> next =
        sample_next(model.next_logits(tokens, cache), arguments.sample, rng);
    out.matrix().col(n) = next.array().matrix();
    if (arguments.on_token) arguments.on_token(next);
  }
  return out;
}

}  // namespace eigengrad::models
