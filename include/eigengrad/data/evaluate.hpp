// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/metrics.hpp>

/// Measuring a classifier on labelled images.
namespace eigengrad::data {

/// Runs a classifier over all batches of the loader's first epoch, without gradients.
///
///     data::DataLoader loader(test_images, {.augment = {.normalization = normalization}});
///     const auto metrics = data::evaluate(loader, model);
///
/// `model(images)` gives the logits (B, K) of images (B, C, H, W), K being the number of the data
/// set's classes. A module is in evaluation mode meanwhile, and then in the mode that it was in; a
/// lambda works too. `seen(batch, logits)` is called for every batch, in order.
///
/// **Returns** loss, accuracies, confusion matrix and calibration.
/// **Throws** ShapeError when the logits have another shape.
template <class Model, class Seen>
ClassificationMetrics evaluate(const DataLoader& loader, const Model& model, Seen&& seen) {
  const NoGrad no_grad;
  const EvaluationMode mode(model);
  ClassificationMetrics metrics(static_cast<Index>(loader.dataset().classes().size()));
  for (const Batch& batch : loader.epoch(0)) {
    const NdArray<float> logits = model(batch.images).value();
    metrics.add(logits, batch.labels);
    seen(batch, logits);
  }
  return metrics;
}

template <class Model>
ClassificationMetrics evaluate(const DataLoader& loader, const Model& model) {
  return evaluate(loader, model, [](const Batch&, const NdArray<float>&) {});
}

}  // namespace eigengrad::data
