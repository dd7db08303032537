// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include <examples/translate/task.hpp>

/// Pairs of texts as a model sees them.
namespace translate {

struct Batch {
  eg::NdArray<Index> source;   ///< (B, S)
  eg::NdArray<Index> input;    ///< (B, T): the start, then the target
  eg::NdArray<Index> labels;   ///< (B, T): the target, then the end
  eg::NdArray<float> weights;  ///< (B T): 1 / their number for labels, 0 for padding
};

/// Sequences below each other, the shorter ones padded at their ends. **Shapes** result (B, T).
inline eg::NdArray<Index> padded(const std::vector<std::vector<Index>>& sequences) {
  std::size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  auto out = eg::NdArray<Index>::full(
      {static_cast<Index>(sequences.size()), static_cast<Index>(longest)}, Vocabulary::kPadding);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    std::copy(sequences[i].begin(), sequences[i].end(), out.begin() + i * longest);
  }
  return out;
}

inline eg::NdArray<Index> sources_of(const std::vector<Pair>& pairs, const Vocabulary& vocabulary) {
  std::vector<std::vector<Index>> sources;
  for (const Pair& pair : pairs) sources.push_back(vocabulary.encode(pair.source));
  return padded(sources);
}

inline Batch make_batch(const std::vector<Pair>& pairs, const Vocabularies& vocabularies) {
  std::vector<std::vector<Index>> inputs, labels;
  std::size_t count = 0;
  for (const Pair& pair : pairs) {
    labels.push_back(vocabularies.target.encode(pair.target));
    inputs.push_back(labels.back());
    inputs.back().insert(inputs.back().begin(), Vocabulary::kStart);
    labels.back().push_back(Vocabulary::kEnd);
    count += labels.back().size();
  }
  Batch out{sources_of(pairs, vocabularies.source), padded(inputs), padded(labels), {}};
  out.weights = eg::NdArray<float>(eg::Shape{out.labels.numel()});
  std::transform(out.labels.begin(), out.labels.end(), out.weights.begin(), [&](Index label) {
    return label == Vocabulary::kPadding ? 0 : 1 / static_cast<float>(count);
  });
  return out;
}

}  // namespace translate
