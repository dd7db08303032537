// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <examples/common/program.hpp>
#include <examples/common/saved_options.hpp>
#include <examples/vit_cifar10/presets.hpp>
#include <examples/vit_cifar10/settings.hpp>

/// The options of `train`: declared once, with their unit and default; from the same table come the
/// help, run.json and what a resumed run compares.
namespace vit {

/// Declares the options of what makes the tokens.
inline void add_tokenizer_options(cli::Options& options, ModelSettings& m) {
  options.add(
      "tokenizer", m.tokenizer, {"conv", "patch", "shifted"},
      "conv: convolutions with pooling; patch: patches; shifted: patches that see half a patch "
      "around them");
  options.add("channels", m.channels, "C,C", "conv: widths of the stages before the last");
  options.add("convs", m.convs, "N,N",
              "conv: convolutions in each stage: a number for all, or others for the last (1,2)");
  options.add("conv-kernel", m.conv_kernel, "PX", "conv: side of the filters", 1, 15);
  options.add(
      "conv-pool", m.conv_pool, "PX,PX",
      "conv: side of the max-pooling windows, which stand at every second pixel: a number for "
      "all stages, or others for the last (2,3); 1 is off");
  options.add("conv-norm", m.conv_norm, {"batch", "none"}, "conv: norm after each convolution");
  options.flag("conv-residual", m.conv_residual,
               "conv: add its input to each convolution after a stage's first");
  options.add("conv-activation", m.conv_activation, {"relu", "gelu", "silu"}, "conv: activation");
  options.add("whitening", m.whitening, "PX",
              "conv: side of fixed first filters, which whiten the training images; 0 is off", 0,
              5);
  options.add("patch-size", m.patch_size, "PX", "patch, shifted: side of a patch", 1);
  options.add(
      "patch-stride", m.patch_stride, "PX",
      "patch: distance from one patch to the next; less than --patch-size makes them overlap; 0 "
      "is --patch-size",
      0);
  options.add("patch-padding", m.patch_padding, "PX", "patch: width of the zeros around the image",
              0);
}

/// Declares the model's options.
inline void add_model_options(cli::Options& options, ModelSettings& m) {
  options.section("Model");
  add_tokenizer_options(options, m);
  options.add("dim", m.dim, "N", "width of a token", 1);
  options.add("depth", m.depth, "N", "encoder layers", 0, 1000);
  options.add("heads", m.heads, "N", "attention heads; must divide dim", 1);
  options.add("head-dim", m.head_dim, "N", "width of a head; 0 is dim / heads", 0, 65536);
  options.add("mlp-ratio", m.mlp_ratio, "X", "hidden width of the MLP divided by dim", 0.1, 100);
  options.flag("mlp-activate-output", m.activate_output,
               "apply the activation to the MLP's result too, not to its hidden layer alone");
  options.add("norm", m.norm, {"before", "after"},
              "where the norms of a layer stand: before attention and MLP, or after the sums");
  options.add(
      "final-norm", m.final_norm, {"tokens", "pooled", "none"},
      "where the norm after the last layer stands: on the tokens, on what the head sees, or "
      "nowhere");
  options.flag("shared-layers", m.shared_layers, "use the weights of one layer --depth times");
  options.add("pooling", m.pooling, {"sequence", "mean", "cls", "flatten"},
              "how tokens become one vector");
  options.add("head-hidden", m.head_hidden, "N,N", "widths of hidden layers of the head; none");
  options.add("positions", m.positions, {"learned", "sincos", "none"},
              "what is added to tell the tokens' places");
  options.add("position-init", m.position_init, {"normal", "uniform"},
              "first values of learned positions and of the class token: small and normal, or "
              "uniform from 0 to 1");
  options.add("position-count", m.position_count, "N",
              "rows of the table of learned positions; 0 is one per token", 0, 1000000);
  options.add(
      "rotary", m.rotary_base, "X",
      "base of rotary positions, which rotate queries and keys in every layer by the places "
      "of their tokens; 0 is off",
      0, 1e6);
  options.flag("locality", m.locality,
               "heads learn the scale of their scores, and no token attends to itself");
  options.add("init", m.init, {"trunc-normal", "xavier-uniform", "default"},
              "first weights of layers and head; default: uniform by fan-in, as PyTorch's");
  options.flag("checkpoint", m.checkpoint,
               "compute each layer again in backward: less memory, a third more work");
}

inline void add_data_options(cli::Options& options, TrainSettings& t) {
  options.section("Recipe");
  options.add(
      "preset", t.preset, preset_names(),
      "options that were tuned together for the tokenizer and the data set, listed below; other "
      "options on the command line override them");
  options.add("pretrained", t.pretrained, "FILE",
              "begin with the model and the weights in this model.safetensors, under a new head, "
              "instead of the model that the options below describe");
  options.section("Data and results");
  add_dataset_options(options, t.data);
  options.flag("no-test", t.no_test,
               "do not use the test images, while options are still being chosen");
  options.add("out", t.out, "DIR", "folder for everything that is written [runs/DATE-TIME]");
  options.add("resume", t.resume, "DIR",
              "continue the run in this folder, with its settings, from its last saved step");
  options.add("save-every", t.save_every, "S",
              "seconds between saves during an epoch; the end of each epoch is saved too", 0, 1e6);
}

inline void add_training_options(cli::Options& options, TrainSettings& t) {
  options.section("Length and batches");
  options.add("epochs", t.epochs, "N", "passes over the training images", 1, 100000);
  options.add("steps", t.steps, "N", "end after N steps instead; 0 counts epochs", 0);
  options.add("batch", t.batch, "N", "images per batch", 1);
  options.add("accumulate", t.accumulate, "N", "batches per step, whose gradients are averaged", 1,
              10000);
  options.add("patience", t.patience, "N",
              "end after N epochs without a better validation accuracy; 0 never does", 0, 100000);
  options.add(
      "patch-schedule", t.patch_schedule, "PX:N,...",
      "patch, shifted: sides of the patches and how many epochs each is used, such as 8:30,4:10; "
      "replaces --epochs and --patch-size");
  options.section("Optimiser");
  options.add("optimizer", t.optimizer, {"muon", "adamw"},
              "muon: Muon for hidden matrices, AdamW for the rest");
  options.add("lr", t.lr, "X", "peak learning rate of AdamW", 0, 10);
  options.add("beta2", t.beta2, "X", "share of the earlier squares that AdamW keeps", 0, 0.999999);
  options.add("muon-lr", t.muon_lr, "X", "peak learning rate of Muon", 0, 10);
  options.add("muon-momentum", t.muon_momentum, "X",
              "share of the earlier gradients that Muon keeps", 0, 0.9999);
  options.add("kernel-lr", t.kernel_lr, "X",
              "conv: Muon's peak rate for the convolutions, whose filters then keep the length 1; "
              "needs --conv-norm batch; 0 treats them as other matrices",
              0, 10);
  options.add("weight-decay", t.weight_decay, "X", "weight decay of AdamW, on matrices only", 0,
              10);
  options.add("muon-weight-decay", t.muon_weight_decay, "X", "weight decay of Muon", 0, 10);
  options.add("schedule", t.schedule, {"cosine", "linear", "constant", "one-cycle", "step"},
              "course of the learning rates after the warm-up");
  options.add("warmup", t.warmup, "X", "share of the steps in which the rates rise", 0, 1);
  options.add("final-lr", t.final_lr, "X",
              "last rates as a share of the peak, for cosine and linear", 0, 1);
  options.add("lr-step", t.lr_step, "N", "epochs between two falls, for --schedule step", 1);
  options.add("lr-gamma", t.lr_gamma, "X", "factor of each fall, for --schedule step", 0, 1);
  options.add("clip", t.clip, "X", "largest norm of all gradients together; 0 is off", 0, 1e6);
  options.add("ema", t.ema, "X",
              "share of the weights' running mean that each step keeps, such as 0.999; the mean is "
              "what is measured and saved; 0 is off",
              0, 0.999999);
  options.section("Regularisation");
  options.add("label-smoothing", t.label_smoothing, "X", "share of a label spread over all classes",
              0, 0.99);
  options.add("stochastic-depth", t.model.stochastic_depth, "P",
              "probability that an image skips the last layer", 0, 0.99);
  options.add("dropout", t.model.dropout, "P", "probability of dropping a value", 0, 0.99);
  options.add("attention-dropout", t.model.attention_dropout, "P",
              "probability of dropping a weight of attention", 0, 0.99);
  options.add("head-dropout", t.model.head_dropout, "P",
              "probability of dropping a value that a layer of the head sees", 0, 0.99);
  options.add("patch-dropout", t.model.patch_dropout, "X",
              "share of its tokens that each image loses in training, drawn anew each time", 0,
              0.99);
}

inline void add_train_options(cli::Options& options, TrainSettings& t) {
  add_data_options(options, t);
  add_training_options(options, t);
  add_augment_options(options, t.augment);
  add_model_options(options, t.model);
  options.section("Machine and screen");
  options.add("progress", t.progress, {"auto", "bar", "plain"},
              "bar: a moving bar; plain: a line per epoch; auto: a bar on a terminal");
  options.add("seed", t.seed, "N", "seed of everything random", 0);
  cli::add_threads_option(options, t.threads);
  options.add("workers", t.workers, "N",
              "threads that make batches; 0 takes one for every four threads", 0, 256);
  options.section(describe_presets());
}

/// Gives the options the values of a run that goes on, but for those that do not change what it
/// computes. **Throws** as `cli::resume_options`.
inline void resume_options(cli::Options& options, const Json& settings) {
  constexpr std::string_view kFree[] = {"resume",  "data",       "threads",
                                        "workers", "save-every", "progress"};
  cli::resume_options(options, settings, kFree);
}

}  // namespace vit
