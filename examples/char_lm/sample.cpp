// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdio>

#include <examples/char_lm/commands.hpp>
#include <examples/char_lm/write.hpp>
#include <examples/common/program.hpp>

namespace char_lm {
namespace {

struct SampleSettings {
  std::string prompt;
  Index tokens = 500;
  double temperature = kUsualSample.temperature;
  Index top_k = kUsualSample.top_k;
  bool greedy = false;
  std::uint64_t seed = 1;
  int threads = 1;
};

void add_sample_options(cli::Options& options, SampleSettings& s) {
  options.section("Options");
  options.add("prompt", s.prompt, "TEXT", "what the model continues [the end of a line]");
  options.add("tokens", s.tokens, "N", "characters to add", 1);
  options.add("temperature", s.temperature, "X",
              "divides the logits: below 1 likely characters become more likely still", 1e-6, 1e6);
  options.add("top-k", s.top_k, "N", "only the N likeliest characters are drawn; 0 is all", 0);
  options.flag("greedy", s.greedy, "always take the likeliest character");
  options.add("seed", s.seed, "N", "seed of the draws", 0);
  cli::add_threads_option(options, s.threads, "a small model needs one");
}

void check_prompt(const Checkpoint& from, const std::string& prompt) {
  try {
    (void)from.vocabulary.encode(prompt);
  } catch (const eg::ValueError& error) {
    throw cli::UsageError(std::string("--prompt does not suit the model: ") + error.what());
  }
}

}  // namespace

int sample(const std::vector<std::string>& arguments) {
  SampleSettings s;
  std::vector<std::string> paths;
  cli::Options options("char_lm sample DIR [options]",
                       "Continues a prompt with the model of a run (or with a model.safetensors).");
  add_sample_options(options, s);
  options.positional(paths);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (paths.size() != 1) throw cli::UsageError("sample needs the folder of one run");
  const Checkpoint from = load_checkpoint(paths[0]);
  if (s.prompt.empty()) s.prompt = first_prompt(from.vocabulary);
  check_prompt(from, s.prompt);
  cli::set_threads(s.threads);
  eg::Generator rng(s.seed);
  const auto start = std::chrono::steady_clock::now();
  write(from, s.prompt,
        {.count = s.tokens,
         .sample = {.temperature = s.temperature, .top_k = s.top_k, .greedy = s.greedy}},
        rng);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("\n");
  std::fflush(stdout);
  std::fprintf(stderr, "\n%lld characters, %.3f ms per token\n", static_cast<long long>(s.tokens),
               took.count() / static_cast<double>(s.tokens));
  return 0;
}

}  // namespace char_lm
