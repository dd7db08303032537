// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <eigengrad/io/fields.hpp>
#include <examples/vit_cifar10/data_settings.hpp>
#include <examples/vit_cifar10/model.hpp>

/// A trained model in one safetensors file, with what is needed to use it.
namespace vit {

/// How the images are made that the model takes, and what its answers are called.
struct ImageDescription {
  eg::data::Normalization normalization;
  std::vector<std::string> class_names;
  DataSettings data;  ///< what it was trained on
};

template <class Visit>
void visit_fields(ImageDescription& d, Visit&& visit) {
  visit("mean", d.normalization.mean);
  visit("std", d.normalization.stddev);
  visit("class_names", d.class_names);
  visit("data", d.data);
}

struct Checkpoint : ImageDescription {
  Model model;
};

/// Any program gets the model back with `eg::models::load_vision_transformer`.
inline void save_checkpoint(const std::string& path, const ImageDescription& images,
                            const Model& model) {
  eg::models::save_model(path, model, {{"vit_cifar10", eg::io::to_json(images).dump()}});
}

/// **Throws** UsageError without a path; IoError when the file is no checkpoint of this program, or
/// its weights are not those of the model that it describes.
inline Checkpoint load_checkpoint(const std::string& path) {
  if (path.empty()) {
    throw cli::UsageError("--checkpoint FILE is required: the model.safetensors of a run");
  }
  const eg::io::SafetensorsFile file(path);
  const auto found = file.metadata().find("vit_cifar10");
  if (found == file.metadata().end()) {
    throw eg::IoError("[checkpoint] " + path +
                      " does not describe its model; it must be a model.safetensors that "
                      "`vit_cifar10 train` wrote");
  }
  return {eg::io::from_json<ImageDescription>(Json::parse(found->second, path)),
          eg::models::load_vision_transformer<float>(file)};
}

}  // namespace vit
