// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/data/batch.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/prefetcher.hpp>

/// Batches of a data set, shuffled, augmented and mixed, made ready in the background.
namespace eigengrad::data {

/// The batches of one epoch, for one walk from front to back. Leaving early is fine.
class Epoch {
 public:
  Epoch(std::shared_ptr<const detail::BatchMaker> maker, Index epoch, Index first_batch)
      : maker_(std::move(maker)),
        order_(maker_->order(epoch)),
        epoch_(epoch),
        next_(first_batch),
        ahead_(ahead(maker_->options())),
        pool_(maker_->pool(epoch, std::min(ahead_ + 1, maker_->batches() - first_batch))) {
    const Index count = maker_->batches() - first_batch;
    if (ahead_ == 0 || count == 0) return;
    const Index threads = std::min(count, workers(maker_->options()));
    prefetcher_ = std::make_unique<detail::Prefetcher<detail::BatchArrays>>(
        count, ahead_, threads, [this, first_batch](Index i) { return make(first_batch + i); });
  }
  Epoch(const Epoch&) = delete;  // the background threads refer to this
  Epoch& operator=(const Epoch&) = delete;

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Epoch* epoch) : epoch_(epoch) {}
    Batch& operator*() const { return epoch_->batch_; }
    Batch* operator->() const { return &epoch_->batch_; }
    Iterator& operator++() {
      epoch_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return epoch_->done_; }

   private:
    Epoch* epoch_;
  };

  /// Fetches the next batch, so a second walk goes on after the first one.
  Iterator begin() {
    advance();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

  /// How long the walk has waited for batches so far. More than a few milliseconds per epoch (the
  /// first batch) says that the model could go faster with more workers.
  double seconds_waited() const { return seconds_waited_; }

 private:
  static Index workers(const DataLoaderOptions& options) {
    return options.workers > 0 ? options.workers : divide_up(num_threads(), 4);
  }
  static Index ahead(const DataLoaderOptions& options) {
    return options.prefetch == 0 ? 0 : std::max(options.prefetch, workers(options));
  }

  detail::BatchArrays make(Index batch) { return maker_->make(pool_, order_, epoch_, batch); }

  void advance() {
    done_ = next_ >= maker_->batches();
    pool_.give(std::move(batch_));
    if (done_) return;
    const auto asked = std::chrono::steady_clock::now();
    detail::BatchArrays arrays = prefetcher_ ? prefetcher_->take() : make(next_);
    seconds_waited_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
    ++next_;
    batch_ = {Tensor<float>(std::move(arrays.images)), std::move(arrays.labels),
              std::move(arrays.targets)};
  }

  std::shared_ptr<const detail::BatchMaker> maker_;
  NdArray<Index> order_;
  Index epoch_;
  Index next_;
  Index ahead_;
  detail::BatchPool pool_;
  bool done_ = false;
  double seconds_waited_ = 0;
  Batch batch_;
  std::unique_ptr<detail::Prefetcher<detail::BatchArrays>> prefetcher_;  // last: it uses the others
};

/// Cuts a data set into batches, epoch by epoch:
///
///     for (auto& [images, labels, targets] : loader.epoch(e)) { ... }
///
/// A batch depends on (seed, epoch, number of the batch) alone: not on workers, threads, or what
/// was read before. So training resumes from any batch with the same bits, and a second loader of
/// the same seed and other options goes on in the same order, without what the last epochs of a
/// run are better off without, for instance.
class DataLoader {
 public:
  /// **Throws** ValueError for an option out of range or an empty data set.
  explicit DataLoader(ImageDataset dataset, DataLoaderOptions options = {})
      : maker_(std::make_shared<const detail::BatchMaker>(std::move(dataset), std::move(options))) {
  }

  /// The number of batches in an epoch.
  Index batches() const { return maker_->batches(); }
  const ImageDataset& dataset() const { return maker_->dataset(); }
  const DataLoaderOptions& options() const { return maker_->options(); }

  /// The batches of epoch `epoch`, from number `first_batch` on.
  /// **Throws** ValueError for a negative epoch, or a batch outside [0, batches()].
  Epoch epoch(Index epoch, Index first_batch = 0) const {
    if (epoch < 0) {
      throw ValueError(
          eigengrad::detail::concat("[data_loader] epoch must not be negative: ", epoch));
    }
    if (first_batch < 0 || first_batch > batches()) {
      throw ValueError(eigengrad::detail::concat("[data_loader] first_batch ", first_batch,
                                                 " is out of range for ", batches(), " batches"));
    }
    return Epoch(maker_, epoch, first_batch);
  }

 private:
  std::shared_ptr<const detail::BatchMaker> maker_;
};

}  // namespace eigengrad::data
