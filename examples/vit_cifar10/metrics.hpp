// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/eigengrad.hpp>

/// Counting what a model gets right.
namespace vit {

/// Sums over images, so that batches of different sizes weigh as they should.
struct Metrics {
  double loss_sum = 0;
  eigengrad::Index images = 0;
  eigengrad::Index top1 = 0;
  eigengrad::Index top5 = 0;

  double loss() const { return images ? loss_sum / double(images) : 0; }
  double accuracy() const { return images ? 100.0 * double(top1) / double(images) : 0; }
  double top5_accuracy() const { return images ? 100.0 * double(top5) / double(images) : 0; }

  /// Adds a batch: its mean loss, the logits (B, K) and the right classes (B).
  void add(double mean_loss, const eigengrad::NdArray<float>& logits,
           const eigengrad::NdArray<eigengrad::Index>& labels) {
    const eigengrad::Index batch = labels.numel();
    const eigengrad::Index classes = logits.cols();
    for (eigengrad::Index i = 0; i < batch; ++i) {
      const float* row = logits.data() + i * classes;
      const eigengrad::Index label = labels.data()[i];
      eigengrad::Index ahead = 0;  // classes that are ranked before the right one
      for (eigengrad::Index k = 0; k < classes; ++k) {
        ahead += row[k] > row[label] || (row[k] == row[label] && k < label) || row[k] != row[k];
      }
      top1 += ahead == 0;
      top5 += ahead < 5;
    }
    loss_sum += mean_loss * double(batch);
    images += batch;
  }
};

}  // namespace vit
