// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>
#include <examples/common/program.hpp>
#include <examples/common/saved_options.hpp>

/// What a person can choose.
namespace char_lm {

namespace eg = eigengrad;
using eg::Index;

/// The defaults are nanoGPT's for a CPU: its README, "I only have a macbook".
struct TrainSettings {
  std::string text;
  std::string out;
  std::string resume;
  Index depth = 4;
  Index heads = 4;
  Index dim = 128;
  Index context = 64;
  double dropout = 0;
  Index batch = 12;
  Index steps = 2000;
  Index warmup = 100;
  double lr = 1e-3;
  double final_lr = 1e-4;
  double weight_decay = 0.1;
  double clip = 1;
  Index eval_every = 250;
  Index eval_batches = 20;
  std::uint64_t seed = 1337;
  int threads = 0;
  std::string program;  ///< how it was called, not an option
};

/// Declares the options: from the same table come the help, run.json and what a resumed run
/// compares.
inline void add_train_options(cli::Options& options, TrainSettings& t) {
  options.section("Text and results");
  options.add("text", t.text, "FILE", "the text to learn from, in UTF-8; its last tenth validates");
  options.add("out", t.out, "DIR", "folder for everything that is written [runs/DATE-TIME]");
  options.add("resume", t.resume, "DIR",
              "continue the run in this folder, with its settings, from its last saved step");
  options.section("Model");
  options.add("depth", t.depth, "N", "layers", 0, 1000);
  options.add("heads", t.heads, "N", "attention heads; must divide dim", 1);
  options.add("dim", t.dim, "N", "width of a token", 1);
  options.add("context", t.context, "N", "characters that the model sees at once", 1, 1000000);
  options.add("dropout", t.dropout, "P", "probability of dropping a value", 0, 0.99);
  options.section("Length and optimiser");
  options.add("steps", t.steps, "N", "steps of AdamW", 1);
  options.add("batch", t.batch, "N", "windows of text per step", 1, 1000000);
  options.add("lr", t.lr, "X", "peak learning rate", 0, 10);
  options.add("final-lr", t.final_lr, "X", "learning rate at the end, along a cosine", 0, 10);
  options.add("warmup", t.warmup, "N", "first steps, in which the learning rate rises", 0);
  options.add("weight-decay", t.weight_decay, "X", "weight decay, on matrices only", 0, 10);
  options.add("clip", t.clip, "X", "largest norm of all gradients together; 0 is off", 0, 1e6);
  options.section("Measuring and machine");
  options.add("eval-every", t.eval_every, "N", "steps from one measurement to the next", 1);
  options.add("eval-batches", t.eval_batches, "N", "random batches of each text that it takes", 1,
              1000000);
  options.add("seed", t.seed, "N", "seed of everything random", 0);
  cli::add_threads_option(options, t.threads);
}

/// Gives the options the values of a run that goes on; the text may have moved.
/// **Throws** as `cli::resume_options`.
inline void resume_options(cli::Options& options, const eg::io::Json& settings) {
  constexpr std::string_view kFree[] = {"resume", "text", "threads"};
  cli::resume_options(options, settings, kFree);
}

}  // namespace char_lm
