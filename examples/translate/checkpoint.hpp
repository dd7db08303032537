// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <examples/translate/vocabulary.hpp>

/// A trained model in one safetensors file, with its vocabularies.
namespace translate {

using Model = eg::models::Seq2SeqTransformer<float>;

struct Checkpoint {
  Model model;
  Vocabularies vocabularies;
};

/// Any program gets the model back with `eg::models::load_seq2seq_transformer`.
inline void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  eg::models::save_model(
      path, checkpoint.model,
      {{"translate.vocabularies", eg::io::to_json(checkpoint.vocabularies).dump()}});
}

/// `path` is the file, or the folder of a run.
/// **Throws** UsageError when there is none, IoError when it is no checkpoint of this program.
inline Checkpoint load_checkpoint(std::string path) {
  if (eg::io::is_folder(path)) path += "/model.safetensors";
  if (!eg::io::is_file(path)) {
    throw cli::UsageError("there is no " + path + "; `translate train --out DIR` makes a model");
  }
  const eg::io::SafetensorsFile file(path);
  const auto found = file.metadata().find("translate.vocabularies");
  if (found == file.metadata().end()) {
    throw eg::IoError(path +
                      " names no vocabularies; it must be a model.safetensors that `translate "
                      "train` wrote");
  }
  Checkpoint out{eg::models::load_seq2seq_transformer<float>(file),
                 eg::io::from_json<Vocabularies>(eg::io::Json::parse(found->second, path))};
  if (out.vocabularies.source.size() != out.model.options().source_vocabulary ||
      out.vocabularies.target.size() != out.model.options().target_vocabulary) {
    throw eg::IoError(path + " names other vocabularies than its model has");
  }
  out.model.eval();
  return out;
}

}  // namespace translate
