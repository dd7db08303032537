// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/nn/key_value_cache.hpp>

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

/// The `count` tokens with the largest of n logits, of equal ones the first.
template <class T>
std::vector<Index> likeliest(const T* logits, Index n, Index count) {
  std::vector<Index> tokens(static_cast<std::size_t>(n));
  std::iota(tokens.begin(), tokens.end(), Index{0});
  if (count >= n) return tokens;
  const auto end = tokens.begin() + count;
  std::partial_sort(tokens.begin(), end, tokens.end(), [&](Index a, Index b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  });
  tokens.erase(end, tokens.end());
  return tokens;
}

/// The likeliest of n tokens, of equal ones the first. **Throws** ValueError on NaN, and unless the
/// largest logit is finite: there is nothing to choose by.
template <class T>
Index likeliest(const T* logits, Index n) {
  const Index best = std::max_element(logits, logits + n) - logits;
  if (!std::isfinite(logits[best]) ||
      std::any_of(logits, logits + n, [](T x) { return std::isnan(x); })) {
    throw ValueError("[sample_next] a row of logits has NaN or no finite largest one");
  }
  return best;
}

/// Draws one of n tokens.
template <class T>
Index draw_token(const T* logits, Index n, const models::SampleArguments& arguments,
                 Generator& rng) {
  const double largest = double(logits[likeliest(logits, n)]);
  const std::vector<Index> tokens = likeliest(logits, n, arguments.top_k > 0 ? arguments.top_k : n);
  std::vector<double> sums;
  double sum = 0;
  for (const Index token : tokens) {
    sum += std::exp((double(logits[token]) - largest) / arguments.temperature);
    sums.push_back(sum);
  }
  // A token of probability 0 has no room between two sums. The product may round up to the sum:
  // then it is the first token that reaches it.
  const auto at = std::min(std::upper_bound(sums.begin(), sums.end(), rng.uniform() * sum),
                           std::lower_bound(sums.begin(), sums.end(), sum));
  return tokens[static_cast<std::size_t>(at - sums.begin())];
}

}  // namespace eigengrad::detail

namespace eigengrad::models {

/// One next token for each row of logits: drawn from softmax(logits / temperature), or the
/// likeliest.
///
/// **Shapes** logits (B, V), result (B). **Throws** ShapeError on another shape; ValueError on a
/// temperature that is not above 0, a negative top_k, and logits with NaN or without a finite
/// largest one.
template <class T>
NdArray<Index> sample_next(const Tensor<T>& logits, const SampleArguments& arguments,
                           Generator& rng) {
  detail::check_sample(logits.shape(), arguments);
  const Index tokens = logits.dim(1);
  NdArray<Index> out(Shape{logits.dim(0)});
  for (Index b = 0; b < logits.dim(0); ++b) {
    const T* row = logits.value().data() + b * tokens;
    out.data()[b] = arguments.greedy ? detail::likeliest(row, tokens)
                                     : detail::draw_token(row, tokens, arguments, rng);
  }
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
