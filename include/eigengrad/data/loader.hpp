// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/transforms.hpp>

/// Batches of a data set, shuffled and augmented, made ready in the background.
namespace eigengrad::data {

/// What a training step takes: images (B, C, H, W), labels (B).
struct Batch {
  Tensor<float> images;
  NdArray<Index> labels;
};

struct DataLoaderOptions {
  Index batch_size = 128;
  /// Another order in every epoch.
  bool shuffle = false;
  /// Leave out the last batch of an epoch when it is smaller than the others.
  bool drop_last = false;
  /// Batches to make ahead in a background thread; 0 makes each when it is asked for.
  Index prefetch = 2;
  /// Order and augmentation follow from the seed, the epoch and the image alone.
  std::uint64_t seed = 0;
  Augment augment = {};
};

namespace detail {

/// A bounded queue that a background thread fills with what `produce` returns. An exception in
/// there reaches the consumer in its turn, after the items before it.
template <class Item>
class Prefetcher {
 public:
  /// Calls `produce()` `count` times.
  Prefetcher(Index count, Index capacity, std::function<Item()> produce)
      : slots_(static_cast<std::size_t>(capacity)),
        left_(count),
        produce_(std::move(produce)),
        thread_([this, count] { run(count); }) {}
  ~Prefetcher() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item; waits for it. To be called at most `count` times.
  Item take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return used_ > 0 || error_ || left_ == 0; });
    if (used_ == 0) {
      if (error_) std::rethrow_exception(error_);
      throw StateError("[prefetch] all items have been taken");
    }
    Item item = std::move(slots_[first_]);
    first_ = (first_ + 1) % slots_.size();
    --used_;
    --left_;
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  void run(Index count) {
    const SerialGuard serial;  // the threads of OpenMP are busy with training
    try {
      for (Index i = 0; i < count; ++i) {
        {
          std::unique_lock lock(mutex_);
          changed_.wait(lock, [&] { return stop_ || used_ < slots_.size(); });
          if (stop_) return;
        }
        Item item = produce_();
        {
          std::lock_guard lock(mutex_);
          slots_[(first_ + used_) % slots_.size()] = std::move(item);
          ++used_;
        }
        changed_.notify_all();
      }
    } catch (...) {
      {
        std::lock_guard lock(mutex_);
        error_ = std::current_exception();
      }
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> slots_;  // a ring: `used_` items from `first_` on
  std::size_t first_ = 0;
  std::size_t used_ = 0;
  Index left_;
  bool stop_ = false;
  std::exception_ptr error_;
  std::function<Item()> produce_;
  std::thread thread_;  // last: it uses all of the above
};

/// What loader and epochs share: everything that decides what is in a batch.
class BatchMaker {
 public:
  /// Plain arrays: tensors are made in the consumer's thread.
  struct Arrays {
    NdArray<float> images;
    NdArray<Index> labels;
  };

  BatchMaker(ImageDataset dataset, DataLoaderOptions options)
      : dataset_(std::move(dataset)),
        options_(std::move(options)),
        transform_(options_.augment, dataset_.channels(), dataset_.height(), dataset_.width(),
                   Generator(options_.seed).fork(1).state().seed) {
    const auto fail = [](const auto&... what) {
      throw ValueError(eigengrad::detail::concat("[data_loader] ", what...));
    };
    if (options_.batch_size < 1) fail("batch_size must be at least 1: ", options_.batch_size);
    if (options_.prefetch < 0) fail("prefetch must not be negative: ", options_.prefetch);
    if (dataset_.size() == 0) fail("the data set has no images");
    if (batches() == 0) {
      fail("drop_last leaves no batch: ", dataset_.size(), " images, batch_size ",
           options_.batch_size);
    }
  }

  const ImageDataset& dataset() const { return dataset_; }
  const DataLoaderOptions& options() const { return options_; }

  Index batches() const {
    const Index spare = options_.drop_last ? 0 : options_.batch_size - 1;
    return (dataset_.size() + spare) / options_.batch_size;
  }

  NdArray<Index> order(Index epoch) const {
    if (!options_.shuffle) return NdArray<Index>::arange(dataset_.size());
    return Generator(options_.seed)
        .fork(2, static_cast<std::uint64_t>(epoch))
        .permutation(dataset_.size());
  }

  Arrays make(const NdArray<Index>& order, Index epoch, Index batch) const {
    const Index first = batch * options_.batch_size;
    const Index n = std::min(options_.batch_size, dataset_.size() - first);
    const Index size = dataset_.image_size();
    Arrays out{NdArray<float>({n, dataset_.channels(), dataset_.height(), dataset_.width()}),
               NdArray<Index>(Shape{n})};
    parallel_for(n, row_grain(size), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index from = order.data()[first + i];
        transform_(out.images.data() + i * size, dataset_.image(from), epoch, from);
        out.labels.data()[i] = dataset_.labels().data()[from];
      }
    });
    return out;
  }

 private:
  ImageDataset dataset_;
  DataLoaderOptions options_;
  ImageTransform transform_;
};

}  // namespace detail

/// The batches of one epoch, for one walk from front to back. Leaving early is fine.
class Epoch {
 public:
  Epoch(std::shared_ptr<const detail::BatchMaker> maker, Index epoch, Index first_batch)
      : maker_(std::move(maker)),
        order_(maker_->order(epoch)),
        epoch_(epoch),
        next_(first_batch),
        to_make_(first_batch) {
    const Index ahead = maker_->options().prefetch;
    const Index count = maker_->batches() - first_batch;
    if (ahead > 0 && count > 0) {
      prefetcher_ = std::make_unique<detail::Prefetcher<Arrays>>(
          count, ahead, [this] { return maker_->make(order_, epoch_, to_make_++); });
    }
  }
  Epoch(const Epoch&) = delete;  // the background thread refers to this
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

  /// Fetches the next batch, so a second walk goes on behind the first one.
  Iterator begin() {
    advance();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  using Arrays = detail::BatchMaker::Arrays;

  void advance() {
    done_ = next_ >= maker_->batches();
    batch_ = {};
    if (done_) return;
    Arrays arrays = prefetcher_ ? prefetcher_->take() : maker_->make(order_, epoch_, next_);
    ++next_;
    batch_ = {Tensor<float>(std::move(arrays.images)), std::move(arrays.labels)};
  }

  std::shared_ptr<const detail::BatchMaker> maker_;
  NdArray<Index> order_;
  Index epoch_;
  Index next_;
  Index to_make_;  // the background thread's own
  bool done_ = false;
  Batch batch_;
  std::unique_ptr<detail::Prefetcher<Arrays>> prefetcher_;  // last: its thread uses the others
};

/// Cuts a data set into batches, epoch by epoch:
///
///     for (auto& [images, labels] : loader.epoch(e)) { ... }
///
/// A batch depends on (seed, epoch, number of the batch) alone: not on prefetching, threads, or
/// what was read before. So training resumes from any batch with the same bits.
class DataLoader {
 public:
  /// **Throws** ValueError for an option out of range or an empty data set.
  explicit DataLoader(ImageDataset dataset, DataLoaderOptions options = {})
      : maker_(std::make_shared<const detail::BatchMaker>(std::move(dataset), std::move(options))) {
  }

  /// Batches in an epoch.
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
