// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdio>

#include <examples/common/program.hpp>
#include <examples/translate/checkpoint.hpp>
#include <examples/translate/commands.hpp>

namespace translate {
namespace {

struct RunSettings {
  Index beams = 4;
  double length_penalty = 0;
  bool all = false;
  int threads = 1;
};

void add_run_options(cli::Options& options, RunSettings& s) {
  options.section("Options");
  options.add("beams", s.beams, "N", "beginnings that are followed at the same time; 1 is greedy",
              1, 1000);
  options.add("length-penalty", s.length_penalty, "X",
              "above 0 longer results are preferred, by an exponent", 0, 100);
  options.flag("all", s.all, "print what all beams found, with its probability");
  cli::add_threads_option(options, s.threads, "a small model needs one");
}

/// **Throws** UsageError for a text that the model cannot read.
eg::NdArray<Index> source_of(const Checkpoint& from, const std::string& text) {
  const std::vector<Index> tokens = from.vocabularies.source.encode(text);
  const auto length = static_cast<Index>(tokens.size());
  if (length == 0) throw cli::UsageError("the text to translate is empty");
  if (length > from.model.options().max_length) {
    throw cli::UsageError("the text is too long: it has " + std::to_string(length) +
                          " tokens, and the model reads up to " +
                          std::to_string(from.model.options().max_length));
  }
  return eg::NdArray<Index>({1, length}, tokens);
}

void translate_one(const Checkpoint& from, const eg::NdArray<Index>& source, const RunSettings& s) {
  const auto found = eg::models::beam_search(from.model, source,
                                             {.beams = s.beams,
                                              .length_penalty = s.length_penalty,
                                              .start = Vocabulary::kStart,
                                              .end = Vocabulary::kEnd})[0];
  if (!found[0].ended) {
    std::fprintf(stderr, "translate: the model found no end in %lld tokens\n",
                 static_cast<long long>(from.model.options().max_length));
  }
  for (const auto& hypothesis : found) {
    const std::string text = from.vocabularies.target.decode(hypothesis.tokens);
    if (!s.all) {
      std::printf("%s\n", text.c_str());
      return;
    }
    std::printf("%8.4f %%  %s\n", 100 * std::exp(hypothesis.log_probability), text.c_str());
  }
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  RunSettings s;
  std::vector<std::string> words;
  cli::Options options("translate run DIR TEXT... [options]",
                       "Translates texts with the model of a run (or with a model.safetensors).");
  add_run_options(options, s);
  options.positional(words);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (words.empty()) throw cli::UsageError("run needs the folder of a run, and a text");
  const Checkpoint from = load_checkpoint(words[0]);
  if (words.size() < 2) throw cli::UsageError("run needs a text after the folder");
  std::vector<eg::NdArray<Index>> sources;  // a wrong text is found before the first is translated
  for (std::size_t i = 1; i < words.size(); ++i) sources.push_back(source_of(from, words[i]));
  cli::set_threads(s.threads);
  for (const auto& source : sources) translate_one(from, source, s);
  return 0;
}

}  // namespace translate
