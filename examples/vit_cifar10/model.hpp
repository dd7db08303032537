// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include <examples/vit_cifar10/data_settings.hpp>
#include <examples/vit_cifar10/settings.hpp>

/// Builds the model that the settings describe, and keeps both in one safetensors file.
namespace vit {

using Model = eg::nn::VisionTransformer<float>;

inline Model build_model(const ModelSettings& m, eg::Generator& rng) {
  eg::nn::VisionTransformerOptions options;
  options.image_size = m.image_size;
  options.classes = m.classes;
  options.dim = m.dim;
  options.depth = m.depth;
  options.heads = m.heads;
  options.mlp_ratio = m.mlp_ratio;
  options.dropout = m.dropout;
  options.stochastic_depth = m.stochastic_depth;
  options.pooling = m.pooling == "cls"    ? eg::nn::Pooling::kClassToken
                    : m.pooling == "mean" ? eg::nn::Pooling::kMean
                                          : eg::nn::Pooling::kSequence;
  if (m.tokenizer == "conv") {
    options.tokenizer_channels = parse_channels(m.channels);
  } else {
    options.patch_size = m.patch_size;
  }
  return Model(options, rng);
}

/// A trained model and what is needed to use it.
struct Checkpoint {
  ModelSettings settings;
  eg::data::Normalization normalization;
  std::vector<std::string> class_names;
  DataSettings data;  ///< what it was trained on
  Model model;
};

inline void save_checkpoint(const std::string& path, const Checkpoint& c) {
  Json description = Json::object();
  description["model"] = to_json(c.settings);
  description["mean"] = Json(c.normalization.mean);
  description["std"] = Json(c.normalization.stddev);
  description["class_names"] = Json(c.class_names);
  description["data"] = to_json(c.data);
  eg::io::save_safetensors(path, c.model.state_dict(),
                           {{"format", "pt"}, {"vit_cifar10", description.dump()}});
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
  const Json description = Json::parse(found->second, path);
  const ModelSettings settings = model_from_json(description.at("model"));
  eg::data::Normalization normalization;
  for (const Json& v : description.at("mean").items()) {
    normalization.mean.push_back(static_cast<float>(v.as_number()));
  }
  for (const Json& v : description.at("std").items()) {
    normalization.stddev.push_back(static_cast<float>(v.as_number()));
  }
  std::vector<std::string> names;
  for (const Json& v : description.at("class_names").items()) names.push_back(v.as_string());

  eg::Generator rng(0);  // the weights are read next
  Checkpoint c{settings, normalization, names, data_from_json(description.at("data")),
               build_model(settings, rng)};
  std::map<std::string, eg::NdArray<float>> weights;
  for (const std::string& name : file.names()) weights.emplace(name, file.get<float>(name));
  try {
    c.model.load_state_dict(weights);
  } catch (const eg::ValueError& error) {
    throw eg::IoError("[checkpoint] " + path +
                      " holds the weights of another model than it describes: " + error.what());
  }
  return c;
}

}  // namespace vit
