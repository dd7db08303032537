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
#include <eigengrad/data/prefetcher.hpp>

/// A walk over the batches of an epoch, which are made ready in the background.
namespace eigengrad::data {

namespace detail {

/// **Throws** ValueError for a negative epoch, or a batch outside [0, batches].
inline void check_epoch(Index epoch, Index first_batch, Index batches) {
  if (epoch < 0) {
    throw ValueError(
        eigengrad::detail::concat("[data_loader] epoch must not be negative: ", epoch));
  }
  if (first_batch < 0 || first_batch > batches) {
    throw ValueError(eigengrad::detail::concat("[data_loader] first_batch ", first_batch,
                                               " is out of range for ", batches, " batches"));
  }
}

}  // namespace detail

/// The batches of one epoch, for one walk from front to back. Leaving early is fine.
///
/// `Maker` says how a batch is made: `Arrays make(Pool&, order, epoch, number)` in any thread, of
/// which `finish` makes the `Batch` in the consumer's, whose arrays go back to the `Pool`.
template <class Maker>
class EpochOf {
 public:
  using Batch = typename Maker::Batch;

  EpochOf(std::shared_ptr<const Maker> maker, Index epoch, Index first_batch)
      : maker_(std::move(maker)),
        order_(maker_->order(epoch)),
        epoch_(epoch),
        next_(first_batch),
        ahead_(ahead(maker_->options())),
        pool_(maker_->pool(epoch, std::min(ahead_ + 1, maker_->batches() - first_batch))) {
    const Index count = maker_->batches() - first_batch;
    if (ahead_ == 0 || count == 0) return;
    const Index threads = std::min(count, workers(maker_->options()));
    prefetcher_ = std::make_unique<detail::Prefetcher<Arrays>>(
        count, ahead_, threads, [this, first_batch](Index i) { return make(first_batch + i); });
  }
  EpochOf(const EpochOf&) = delete;  // the background threads refer to this
  EpochOf& operator=(const EpochOf&) = delete;

  class Iterator {
   public:
    using value_type = typename Maker::Batch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(EpochOf* epoch) : epoch_(epoch) {}
    Batch& operator*() const { return epoch_->batch_; }
    Batch* operator->() const { return &epoch_->batch_; }
    Iterator& operator++() {
      epoch_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return epoch_->done_; }

   private:
    EpochOf* epoch_;
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
  using Arrays = typename Maker::Arrays;

  static Index workers(const auto& options) {
    return options.workers > 0 ? options.workers : divide_up(num_threads(), 4);
  }
  static Index ahead(const auto& options) {
    return options.prefetch == 0 ? 0 : std::max(options.prefetch, workers(options));
  }

  Arrays make(Index batch) { return maker_->make(pool_, order_, epoch_, batch); }

  void advance() {
    done_ = next_ >= maker_->batches();
    pool_.give(std::move(batch_));
    if (done_) return;
    const auto asked = std::chrono::steady_clock::now();
    Arrays arrays = prefetcher_ ? prefetcher_->take() : make(next_);
    seconds_waited_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
    ++next_;
    batch_ = Maker::finish(std::move(arrays));
  }

  std::shared_ptr<const Maker> maker_;
  NdArray<Index> order_;
  Index epoch_;
  Index next_;
  Index ahead_;
  typename Maker::Pool pool_;
  bool done_ = false;
  double seconds_waited_ = 0;
  Batch batch_;
  std::unique_ptr<detail::Prefetcher<Arrays>> prefetcher_;  // last: it uses the others
};

}  // namespace eigengrad::data
