// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>

/// What a person can choose, and what a checkpoint remembers of it.
namespace vit {

namespace eg = eigengrad;
using eg::Index;
using eg::io::Json;

/// The model, as it is stored beside its weights.
struct ModelSettings {
  Index image_size = 32;  // of the dataset, not an option
  Index classes = 10;     // of the dataset, not an option
  std::string tokenizer = "conv";
  std::string channels = "32,96";
  Index patch_size = 8;
  Index dim = 192;
  Index depth = 4;
  Index heads = 3;
  double mlp_ratio = 2;
  std::string pooling = "sequence";
  double stochastic_depth = 0;
  double dropout = 0;
};

struct TrainSettings {
  std::string data;
  std::string out;
  std::string dataset = "cifar10";
  ModelSettings model;
  int epochs = 6;
  Index batch = 128;
  std::string optimizer = "muon";
  double lr = 2e-3;
  double muon_lr = 0.02;
  double weight_decay = 0.05;
  double muon_weight_decay = 0.02;
  double warmup = 0.06;
  double clip = 0;
  double label_smoothing = 0.1;
  Index crop_padding = 4;
  std::string flip = "alternating";
  Index validation = 5000;
  Index limit = 0;
  std::uint64_t seed = 1;
  int threads = 0;
};

/// Declares the model's options.
inline void add_model_options(cli::Options& options, ModelSettings& m) {
  options.section("Model");
  options.add("tokenizer", m.tokenizer, {"conv", "patch"},
              "3x3 convolutions with pooling, or plain patches");
  options.add("channels", m.channels, "C,C", "widths of the convolutions before the last");
  options.add("patch-size", m.patch_size, "PX", "side of a patch, for --tokenizer patch", 1);
  options.add("dim", m.dim, "N", "width of a token", 1);
  options.add("depth", m.depth, "N", "encoder layers", 0, 1000);
  options.add("heads", m.heads, "N", "attention heads; must divide dim", 1);
  options.add("mlp-ratio", m.mlp_ratio, "X", "hidden width of the MLP over dim", 0.1, 100);
  options.add("pooling", m.pooling, {"sequence", "mean", "cls"}, "how tokens become one vector");
  options.add("stochastic-depth", m.stochastic_depth, "P",
              "probability that the last layer is skipped for an image", 0, 0.99);
  options.add("dropout", m.dropout, "P", "probability of dropping a value", 0, 0.99);
}

inline void add_train_options(cli::Options& options, TrainSettings& t) {
  options.section("Data and results");
  options.add("data", t.data, "DIR",
              "folder that holds cifar-10-batches-bin or cifar-100-binary (required)");
  options.add("dataset", t.dataset, {"cifar10", "cifar100"}, "which of the two");
  options.add("out", t.out, "DIR",
              "where model.safetensors, metrics.csv and run.json go [runs/DATE-TIME]");
  options.add("validation", t.validation, "N",
              "training images held out to measure each epoch; 0 trains on all", 0, 49999);
  options.add("limit", t.limit, "N", "use only so many training images; 0 is all", 0);
  options.section("Training");
  options.add("epochs", t.epochs, "N", "passes over the training images", 1, 100000);
  options.add("batch", t.batch, "N", "images a step", 1);
  options.add("optimizer", t.optimizer, {"muon", "adamw"},
              "muon: Muon for hidden matrices, AdamW for the rest");
  options.add("lr", t.lr, "X", "peak learning rate of AdamW", 0, 10);
  options.add("muon-lr", t.muon_lr, "X", "peak learning rate of Muon", 0, 10);
  options.add("weight-decay", t.weight_decay, "X", "of AdamW, on matrices only", 0, 10);
  options.add("muon-weight-decay", t.muon_weight_decay, "X", "of Muon", 0, 10);
  options.add("warmup", t.warmup, "X", "share of the steps in which the rate rises; then cosine", 0,
              1);
  options.add("clip", t.clip, "X", "largest norm of all gradients together; 0 is off", 0, 1e6);
  options.add("label-smoothing", t.label_smoothing, "X", "share of a label spread over all classes",
              0, 0.99);
  options.add("crop-padding", t.crop_padding, "PX",
              "random shifts by up to so many pixels, reflected at the border; 0 is off", 0, 31);
  options.add("flip", t.flip, {"alternating", "random", "none"}, "horizontal flips");
  options.add("seed", t.seed, "N", "seed of everything random", 0);
  options.add("threads", t.threads, "N", "threads; 0 is all cores", 0, 4096);
  add_model_options(options, t.model);
}

inline std::vector<Index> parse_channels(const std::string& text) {
  std::vector<Index> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    Index value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + comma, value);
    if (error != std::errc() || end != text.data() + comma || value < 1) {
      throw cli::UsageError("--channels needs positive whole numbers with commas, like 32,96: \"" +
                            text + "\"");
    }
    out.push_back(value);
    at = comma + 1;
  }
  return out;
}

inline Json to_json(const ModelSettings& m) {
  Json j = Json::object();
  j["image_size"] = m.image_size;
  j["classes"] = m.classes;
  j["tokenizer"] = m.tokenizer;
  j["channels"] = m.channels;
  j["patch_size"] = m.patch_size;
  j["dim"] = m.dim;
  j["depth"] = m.depth;
  j["heads"] = m.heads;
  j["mlp_ratio"] = m.mlp_ratio;
  j["pooling"] = m.pooling;
  j["stochastic_depth"] = m.stochastic_depth;
  j["dropout"] = m.dropout;
  return j;
}

inline ModelSettings model_from_json(const Json& j) {
  ModelSettings m;
  m.image_size = j.at("image_size").as_integer();
  m.classes = j.at("classes").as_integer();
  m.tokenizer = j.at("tokenizer").as_string();
  m.channels = j.at("channels").as_string();
  m.patch_size = j.at("patch_size").as_integer();
  m.dim = j.at("dim").as_integer();
  m.depth = j.at("depth").as_integer();
  m.heads = j.at("heads").as_integer();
  m.mlp_ratio = j.at("mlp_ratio").as_number();
  m.pooling = j.at("pooling").as_string();
  m.stochastic_depth = j.at("stochastic_depth").as_number();
  m.dropout = j.at("dropout").as_number();
  return m;
}

inline Json to_json(const TrainSettings& t) {
  Json j = Json::object();
  j["data"] = t.data;
  j["dataset"] = t.dataset;
  j["validation"] = t.validation;
  j["limit"] = t.limit;
  j["epochs"] = t.epochs;
  j["batch"] = t.batch;
  j["optimizer"] = t.optimizer;
  j["lr"] = t.lr;
  j["muon_lr"] = t.muon_lr;
  j["weight_decay"] = t.weight_decay;
  j["muon_weight_decay"] = t.muon_weight_decay;
  j["warmup"] = t.warmup;
  j["clip"] = t.clip;
  j["label_smoothing"] = t.label_smoothing;
  j["crop_padding"] = t.crop_padding;
  j["flip"] = t.flip;
  j["model"] = to_json(t.model);
  return j;
}

}  // namespace vit
