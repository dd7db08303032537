// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/data/batch.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/epoch.hpp>

/// Batches of a data set, shuffled, augmented and mixed, made ready in the background.
namespace eigengrad::data {

/// The batches of one epoch of a DataLoader.
using Epoch = EpochOf<detail::BatchMaker>;

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
    detail::check_epoch(epoch, first_batch, batches());
    return Epoch(maker_, epoch, first_batch);
  }

 private:
  std::shared_ptr<const detail::BatchMaker> maker_;
};

}  // namespace eigengrad::data
