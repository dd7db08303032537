// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <examples/char_lm/settings.hpp>

/// The text to learn from.
namespace char_lm {

struct Text {
  eg::data::CharVocabulary vocabulary;
  eg::NdArray<Index> train;
  eg::NdArray<Index> validation;
  std::string fingerprint;  ///< of its bytes

  Index size() const { return train.numel() + validation.numel(); }
};

/// FNV-1a: tells a text that was changed from the one that a run began with.
inline std::string fingerprint(const std::string& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

/// Everything that can be wrong with a text is looked at before the first step.
/// **Throws** UsageError without a path or with too short a text, IoError when it cannot be read.
inline Text load_text(const TrainSettings& t) {
  if (t.text.empty()) throw cli::UsageError("--text FILE is required: a text to learn from");
  const std::string bytes = eg::io::read_file(t.text);
  if (bytes.empty()) throw cli::UsageError(t.text + " is empty");
  try {
    eg::data::CharVocabulary vocabulary(bytes);
    auto [train, validation] = eg::data::split_tokens(vocabulary.encode(bytes));
    Text out{std::move(vocabulary), std::move(train), std::move(validation), fingerprint(bytes)};
    if (out.validation.numel() <= t.context) {
      throw cli::UsageError(t.text + " is too short: the last tenth of its " +
                            std::to_string(out.size()) +
                            " characters, which validates, must be longer than --context " +
                            std::to_string(t.context));
    }
    return out;
  } catch (const eg::ValueError& error) {
    throw eg::IoError(t.text + ": " + error.what());
  }
}

}  // namespace char_lm
