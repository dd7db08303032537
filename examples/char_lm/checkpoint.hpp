// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <examples/char_lm/settings.hpp>

/// A trained model in one safetensors file, with its characters.
namespace char_lm {

using Model = eg::models::LanguageModel<float>;

struct Checkpoint {
  Model model;
  eg::data::CharVocabulary vocabulary;
};

/// Any program gets the model back with `eg::models::load_language_model`.
inline void save_checkpoint(const std::string& path, const Model& model,
                            const eg::data::CharVocabulary& vocabulary) {
  eg::models::save_model(path, model, {{"char_lm.characters", vocabulary.characters()}});
}

/// `path` is the file, or the folder of a run.
/// **Throws** IoError when the file is no checkpoint of this program.
inline Checkpoint load_checkpoint(std::string path) {
  if (eg::io::is_folder(path)) path += "/model.safetensors";
  const eg::io::SafetensorsFile file(path);
  const auto found = file.metadata().find("char_lm.characters");
  if (found == file.metadata().end()) {
    throw eg::IoError(path +
                      " names no characters; it must be a model.safetensors that `char_lm "
                      "train` wrote");
  }
  Checkpoint out{eg::models::load_language_model<float>(file),
                 eg::data::CharVocabulary(found->second)};
  if (out.vocabulary.size() != out.model.options().vocabulary) {
    throw eg::IoError(path + " names other characters than its model has");
  }
  out.model.eval();
  return out;
}

}  // namespace char_lm
