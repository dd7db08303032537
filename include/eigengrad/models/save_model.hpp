// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/io/fields.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/io/safetensors_file.hpp>
#include <eigengrad/models/flat_options.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// A model and its options in one safetensors file, enough to build it again: the weights under
/// their names, and in the metadata "eigengrad.model", the type, and "eigengrad.options", JSON.
///
///     models::save_model("vit.safetensors", vit, {{"class_names", "cat, dog"}});
///     const auto again = models::load_vision_transformer<float>("vit.safetensors");
namespace eigengrad::detail {

inline constexpr const char* kModel = "eigengrad.model";
inline constexpr const char* kOptions = "eigengrad.options";

}  // namespace eigengrad::detail

namespace eigengrad::models {

/// Writes a model that has `options()` whose fields are listed (io/fields.hpp). The file is
/// replaced as a whole or not at all; `metadata` goes into it too.
///
/// **Throws** IoError when it cannot be written; ValueError if `metadata` uses one of the two names
/// that the model's own metadata have.
template <class Model>
void save_model(const std::string& path, const Model& model,
                std::map<std::string, std::string> metadata = {}) {
  for (const char* name : {detail::kModel, detail::kOptions}) {
    if (metadata.count(name) > 0) {
      throw ValueError(detail::concat("[save_model] the metadata's name is taken: ", name));
    }
  }
  metadata[detail::kModel] = model.kind();
  metadata[detail::kOptions] = io::to_json(model.options()).dump();
  metadata.emplace("format", "pt");  // what PyTorch's reader asks for
  io::save_safetensors(path, model.state_dict(), metadata);
}

/// The options of the vision transformer in a file that `save_model` wrote.
/// **Throws** IoError when the file describes no such model, or not all of it.
inline VisionTransformerOptions vision_transformer_options(const io::SafetensorsFile& file) {
  const auto& metadata = file.metadata();
  const auto kind = metadata.find(detail::kModel);
  const auto options = metadata.find(detail::kOptions);
  if (kind == metadata.end() || options == metadata.end()) {
    throw IoError(detail::concat("[load_vision_transformer] ", file.path(),
                                 " does not say which model its ",
                                 "weights belong to; save it with save_model"));
  }
  if (kind->second != "VisionTransformer") {
    throw IoError(detail::concat("[load_vision_transformer] ", file.path(),
                                 " holds a model of type ", kind->second,
                                 ", not a VisionTransformer"));
  }
  try {
    return detail::read_vision_transformer_options(io::Json::parse(options->second));
  } catch (const IoError& error) {
    throw IoError(detail::concat("[load_vision_transformer] ", file.path(), ": ", error.what()));
  }
}

/// The model that `save_model` wrote, weights and buffers included, in training mode; files of
/// earlier versions can be read too. Its dropout starts from seed 0. Weights that were saved in
/// another type are converted.
///
/// **Throws** IoError when the file describes no vision transformer, or its weights are not that
/// model's.
template <class T>
VisionTransformer<T> load_vision_transformer(const io::SafetensorsFile& file) {
  const VisionTransformerOptions options = vision_transformer_options(file);
  nn::StateDict<T> weights;
  for (const std::string& name : file.names()) weights.emplace(name, file.get<T>(name));
  try {
    Generator rng(0);
    VisionTransformer<T> model(options, rng);
    model.load_state_dict(weights);
    return model;
  } catch (const ValueError& error) {
    throw IoError(detail::concat("[load_vision_transformer] ", file.path(),
                                 " does not hold the model that it describes: ", error.what()));
  }
}
template <class T>
VisionTransformer<T> load_vision_transformer(const std::string& path) {
  return load_vision_transformer<T>(io::SafetensorsFile(path));
}

}  // namespace eigengrad::models
