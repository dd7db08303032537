// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>

/// Which samples of a data set make an epoch, and in which order.
namespace eigengrad::data {

/// For each sample the weight at which all classes are drawn equally often: 1 / (samples of its
/// class). For `DataLoaderOptions::weights` when some classes are rare.
///
/// **Shapes** labels (N), result N. **Throws** ValueError for a negative label.
inline std::vector<double> class_balanced_weights(const NdArray<Index>& labels) {
  std::vector<Index> counts;
  for (const Index label : labels) {
    if (label < 0) {
      throw ValueError(eigengrad::detail::concat(
          "[class_balanced_weights] labels must not be negative: ", label));
    }
    const auto k = static_cast<std::size_t>(label);
    if (k >= counts.size()) counts.resize(k + 1, 0);
    ++counts[k];
  }
  std::vector<double> out;
  for (const Index label : labels) {
    out.push_back(1 / static_cast<double>(counts[static_cast<std::size_t>(label)]));
  }
  return out;
}

namespace detail {

/// The order of the samples of any epoch, from the seed and the epoch alone.
class Sampler {
 public:
  /// With `weights`, `samples` are drawn with replacement in proportion to them (0: as many as
  /// there are in the data set); otherwise each sample comes once.
  Sampler(Index size, bool shuffle, const std::vector<double>& weights, Index samples,
          std::uint64_t seed)
      : dataset_size_(size), shuffle_(shuffle), seed_(seed) {
    const auto fail = [](const auto&... what) {
      throw ValueError(eigengrad::detail::concat("[data_loader] ", what...));
    };
    if (samples < 0) fail("samples must not be negative: ", samples);
    if (weights.empty()) {
      if (samples > 0) fail("samples needs weights: ", samples);
      return;
    }
    if (static_cast<Index>(weights.size()) != size) {
      fail("weights must be one for each sample: ", weights.size(), " for ", size);
    }
    double sum = 0;
    for (const double weight : weights) {
      if (!(weight >= 0 && std::isfinite(weight))) {
        fail("weights must be finite and not negative: ", weight);
      }
      sums_.push_back(sum += weight);
    }
    if (!(sum > 0 && std::isfinite(sum))) fail("the sum of the weights must be positive: ", sum);
    samples_ = samples > 0 ? samples : size;
  }

  /// Samples of an epoch.
  Index size() const { return weighted() ? samples_ : dataset_size_; }
  /// A sample may then come several times in an epoch.
  bool weighted() const { return !sums_.empty(); }

  NdArray<Index> order(Index epoch) const {
    const Generator root(seed_);
    if (weighted()) return draw(root.fork(4, static_cast<std::uint64_t>(epoch)));
    if (!shuffle_) return NdArray<Index>::arange(dataset_size_);
    return root.fork(2, static_cast<std::uint64_t>(epoch)).permutation(dataset_size_);
  }

 private:
  NdArray<Index> draw(Generator rng) const {
    NdArray<Index> out(Shape{samples_});
    for (Index& index : out) {
      // The first sum above the draw: a sample of weight 0 never has it.
      const auto at = std::upper_bound(sums_.begin(), sums_.end(), rng.uniform(0, sums_.back()));
      // Rounding may make the draw the sum itself.
      index = at == sums_.end() ? last() : at - sums_.begin();
    }
    return out;
  }

  /// The last sample with a weight.
  Index last() const {
    return std::lower_bound(sums_.begin(), sums_.end(), sums_.back()) - sums_.begin();
  }

  Index dataset_size_;
  bool shuffle_;
  std::uint64_t seed_;
  Index samples_ = 0;
  std::vector<double> sums_;  ///< of the weights up to each sample
};

/// The number of batches of an epoch of `samples`.
template <class Options>
Index batch_count(const Options& options, Index samples) {
  const Index spare = options.drop_last ? 0 : options.batch_size - 1;
  return (samples + spare) / options.batch_size;
}

/// **Throws** ValueError on what no loader can do with a data set of `size` samples, of which an
/// epoch has `drawn`; `noun` is what the message calls them.
template <class Options>
void check_loader(const Options& options, Index size, Index drawn, const char* noun) {
  const auto fail = [](const auto&... what) {
    throw ValueError(eigengrad::detail::concat("[data_loader] ", what...));
  };
  if (options.batch_size < 1) fail("batch_size must be at least 1: ", options.batch_size);
  if (options.prefetch < 0) fail("prefetch must not be negative: ", options.prefetch);
  if (options.workers < 0) fail("workers must not be negative: ", options.workers);
  if (size == 0) fail("the data set has no ", noun);
  if (batch_count(options, drawn) == 0) {
    fail("drop_last leaves no batch: ", drawn, " ", noun, ", batch_size ", options.batch_size);
  }
}

}  // namespace detail
}  // namespace eigengrad::data
