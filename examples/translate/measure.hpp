// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <examples/translate/batch.hpp>
#include <examples/translate/checkpoint.hpp>

/// How well a model translates.
namespace translate {

/// The mean loss per target token, in nats. **Shapes** result ().
inline eg::Tensor<float> batch_loss(const Model& model, const Batch& batch) {
  const eg::Tensor<float> logits = model(batch.source, batch.input);
  const eg::Tensor<float> losses = eg::cross_entropy(
      eg::flatten(logits, 0, 1), batch.labels.reshape({-1}), {.reduction = eg::Reduction::kNone});
  return eg::sum(losses * eg::Tensor<float>(batch.weights));
}

/// Pairs that are measured at once.
inline constexpr std::size_t kMeasuredTogether = 64;

/// Calls f(pairs) for all pairs, some at a time.
template <class F>
void in_parts(const std::vector<Pair>& pairs, F&& f) {
  for (std::size_t i = 0; i < pairs.size(); i += kMeasuredTogether) {
    const std::size_t end = std::min(pairs.size(), i + kMeasuredTogether);
    f(std::vector<Pair>(pairs.begin() + static_cast<std::ptrdiff_t>(i),
                        pairs.begin() + static_cast<std::ptrdiff_t>(end)));
  }
}

/// The mean over all pairs' target tokens.
inline double mean_loss(const Checkpoint& of, const std::vector<Pair>& pairs) {
  const eg::NoGrad no_grad;
  const eg::EvaluationMode evaluation(of.model);
  double sum = 0, tokens = 0;
  in_parts(pairs, [&](const std::vector<Pair>& part) {
    const Batch batch = make_batch(part, of.vocabularies);
    const auto count = static_cast<double>((batch.weights.array() > 0).count());
    sum += count * static_cast<double>(batch_loss(of.model, batch).item());
    tokens += count;
  });
  return sum / tokens;
}

/// The model's targets, by greedy search for 0 beams.
inline std::vector<std::string> translations(const Checkpoint& from, const std::vector<Pair>& pairs,
                                             Index beams) {
  std::vector<std::string> out;
  in_parts(pairs, [&](const std::vector<Pair>& part) {
    const auto sources = sources_of(part, from.vocabularies.source);
    const auto add = [&](const eg::models::Hypothesis& best) {
      out.push_back(from.vocabularies.target.decode(best.tokens));
    };
    if (beams == 0) {
      const auto found = eg::models::greedy_search(
          from.model, sources, {.start = Vocabulary::kStart, .end = Vocabulary::kEnd});
      for (const auto& best : found) add(best);
    } else {
      const auto found = eg::models::beam_search(
          from.model, sources,
          {.beams = beams, .start = Vocabulary::kStart, .end = Vocabulary::kEnd});
      for (const auto& best : found) add(best.at(0));
    }
  });
  return out;
}

/// The share of targets that are right from the first to the last token.
inline double share_right(const std::vector<std::string>& translations,
                          const std::vector<Pair>& pairs) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) right += translations[i] == pairs[i].target;
  return static_cast<double>(right) / static_cast<double>(pairs.size());
}

}  // namespace translate
