// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/data/epoch.hpp>
#include <eigengrad/data/sampler.hpp>

/// Batches of any data set: of a user's own arrays, or of what a user's class reads or computes.
namespace eigengrad::data {

/// What a BatchLoader takes:
///
///     struct Waves {
///       Index size() const { return 1000; }
///       std::pair<Tensor<float>, NdArray<Index>> batch(const NdArray<Index>& indices) const;
///     };
///
/// `batch` makes whatever a training step wants of the samples at `indices` (B). Background threads
/// call it at the same time, so it must not change the data set; what it makes must depend on the
/// indices alone for runs to be repeatable. A copy of a data set should cost little.
template <class D>
concept BatchSource = std::copy_constructible<D> &&
    requires(const D& dataset, const NdArray<Index>& indices) {
  { dataset.size() } -> std::convertible_to<Index>;
  { dataset.batch(indices) } -> std::default_initializable;
};

struct BatchLoaderOptions {
  Index batch_size = 128;
  /// Another order in every epoch.
  bool shuffle = false;
  /// Leave out the last batch of an epoch when it is smaller than the others.
  bool drop_last = false;
  /// Batches to make ahead in the background, at least one for each worker; 0 makes each batch when
  /// it is asked for.
  Index prefetch = 2;
  /// Threads that make them; 0 is one for every four threads of `num_threads()`.
  Index workers = 0;
  /// The order follows from the seed and the epoch alone.
  std::uint64_t seed = 0;
  /// For each sample how often it is to be drawn, relative to the others: an epoch is then drawn
  /// with replacement, in place of `shuffle`. Empty: each sample comes once.
  std::vector<double> weights = {};
  /// Samples of an epoch that is drawn by weights; 0 is as many as the data set has.
  Index samples = 0;
};

namespace detail {

/// What loader and epochs share.
template <BatchSource D>
class SourceMaker {
 public:
  using Batch = decltype(std::declval<const D&>().batch(std::declval<const NdArray<Index>&>()));
  using Arrays = Batch;
  /// A data set makes its own arrays.
  struct Pool {
    void give(Batch&& batch) { batch = {}; }
  };

  SourceMaker(D dataset, BatchLoaderOptions options)
      : dataset_(std::move(dataset)),
        options_(std::move(options)),
        sampler_(dataset_.size(), options_.shuffle, options_.weights, options_.samples,
                 options_.seed) {
    check_loader(options_, dataset_.size(), sampler_.size(), "samples");
  }

  const D& dataset() const { return dataset_; }
  const BatchLoaderOptions& options() const { return options_; }

  Index batches() const { return batch_count(options_, sampler_.size()); }
  NdArray<Index> order(Index epoch) const { return sampler_.order(epoch); }
  Pool pool(Index, Index) const { return {}; }

  Batch make(Pool&, const NdArray<Index>& order, Index, Index batch) const {
    const Index first = batch * options_.batch_size;
    const Index n = std::min(options_.batch_size, sampler_.size() - first);
    return dataset_.batch(NdArray<Index>(
        Shape{n}, std::span<const Index>(order.data() + first, static_cast<std::size_t>(n))));
  }
  static Batch finish(Batch&& batch) { return std::move(batch); }

 private:
  D dataset_;
  BatchLoaderOptions options_;
  Sampler sampler_;
};

}  // namespace detail

/// Cuts any data set into batches, epoch by epoch, as DataLoader does with images:
///
///     const data::BatchLoader loader(data::ArrayDataset(features, labels), {.shuffle = true});
///     for (auto& [inputs, targets] : loader.epoch(e)) { ... }
///
/// Which samples are in a batch depends on (seed, epoch, number of the batch) alone, so training
/// resumes from any batch.
template <BatchSource D>
class BatchLoader {
 public:
  using Epoch = EpochOf<detail::SourceMaker<D>>;

  /// **Throws** ValueError for an option out of range or an empty data set.
  explicit BatchLoader(D dataset, BatchLoaderOptions options = {})
      : maker_(std::make_shared<const detail::SourceMaker<D>>(std::move(dataset),
                                                              std::move(options))) {}

  /// The number of batches in an epoch.
  Index batches() const { return maker_->batches(); }
  const D& dataset() const { return maker_->dataset(); }
  const BatchLoaderOptions& options() const { return maker_->options(); }

  /// The batches of epoch `epoch`, from number `first_batch` on.
  /// **Throws** ValueError for a negative epoch, or a batch outside [0, batches()].
  Epoch epoch(Index epoch, Index first_batch = 0) const {
    detail::check_epoch(epoch, first_batch, batches());
    return Epoch(maker_, epoch, first_batch);
  }

 private:
  std::shared_ptr<const detail::SourceMaker<D>> maker_;
};

}  // namespace eigengrad::data
