// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/models/seq2seq_transformer.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <eigengrad/ops/sort.hpp>

/// Probable sequences from a model that says how likely each next token is.
///
///     const auto best = models::beam_search(
///         model, source, {.beams = 4, .length_penalty = 0.6, .start = 1, .end = 2});
///     best[0][0].tokens;  // the best target of the first source
///
/// The searches know of a model only a function of two arrays, `next_logits(tokens, parents)`. Row
/// i of a call goes on where row parents[i] of the call before was, with tokens[i], and the result
/// has the logits of the token after that. In the first call there is one row per sequence, with
/// the start, and parents[i] = i. A call may have more or fewer rows than the one before.
///
///     const auto next_logits = [&](const NdArray<Index>& tokens, const NdArray<Index>& parents) {
///       cache.reorder(parents);
///       return model.next_logits(tokens.reshape({-1, 1}), cache);  // (R) -> (R, V)
///     };
///     const auto best = models::beam_search(next_logits, 1, {.max_length = 20, ...});
namespace eigengrad::models {

struct GreedySearchArguments {
  /// Most tokens of a sequence, its end included; 0 means as many as the model can.
  Index max_length = 0;
  /// The token with which a sequence begins, and the one that ends it.
  Index start = 0;
  Index end = 0;
};

struct BeamSearchArguments {
  /// Number of sequences that are followed at the same time, for each source.
  Index beams = 4;
  /// Most tokens of a sequence, its end included; 0 means as many as the model can.
  Index max_length = 0;
  /// Exponent a of the length in a score, log p / ((5 + length) / 6)^a: 0 prefers what is most
  /// probable, which are short sequences; above 0 longer ones are preferred.
  double length_penalty = 0;
  /// The token with which a sequence begins, and the one that ends it.
  Index start = 0;
  Index end = 0;
};

/// A sequence that a search has found.
struct Hypothesis {
  std::vector<Index> tokens = {};  ///< without start and end
  double log_probability = 0;      ///< of all its tokens, the end too, in nats
  double score = 0;                ///< what a beam search orders by
  bool ended = false;              ///< false: it was cut off at max_length
};

}  // namespace eigengrad::models

namespace eigengrad::detail {

/// See above for what it does.
template <class F>
concept NextLogits = requires(F& f, const NdArray<Index>& x) {
  { f(x, x).dim(0) } -> std::convertible_to<Index>;
};

inline void check_search(const char* op, Index sequences, Index max_length) {
  if (sequences < 0) {
    throw ValueError(concat("[", op, "] sequences must not be negative: ", sequences));
  }
  if (max_length < 1) {
    throw ValueError(concat("[", op, "] max_length must be positive: ", max_length));
  }
}

/// The `count` likeliest next tokens of each of `rows` sequences, of equal ones the first, and
/// their log-probabilities. **Shapes** logits (R, V), result (R, min(count, V)).
template <class T>
Sorted<T> likeliest(const char* op, const Tensor<T>& logits, Index rows, Index end, Index count) {
  if (logits.rank() != 2 || logits.dim(0) != rows) {
    throw ShapeError(concat("[", op, "] next_logits must give (R, V) for R tokens: logits ",
                            logits.shape(), ", R ", rows));
  }
  if (end < 0 || end >= logits.dim(1)) {
    throw ValueError(
        concat("[", op, "] end must be a token: end ", end, ", tokens ", logits.dim(1)));
  }
  Sorted<T> out = topk(log_softmax(logits), std::min(count, logits.dim(1)));
  const NdArray<T>& logs = out.values.value();
  if (std::any_of(logs.begin(), logs.end(), [](T x) { return std::isnan(x); })) {
    throw ValueError(concat("[", op, "] the logits are not numbers"));
  }
  return out;
}

/// What a search goes on with: the next call's arguments, as they grow.
struct SearchRows {
  std::vector<Index> tokens;
  std::vector<Index> parents;

  /// Returns the number of the new row.
  Index add(Index token, Index parent) {
    tokens.push_back(token);
    parents.push_back(parent);
    return static_cast<Index>(tokens.size()) - 1;
  }
  static NdArray<Index> array(const std::vector<Index>& values) {
    return NdArray<Index>(Shape{static_cast<Index>(values.size())}, values);
  }
};

/// One row per sequence, with the start.
inline SearchRows first_rows(Index sequences, Index start) {
  SearchRows out;
  for (Index i = 0; i < sequences; ++i) out.add(start, i);
  return out;
}

struct Beam {
  models::Hypothesis hypothesis;
  Index row = 0;  ///< in the logits of the call before
};

/// The sequence with one token more, of which `log_probability` is the logarithm.
inline models::Hypothesis longer(const models::Hypothesis& from, Index token,
                                 double log_probability, Index end, double length_penalty) {
  models::Hypothesis out = from;
  out.log_probability += log_probability;
  const double length = static_cast<double>(out.tokens.size()) + 1;
  out.score = out.log_probability / std::pow((5 + length) / 6, length_penalty);
  out.ended = token == end;
  if (!out.ended) out.tokens.push_back(token);
  return out;
}

/// The best of a source's beams, each with each likely next token; those that have ended stay as
/// they are and compete with the others.
template <class T>
std::vector<Beam> best_beams(const std::vector<Beam>& beams, const Sorted<T>& next,
                             const models::BeamSearchArguments& arguments) {
  std::vector<Beam> pool;
  for (const Beam& beam : beams) {
    if (beam.hypothesis.ended) {
      pool.push_back(beam);
      continue;
    }
    for (Index k = 0; k < next.indices.dim(1); ++k) {
      const auto p = static_cast<double>(next.values.value()(beam.row, k));
      if (p == -std::numeric_limits<double>::infinity()) break;  // impossible, as are all after it
      pool.push_back({longer(beam.hypothesis, next.indices(beam.row, k), p, arguments.end,
                             arguments.length_penalty),
                      beam.row});
    }
  }
  std::stable_sort(pool.begin(), pool.end(), [](const Beam& a, const Beam& b) {
    return a.hypothesis.score > b.hypothesis.score;
  });
  if (static_cast<Index>(pool.size()) > arguments.beams) {
    pool.resize(static_cast<std::size_t>(arguments.beams));
  }
  return pool;
}

/// `next_logits` of a search for the targets of sources (B, S).
template <class T>
auto next_logits_of(const models::Seq2SeqTransformer<T>& model, const NdArray<Index>& source) {
  return [&model, cache = model.cache(model.encode(source)), rows = source.dim(0)](
             const NdArray<Index>& tokens, const NdArray<Index>& parents) mutable {
    const NdArray<Index> same = NdArray<Index>::arange(rows);
    if (!std::equal(parents.begin(), parents.end(), same.begin(), same.end())) {
      cache.reorder(parents);
    }
    rows = parents.numel();
    return model.next_logits(tokens.reshape({-1, 1}), cache);
  };
}

}  // namespace eigengrad::detail

namespace eigengrad::models {

/// Takes the likeliest next token, of equal ones the first, until that is the end.
///
/// **Returns** one sequence for each of `sequences`. **Throws** ValueError unless max_length is
/// positive, and for logits that are not numbers; ShapeError for logits of another shape.
template <detail::NextLogits F>
std::vector<Hypothesis> greedy_search(F&& next_logits, Index sequences,
                                      const GreedySearchArguments& arguments) {
  detail::check_search("greedy_search", sequences, arguments.max_length);
  const NoGrad no_grad;
  std::vector<Hypothesis> out(static_cast<std::size_t>(sequences));
  std::vector<std::size_t> going(out.size());  // the sequence of each row
  std::iota(going.begin(), going.end(), std::size_t{0});
  detail::SearchRows rows = detail::first_rows(sequences, arguments.start);
  for (Index n = 0; n < arguments.max_length && !going.empty(); ++n) {
    const auto likeliest = detail::likeliest(
        "greedy_search", next_logits(rows.array(rows.tokens), rows.array(rows.parents)),
        static_cast<Index>(going.size()), arguments.end, 1);
    detail::SearchRows next;
    std::vector<std::size_t> still_going;
    for (std::size_t i = 0; i < going.size(); ++i) {
      const auto row = static_cast<Index>(i);
      const Index token = likeliest.indices(row, 0);
      const auto p = static_cast<double>(likeliest.values.value()(row, 0));
      Hypothesis& sequence = out[going[i]];
      sequence = detail::longer(sequence, token, p, arguments.end, 0);
      if (sequence.ended) continue;
      next.add(token, row);
      still_going.push_back(going[i]);
    }
    rows = std::move(next);
    going = std::move(still_going);
  }
  return out;
}

/// Follows the best `beams` beginnings at the same time, each with each next token: what is less
/// likely at first may be more likely as a whole. One that has ended stays until better ones take
/// its place; the search is over when all that are left have ended. With one beam it is the greedy
/// search.
///
/// **Returns** for each of `sequences` up to `beams` ones, the best first.
/// **Throws** ValueError unless beams and max_length are positive, and as `greedy_search`.
/// **Source** Y. Wu et al., "Google's neural machine translation system", 2016, section 7 (the
/// length penalty).
template <detail::NextLogits F>
std::vector<std::vector<Hypothesis>> beam_search(F&& next_logits, Index sequences,
                                                 const BeamSearchArguments& arguments) {
  detail::check_search("beam_search", sequences, arguments.max_length);
  if (arguments.beams < 1) {
    throw ValueError(detail::concat("[beam_search] beams must be positive: ", arguments.beams));
  }
  const NoGrad no_grad;
  std::vector<std::vector<detail::Beam>> found;
  for (Index i = 0; i < sequences; ++i) found.push_back({{.hypothesis = {}, .row = i}});
  detail::SearchRows rows = detail::first_rows(sequences, arguments.start);
  for (Index n = 0; n < arguments.max_length && !rows.tokens.empty(); ++n) {
    const auto likeliest = detail::likeliest(
        "beam_search", next_logits(rows.array(rows.tokens), rows.array(rows.parents)),
        static_cast<Index>(rows.tokens.size()), arguments.end, arguments.beams);
    detail::SearchRows next;
    for (auto& beams : found) {
      beams = detail::best_beams(beams, likeliest, arguments);
      for (detail::Beam& beam : beams) {
        if (beam.hypothesis.ended) continue;
        beam.row = next.add(beam.hypothesis.tokens.back(), beam.row);
      }
    }
    rows = std::move(next);
  }
  std::vector<std::vector<Hypothesis>> out(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (detail::Beam& beam : found[i]) out[i].push_back(std::move(beam.hypothesis));
  }
  return out;
}

/// The targets of sources, which the model reads once; it is in evaluation mode meanwhile.
/// **Shapes** source (B, S). **Returns** one target per source. **Throws** as above, and as the
/// model.
template <class T>
std::vector<Hypothesis> greedy_search(const Seq2SeqTransformer<T>& model,
                                      const NdArray<Index>& source,
                                      GreedySearchArguments arguments) {
  const NoGrad no_grad;
  const EvaluationMode evaluation(model);
  if (arguments.max_length == 0) arguments.max_length = model.options().max_length;
  return greedy_search(detail::next_logits_of(model, source), source.dim(0), arguments);
}
template <class T>
std::vector<std::vector<Hypothesis>> beam_search(const Seq2SeqTransformer<T>& model,
                                                 const NdArray<Index>& source,
                                                 BeamSearchArguments arguments) {
  const NoGrad no_grad;
  const EvaluationMode evaluation(model);
  if (arguments.max_length == 0) arguments.max_length = model.options().max_length;
  return beam_search(detail::next_logits_of(model, source), source.dim(0), arguments);
}

}  // namespace eigengrad::models
