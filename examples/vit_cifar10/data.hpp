// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/vit_cifar10/data_settings.hpp>

/// Getting at the images.
namespace vit {

struct ImageData {
  eg::data::ImageDataset train, validation, test;
  std::string about;                 ///< a line that says what the parts are
  std::vector<std::string> skipped;  ///< what was wrong with pictures that were left out
  bool held_out = false;             ///< the folder has no test part, so one was divided off
};

/// The parts to load; the others stay empty.
struct Parts {
  bool train = true;  ///< and validation
  bool test = true;
};

/// Reads the images that the settings describe, and writes into the settings what was found:
/// dataset, image_size and validation.
///
/// `classes`, if given, are those of a model: labels refer to them.
/// **Throws** UsageError or IoError, in one line that says what was found and what to do.
ImageData load_data(DataSettings& settings, Parts parts = {},
                    const std::vector<std::string>& classes = {});

/// Every image once, in order and without augmentation but scaled to `size`: as a model is
/// measured.
inline eg::data::DataLoader measuring_loader(const eg::data::ImageDataset& images,
                                             const eg::data::Normalization& normalization,
                                             Index size, Index batch = 256) {
  return eg::data::DataLoader(
      images,
      {.batch_size = batch, .augment = {.normalization = normalization, .output_size = size}});
}

}  // namespace vit
