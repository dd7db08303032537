// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>
#include <examples/common/program.hpp>

/// What a person can choose.
namespace pretrain {

namespace eg = eigengrad;
using eg::Index;

/// What a run's files say of it, so that its other commands find the same images and task.
struct RunRecord {
  std::string task;   ///< completion, rotation or colourisation
  double mask = 0.6;  ///< share of the patches that completion hides
  std::uint64_t seed = 1;
};

template <class Visit>
void visit_fields(RunRecord& r, Visit&& visit) {
  visit("task", r.task);
  visit("mask", r.mask);
  visit("seed", r.seed);
}

struct RunSettings : RunRecord {
  std::string data;
  std::string out;
  Index limit = 0;
  Index patch_size = 4;
  Index dim = 128;
  Index depth = 4;
  Index heads = 4;
  Index epochs = 5;
  Index batch = 128;
  double lr = 1e-3;
  Index warmup = 100;
  double weight_decay = 0.05;
  double clip = 1;
  int threads = 0;
};

inline void add_data_option(cli::Options& options, std::string& folder) {
  options.add("data", folder, "DIR",
              "CIFAR-10, binary version, or images in its form (required); of its training images "
              "a tenth validates, its test images are not read");
}

inline void add_run_options(cli::Options& options, RunSettings& s) {
  options.section("Task, data and results");
  options.add("task", s.task, {"completion", "rotation", "colourisation"},
              "complete masked patches, tell by which quarter an image is rotated, or colour a "
              "grey image (required)");
  options.add("mask", s.mask, "X", "share of the patches that completion hides", 0.01, 0.99);
  add_data_option(options, s.data);
  options.add("limit", s.limit, "N", "use only the first N training images; 0 uses all", 0);
  options.add("out", s.out, "DIR", "folder for everything that is written [runs/DATE-TIME]");
  options.section("Model");
  options.add("patch-size", s.patch_size, "PX", "side of a patch", 1, 32);
  options.add("dim", s.dim, "N", "width of a token", 1, 65536);
  options.add("depth", s.depth, "N", "layers", 0, 1000);
  options.add("heads", s.heads, "N", "attention heads; must divide dim", 1, 65536);
  options.section("Length and optimiser");
  options.add("epochs", s.epochs, "N", "passes over the training images", 1);
  options.add("batch", s.batch, "N", "images per step; rotation shows each in four rotations", 1,
              1000000);
  options.add("lr", s.lr, "X", "peak learning rate of AdamW; it falls to 0 along a cosine", 0, 10);
  options.add("warmup", s.warmup, "N", "first steps, in which the learning rate rises", 0);
  options.add("weight-decay", s.weight_decay, "X", "weight decay, on matrices only", 0, 10);
  options.add("clip", s.clip, "X", "largest norm of all gradients together", 1e-6, 1e6);
  options.section("Machine");
  options.add("seed", s.seed, "N", "seed of everything random", 0);
  cli::add_threads_option(options, s.threads);
}

}  // namespace pretrain
