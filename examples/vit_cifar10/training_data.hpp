// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/eigengrad.hpp>
#include <examples/vit_cifar10/augment_settings.hpp>
#include <examples/vit_cifar10/settings.hpp>

/// Which images a run has, and in which batches it learns from them.
namespace vit {

/// The images of a run and what is known of them.
struct TrainingData {
  eg::data::ImageDataset train;
  eg::data::ImageDataset validation;
  eg::data::ImageDataset test;
  eg::data::Normalization normalization;
  DataSettings source;  ///< where they were found
};

/// The batches of a run; `plain` ones are those of the last epochs (--plain-epochs).
inline eg::data::DataLoader training_loader(const TrainSettings& t, const TrainingData& data,
                                            bool plain) {
  eg::data::Augment augment = to_augment(t.augment, data.normalization, plain);
  augment.output_size = t.model.image_size;
  return eg::data::DataLoader(data.train, {.batch_size = t.batch,
                                           .shuffle = true,
                                           .drop_last = true,
                                           .workers = t.workers,
                                           .seed = t.seed,
                                           .augment = augment,
                                           .mix = to_mix(t.augment, plain)});
}

}  // namespace vit
