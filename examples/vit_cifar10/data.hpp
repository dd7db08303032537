// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>
#include <examples/vit_cifar10/metrics.hpp>
#include <examples/vit_cifar10/model.hpp>

/// Getting at the images, and measuring a model on them.
namespace vit {

inline eg::data::ImageDataset load_dataset(const std::string& dataset, const std::string& folder,
                                           eg::data::CifarPart part) {
  if (folder.empty()) {
    throw cli::UsageError(
        "--data DIR is required: the folder that holds " +
        std::string(dataset == "cifar100" ? "cifar-100-binary" : "cifar-10-batches-bin"));
  }
  return dataset == "cifar100" ? eg::data::load_cifar100(folder, part)
                               : eg::data::load_cifar10(folder, part);
}

/// Loss (without smoothing) and accuracies on every image, without augmentation.
inline Metrics measure(const Model& model, const eg::data::ImageDataset& images,
                       const eg::data::Normalization& normalization, Index batch = 256) {
  const eg::NoGrad no_grad;
  const bool was_training = model.training();
  model.eval();
  Metrics metrics;
  eg::data::DataLoader loader(
      images, {.batch_size = batch, .shuffle = false, .augment = {.normalization = normalization}});
  for (auto& [x, labels, targets] : loader.epoch(0)) {
    const eg::Tensor<float> logits = model(x);
    metrics.add(double(eg::cross_entropy(logits, labels).item()), logits.value(), labels);
  }
  model.train(was_training);
  return metrics;
}

}  // namespace vit
