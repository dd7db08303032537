// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <examples/common/program.hpp>
#include <examples/translate/task.hpp>

/// What a person can choose.
namespace translate {

struct TrainSettings {
  TaskSettings task;
  std::string out;
  Index encoder_depth = 2;
  Index decoder_depth = 2;
  Index heads = 4;
  Index dim = 128;
  double dropout = 0;
  Index steps = 1500;
  Index batch = 32;
  Index warmup = 100;
  double lr = 1e-3;
  double weight_decay = 0.01;
  double clip = 1;
  Index eval_every = 250;
  Index eval_pairs = 200;
  Index beams = 4;
  int threads = 0;
  std::string program;  ///< how it was called, not an option
};

inline void add_train_options(cli::Options& options, TrainSettings& t) {
  add_task_options(options, t.task);
  options.section("Results");
  options.add("out", t.out, "DIR", "folder for everything that is written [runs/DATE-TIME]");
  options.section("Model");
  options.add("encoder-depth", t.encoder_depth, "N", "layers of the encoder", 0, 1000);
  options.add("decoder-depth", t.decoder_depth, "N", "layers of the decoder", 0, 1000);
  options.add("heads", t.heads, "N", "attention heads; must divide dim", 1);
  options.add("dim", t.dim, "N", "width of a token, even", 2);
  options.add("dropout", t.dropout, "P", "probability of dropping a value", 0, 0.99);
  options.section("Length and optimiser");
  options.add("steps", t.steps, "N", "steps of AdamW", 1);
  options.add("batch", t.batch, "N", "pairs per step", 1, 1000000);
  options.add("lr", t.lr, "X", "peak learning rate; falls to a twentieth along a cosine", 0, 10);
  options.add("warmup", t.warmup, "N", "first steps, in which the learning rate rises", 0);
  options.add("weight-decay", t.weight_decay, "X", "weight decay, on matrices only", 0, 10);
  options.add("clip", t.clip, "X", "largest norm of all gradients together; 0 is off", 0, 1e6);
  options.section("Measuring and machine");
  options.add("eval-every", t.eval_every, "N", "steps from one measurement to the next", 1);
  options.add("eval-pairs", t.eval_pairs, "N", "unseen pairs that it takes", 1, 1000000);
  options.add("beams", t.beams, "N", "beams of the last measurement's beam search", 1, 1000);
  cli::add_threads_option(options, t.threads);
}

}  // namespace translate
