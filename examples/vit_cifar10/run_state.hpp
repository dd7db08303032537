// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/data/metrics.hpp>
#include <examples/vit_cifar10/history.hpp>

namespace vit {

/// What the batches of an epoch have given so far, summed over images, so that batches of different
/// sizes weigh as they should.
struct EpochSums {
  double loss = 0;
  Index images = 0;
  Index top1 = 0;
  Index top5 = 0;

  /// Adds a batch and its mean loss, which comes from smoothed or mixed labels.
  void add(const eigengrad::data::ClassificationMetrics& batch, double mean_loss) {
    loss += mean_loss * double(batch.images());
    images += batch.images();
    top1 += batch.correct(1);
    top5 += batch.correct(5);
  }

  double mean_loss() const { return images ? loss / double(images) : 0; }
  double accuracy_percent() const { return images ? 100.0 * double(top1) / double(images) : 0; }
  double top5_percent() const { return images ? 100.0 * double(top5) / double(images) : 0; }
};

/// The place of a run and what it has measured so far. A batch follows from its number and the
/// seed, the learning rate from the step; so with the learner's arrays this is all of a run.
struct RunState {
  int epoch = 1;     ///< the one under way
  Index batch = 0;   ///< batches of the epoch that are done
  EpochSums so_far;  ///< from these batches
  double train_seconds = 0;
  double wait_seconds = 0;
  double epoch_seconds = 0;
  double seconds = 0;  ///< of the whole run
  bool finished = false;
  Index patch_size = 0;             ///< of the saved model
  std::vector<EpochRecord> epochs;  ///< the complete ones

  /// Images that the model learned from per second, in this epoch.
  double images_per_s() const { return double(so_far.images) / train_seconds; }
};

template <class Visit>
void visit_fields(RunState& s, Visit&& visit) {
  visit("epoch", s.epoch);
  visit("batch", s.batch);
  visit("loss_sum", s.so_far.loss);
  visit("images", s.so_far.images);
  visit("top1", s.so_far.top1);
  visit("top5", s.so_far.top5);
  visit("train_seconds", s.train_seconds);
  visit("wait_seconds", s.wait_seconds);
  visit("epoch_seconds", s.epoch_seconds);
  visit("seconds", s.seconds);
  visit("finished", s.finished);
  visit("patch_size", s.patch_size);
  visit("epochs", s.epochs);
}

}  // namespace vit
