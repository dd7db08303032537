// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/io/fields.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/io/safetensors_file.hpp>
#include <eigengrad/models/flat_options.hpp>
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/models/seq2seq_transformer.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/models/vision_transformer_options.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// A model and its options in one safetensors file, enough to build it again: the weights under
/// their names, and in the metadata "eigengrad.model", the type, and "eigengrad.options", JSON.
///
///     models::save_model("vit.safetensors", vit, {{"class_names", "cat, dog"}});
///     const auto again = models::load_vision_transformer<float>("vit.safetensors");
namespace eigengrad::detail {

inline constexpr const char* kModel = "eigengrad.model";
inline constexpr const char* kOptions = "eigengrad.options";

/// A type of models in files, and the function that loads it.
struct SavedKind {
  const char* loader;  ///< in messages
  const char* kind;
};
inline constexpr SavedKind kVisionTransformer{"load_vision_transformer", "VisionTransformer"};
inline constexpr SavedKind kLanguageModel{"load_language_model", "LanguageModel"};
inline constexpr SavedKind kSeq2SeqTransformer{"load_seq2seq_transformer", "Seq2SeqTransformer"};

/// read(JSON) of the options of a model of this kind.
/// **Throws** IoError when the file describes no such model, or not all of it.
template <class Read>
auto read_model_options(const io::SafetensorsFile& file, const SavedKind& wanted, Read&& read) {
  const auto& metadata = file.metadata();
  const auto kind = metadata.find(kModel);
  const auto options = metadata.find(kOptions);
  if (kind == metadata.end() || options == metadata.end()) {
    throw IoError(concat("[", wanted.loader, "] ", file.path(),
                         " does not say which model its weights belong to; save it with "
                         "save_model"));
  }
  if (kind->second != wanted.kind) {
    throw IoError(concat("[", wanted.loader, "] ", file.path(), " holds a model of type ",
                         kind->second, ", not a ", wanted.kind));
  }
  try {
    return read(io::Json::parse(options->second));
  } catch (const IoError& error) {
    throw IoError(concat("[", wanted.loader, "] ", file.path(), ": ", error.what()));
  }
}

/// A model of these options with the weights in the file, in the model's type.
/// **Throws** IoError when the weights are not that model's.
template <class Model, class Options>
Model build_saved(const io::SafetensorsFile& file, const Options& options,
                  const SavedKind& wanted) {
  using T = typename Model::value_type;
  nn::StateDict<T> weights;
  for (const std::string& name : file.names()) weights.emplace(name, file.get<T>(name));
  try {
    Generator rng(0);
    Model model(options, rng);
    model.load_state_dict(weights);
    return model;
  } catch (const std::invalid_argument& error) {  // a ValueError or a ShapeError
    throw IoError(concat("[", wanted.loader, "] ", file.path(),
                         " does not hold the model that it describes: ", error.what()));
  }
}

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
  return detail::read_model_options(file, detail::kVisionTransformer,
                                    detail::read_vision_transformer_options);
}

/// The model that `save_model` wrote, weights and buffers included, in training mode; files of
/// earlier versions can be read too. Its dropout starts from seed 0. Weights that were saved in
/// another type are converted.
///
/// **Throws** IoError when the file describes no vision transformer, or its weights are not that
/// model's.
template <class T>
VisionTransformer<T> load_vision_transformer(const io::SafetensorsFile& file) {
  return detail::build_saved<VisionTransformer<T>>(file, vision_transformer_options(file),
                                                   detail::kVisionTransformer);
}
template <class T>
VisionTransformer<T> load_vision_transformer(const std::string& path) {
  return load_vision_transformer<T>(io::SafetensorsFile(path));
}

/// The same for a language model.
template <class T>
LanguageModel<T> load_language_model(const io::SafetensorsFile& file) {
  const auto options = detail::read_model_options(
      file, detail::kLanguageModel,
      [](const io::Json& json) { return io::from_json<LanguageModelOptions>(json); });
  return detail::build_saved<LanguageModel<T>>(file, options, detail::kLanguageModel);
}
template <class T>
LanguageModel<T> load_language_model(const std::string& path) {
  return load_language_model<T>(io::SafetensorsFile(path));
}

/// The same for an encoder and decoder.
template <class T>
Seq2SeqTransformer<T> load_seq2seq_transformer(const io::SafetensorsFile& file) {
  const auto options = detail::read_model_options(
      file, detail::kSeq2SeqTransformer,
      [](const io::Json& json) { return io::from_json<Seq2SeqTransformerOptions>(json); });
  return detail::build_saved<Seq2SeqTransformer<T>>(file, options, detail::kSeq2SeqTransformer);
}
template <class T>
Seq2SeqTransformer<T> load_seq2seq_transformer(const std::string& path) {
  return load_seq2seq_transformer<T>(io::SafetensorsFile(path));
}

}  // namespace eigengrad::models
