// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>

namespace eigengrad {

namespace detail {

/// The weights of row `row` as doubles. **Throws** ValueError on one that is negative or not
/// finite, and where fewer than `needed` are above zero.
template <class T>
std::vector<double> multinomial_weights(const T* weight, Index n, Index row, Index needed) {
  std::vector<double> out(weight, weight + n);
  Index positive = 0;
  for (Index i = 0; i < n; ++i) {
    const double w = out[static_cast<std::size_t>(i)];
    if (!(w >= 0) || !std::isfinite(w)) {
      throw ValueError(concat("[multinomial] weights must be finite and not negative: row ", row,
                              ", entry ", i, ": ", w));
    }
    positive += w > 0;
  }
  if (positive < needed) {
    throw ValueError(concat("[multinomial] row ", row, " has ", positive,
                            " weights above zero, and needs ", needed));
  }
  return out;
}

/// Draws an entry with the probability of its share of the sum. Weights are counted in the largest
/// of those that are left, so that no sum is infinite and one that is left alone is not lost.
inline Index multinomial_draw(const std::vector<double>& weight, Generator& rng) {
  const double largest = *std::max_element(weight.begin(), weight.end());
  double sum = 0;
  for (const double w : weight) sum += w / largest;
  double left = rng.uniform() * sum;
  Index last = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (weight[i] == 0) continue;
    last = static_cast<Index>(i);
    left -= weight[i] / largest;
    if (left < 0) break;
  }
  return last;  // where rounding leaves something of the sum, the last that can be drawn
}

}  // namespace detail

/// Draws entries by their weights, which need not add up to 1, for each row. Without replacement
/// the entries drawn for a row differ.
///
///     const NdArray<Index> token = multinomial(softmax(logits / temperature), 1, rng);
///
/// **Shapes** weights (B, n) or (n), result (B, samples) or (samples).
/// **Throws** ShapeError on another number of axes; ValueError on a weight that is negative or not
/// finite, on a row without enough weights above zero, and on a negative number of samples.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html
template <class T>
NdArray<Index> multinomial(const NdArray<T>& weights, Index samples, Generator& rng,
                           bool replacement = false) {
  const Shape& shape = weights.shape();
  if (shape.rank() != 1 && shape.rank() != 2) {
    throw ShapeError(detail::concat("[multinomial] weights must be (B, n) or (n): ", shape));
  }
  if (samples < 0) {
    throw ValueError(detail::concat("[multinomial] samples must not be negative: ", samples));
  }
  const Index n = shape.back(), rows = shape.rank() == 2 ? shape[0] : 1;
  NdArray<Index> out(shape.rank() == 2 ? Shape{rows, samples} : Shape{samples});
  const Index needed = replacement ? std::min<Index>(samples, 1) : samples;
  for (Index row = 0; row < rows; ++row) {
    std::vector<double> left =
        detail::multinomial_weights(weights.data() + row * n, n, row, needed);
    for (Index s = 0; s < samples; ++s) {
      const Index drawn = detail::multinomial_draw(left, rng);
      out.data()[row * samples + s] = drawn;
      if (!replacement) left[static_cast<std::size_t>(drawn)] = 0;
    }
  }
  return out;
}
template <class T>
NdArray<Index> multinomial(const Tensor<T>& weights, Index samples, Generator& rng,
                           bool replacement = false) {
  return multinomial(weights.value(), samples, rng, replacement);
}

}  // namespace eigengrad
