// SPDX-License-Identifier: MIT
#include <cstdio>

#include <examples/char_lm/commands.hpp>
#include <examples/char_lm/trainer.hpp>
#include <examples/common/program.hpp>
#include <examples/common/run_folder.hpp>

namespace char_lm {
namespace {

int begin(TrainSettings& t, const cli::Options& options) {
  if (t.dim % t.heads != 0) {
    throw cli::UsageError("--heads must divide --dim: " + std::to_string(t.heads) + " and " +
                          std::to_string(t.dim));
  }
  if (t.final_lr > t.lr) throw cli::UsageError("--final-lr must not be above --lr");
  Text text = load_text(t);
  if (t.out.empty()) t.out = cli::default_folder();
  if (eg::io::is_file(cli::state_path(t.out))) {
    throw cli::UsageError("--out " + t.out + " holds a run already; `--resume " + t.out +
                          "` continues it, or choose another folder");
  }
  cli::set_threads(t.threads);
  Trainer trainer(t, std::move(text), cli::to_json(options));
  eg::io::make_folder(t.out);  // only now: a wrong model leaves no folder
  return trainer.run();
}

int resume(TrainSettings& t, cli::Options& options) {
  const std::string folder = t.resume;
  if (options.given("out") && t.out != folder) {
    throw cli::UsageError("--resume " + folder + " writes to its own folder; leave out --out " +
                          t.out);
  }
  const SavedRun run = open_run(folder);
  if (run.state.finished) {
    std::printf("the run in %s is finished: nothing to do\n", folder.c_str());
    return 0;
  }
  resume_options(options, run.run.configuration);
  t.out = folder;
  cli::set_threads(t.threads);
  Text text = load_text(t);
  if (text.fingerprint != run.run.text) {
    throw cli::UsageError("--text " + t.text + " is not the text of the run in " + folder);
  }
  Trainer trainer(t, std::move(text), run.run.configuration);
  trainer.restore(run.saved);
  return trainer.run();
}

}  // namespace

int train(const std::vector<std::string>& arguments, const std::string& program) {
  TrainSettings settings;
  cli::Options options(
      "char_lm train --text FILE [options]",
      "Trains a language model of characters, a small GPT, and prints its loss per character.\n"
      "Defaults, in brackets, are nanoGPT's for a CPU.");
  add_train_options(options, settings);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  settings.program = program;
  return settings.resume.empty() ? begin(settings, options) : resume(settings, options);
}

}  // namespace char_lm
