// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>

namespace vit {

/// The numbers from 0 to count - 1, that with the largest `value(i)` first and those with NaN last;
/// equal ones in their order.
template <class F>
std::vector<eigengrad::Index> largest_first(eigengrad::Index count, F&& value) {
  std::vector<eigengrad::Index> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), eigengrad::Index{0});
  std::stable_sort(order.begin(), order.end(), [&](eigengrad::Index a, eigengrad::Index b) {
    const auto x = value(a);
    const auto y = value(b);
    return x > y || (x == x && y != y);
  });
  return order;
}

/// The classes with the largest of a picture's probabilities (K), at most `count`.
/// **Throws** StateError, naming the picture, when they are not numbers.
inline std::vector<eigengrad::Index> top_classes(const float* probabilities,
                                                 eigengrad::Index classes, eigengrad::Index count,
                                                 const std::string& picture) {
  if (!std::all_of(probabilities, probabilities + classes,
                   [](float p) { return std::isfinite(p); })) {
    throw eigengrad::StateError("the model gives no numbers for " + picture + "; train it again");
  }
  auto order = largest_first(classes, [&](eigengrad::Index k) { return probabilities[k]; });
  order.resize(static_cast<std::size_t>(std::min(count, classes)));
  return order;
}

}  // namespace vit
