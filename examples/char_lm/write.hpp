// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>

#include <examples/char_lm/checkpoint.hpp>

/// A model's text on the screen.
namespace char_lm {

inline constexpr eg::models::SampleArguments kUsualSample{.temperature = 0.8, .top_k = 40};

/// The end of a line, after which anything can come, if the model knows it.
inline std::string first_prompt(const eg::data::CharVocabulary& vocabulary) {
  const std::string characters = vocabulary.characters();
  return characters.find('\n') != std::string::npos
             ? "\n"
             : vocabulary.decode(eg::NdArray<Index>({1}, {0}));
}

/// Prints the prompt, without ends of lines before it, and then each character as soon as the
/// model has chosen it.
inline void write(const Checkpoint& from, const std::string& prompt,
                  eg::models::GenerateArguments arguments, eg::Generator& rng) {
  const eg::NdArray<Index> tokens = from.vocabulary.encode(prompt);
  const std::size_t shown = prompt.find_first_not_of('\n');
  if (shown != std::string::npos) std::fputs(prompt.c_str() + shown, stdout);
  arguments.on_token = [&](const eg::NdArray<Index>& token) {
    std::fputs(from.vocabulary.decode(token).c_str(), stdout);
    std::fflush(stdout);
  };
  eg::models::generate(from.model, tokens.reshape({1, -1}), arguments, rng);
}

}  // namespace char_lm
