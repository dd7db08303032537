// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/mix.hpp>
#include <eigengrad/data/sampler.hpp>
#include <eigengrad/data/transforms.hpp>

/// How a data set becomes batches.
namespace eigengrad::data {

/// What a training step takes. `cross_entropy(logits, batch)` is the loss of any batch, mixed or
/// not.
struct Batch {
  /// (B, C, H, W)
  Tensor<float> images;
  /// The classes (B); in a mixed batch that of each image's larger share, for accuracies.
  NdArray<Index> labels;
  /// In a batch that MixUp or CutMix has mixed, the shares of all classes (B, K); else undefined.
  NdArray<float> targets = {};
};

struct DataLoaderOptions {
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
  /// Order, augmentation and mixing follow from the seed, the epoch and the image or batch alone.
  std::uint64_t seed = 0;
  Augment augment = {};
  MixOptions mix = {};
  /// For each image how often it is to be drawn, relative to the others: an epoch is then drawn
  /// with replacement, in place of `shuffle`. Empty: each image comes once.
  std::vector<double> weights = {};
  /// Images of an epoch that is drawn by weights; 0 is as many as the data set has.
  Index samples = 0;
};

namespace detail {

/// The arrays of a batch; tensors are made in the consumer's thread.
struct BatchArrays {
  NdArray<float> images;
  NdArray<Index> labels;
  NdArray<float> targets = {};
};

/// Arrays of one shape, to be filled anew. From the shared cache it would be a matter of luck how
/// many batches exist at once, and a late step could be the first to ask the system for more.
template <class T>
class ArrayPool {
 public:
  ArrayPool(const Shape& shape, Index count) : shape_(shape) {
    free_.reserve(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) free_.emplace_back(shape);
  }

  NdArray<T> get(const Shape& shape) {
    {
      std::lock_guard lock(mutex_);
      if (shape == shape_ && !free_.empty()) {
        NdArray<T> out = std::move(free_.back());
        free_.pop_back();
        return out;
      }
    }
    return NdArray<T>(shape);
  }

  /// Takes an array back, unless somebody else still holds it.
  void give(NdArray<T> array) {
    if (!array.unique() || !(array.shape() == shape_)) return;
    std::lock_guard lock(mutex_);
    if (free_.size() < free_.capacity()) free_.push_back(std::move(array));
  }

 private:
  Shape shape_;
  std::mutex mutex_;
  std::vector<NdArray<T>> free_;
};

/// The arrays of `count` batches.
struct BatchPool {
  BatchPool(const Shape& shape, Index classes, bool mixes, Index count)
      : images(shape, count),
        labels(Shape{shape[0]}, count),
        targets(Shape{shape[0], classes}, mixes ? count : 0) {}

  void give(Batch&& batch) {
    if (batch.images.defined()) {
      NdArray<float> array = batch.images.value();
      batch.images = {};
      images.give(std::move(array));
    }
    labels.give(std::move(batch.labels));
    targets.give(std::move(batch.targets));
    batch = {};
  }

  ArrayPool<float> images;
  ArrayPool<Index> labels;
  ArrayPool<float> targets;
};

/// What loader and epochs share: everything that decides what is in a batch.
class BatchMaker {
 public:
  using Arrays = BatchArrays;
  using Batch = data::Batch;
  using Pool = BatchPool;

  BatchMaker(ImageDataset dataset, DataLoaderOptions options)
      : dataset_(std::move(dataset)),
        options_(std::move(options)),
        transform_(options_.augment, dataset_.channels(), dataset_.height(), dataset_.width(),
                   Generator(options_.seed).fork(1).state().seed),
        sampler_(dataset_.size(), options_.shuffle, options_.weights, options_.samples,
                 options_.seed) {
    check_loader(options_, dataset_.size(), sampler_.size(), "images");
    options_.mix.validate();
  }

  const ImageDataset& dataset() const { return dataset_; }
  const DataLoaderOptions& options() const { return options_; }

  Index batches() const { return batch_count(options_, sampler_.size()); }

  NdArray<Index> order(Index epoch) const { return sampler_.order(epoch); }

  /// Arrays for `count` of the batches of an epoch, but for a last one that is smaller.
  BatchPool pool(Index epoch, Index count) const {
    return BatchPool(image_shape(std::min(options_.batch_size, sampler_.size())), classes(),
                     options_.mix.active(epoch), count);
  }

  BatchArrays make(BatchPool& pool, const NdArray<Index>& order, Index epoch, Index batch) const {
    const Index first = batch * options_.batch_size;
    const Index n = std::min(options_.batch_size, sampler_.size() - first);
    BatchArrays out{pool.images.get(image_shape(n)), pool.labels.get(Shape{n})};
    const Index size = out.images.numel() / n;
    parallel_for(n, row_grain(size), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index from = order.data()[first + i];
        // An image that is drawn twice is not to look the same.
        const Index number = sampler_.weighted() ? first + i : from;
        transform_(out.images.data() + i * size, dataset_.image(from), epoch, number);
        out.labels.data()[i] = dataset_.labels().data()[from];
      }
    });
    if (options_.mix.active(epoch)) mix(out, pool, epoch, batch);
    return out;
  }

  /// To be called in the consumer's thread.
  static Batch finish(BatchArrays&& arrays) {
    return {Tensor<float>(std::move(arrays.images)), std::move(arrays.labels),
            std::move(arrays.targets)};
  }

 private:
  Shape image_shape(Index n) const {
    return {n, dataset_.channels(), transform_.height(), transform_.width()};
  }

  Index classes() const { return static_cast<Index>(dataset_.classes().size()); }

  void mix(BatchArrays& batch, BatchPool& pool, Index epoch, Index number) const {
    const Generator root = Generator(options_.seed).fork(3, static_cast<std::uint64_t>(epoch));
    const Mixing mixing = draw_mixing(options_.mix, root.fork(static_cast<std::uint64_t>(number)),
                                      batch.images.dim(2), batch.images.dim(3));
    if (!(mixing.lambda < 1)) return;
    mix_images(batch.images, mixing);
    batch.targets = pool.targets.get({batch.labels.numel(), classes()});
    mix_labels(batch.targets, batch.labels, mixing.lambda);
  }

  ImageDataset dataset_;
  DataLoaderOptions options_;
  ImageTransform transform_;
  Sampler sampler_;
};

}  // namespace detail
}  // namespace eigengrad::data
