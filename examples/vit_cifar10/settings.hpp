// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>
#include <examples/vit_cifar10/augment_settings.hpp>
#include <examples/vit_cifar10/data_settings.hpp>

/// What a person can choose.
namespace vit {

/// The model in the command line's words.
struct ModelSettings {
  Index image_size = 32;  // --image-size, or the dataset's
  Index classes = 10;     // of the dataset, not an option
  std::string tokenizer = "conv";
  std::string channels = "48,128";
  std::string convs = "2";
  Index conv_kernel = 3;
  std::string conv_pool = "2";
  std::string conv_norm = "batch";
  bool conv_residual = false;
  std::string conv_activation = "gelu";
  Index whitening = 2;
  Index patch_size = 8;
  Index patch_stride = 0;
  Index patch_padding = 0;
  Index dim = 192;
  Index depth = 3;
  Index heads = 3;
  Index head_dim = 0;
  double mlp_ratio = 2;
  bool activate_output = false;
  std::string norm = "before";
  std::string final_norm = "tokens";
  bool shared_layers = false;
  std::string pooling = "sequence";
  std::string head_hidden;
  std::string positions = "learned";
  std::string position_init = "normal";
  Index position_count = 0;
  double rotary_base = 0;
  std::string init = "trunc-normal";
  bool checkpoint = false;
  bool locality = false;
  double stochastic_depth = 0;
  double dropout = 0;
  double attention_dropout = 0;
  double head_dropout = 0;
  double patch_dropout = 0;
};

struct TrainSettings {
  DataSettings data;
  std::string program;  // as it was called, not an option
  std::string preset = "quick";
  std::string pretrained;
  std::string out;
  std::string resume;
  std::string progress = "auto";
  double save_every = 60;
  bool no_test = false;
  ModelSettings model;
  int epochs = 5;
  Index steps = 0;
  Index batch = 128;
  Index accumulate = 1;
  int patience = 0;
  std::string patch_schedule;
  std::string optimizer = "muon";
  double lr = 2e-3;
  double beta2 = 0.99;
  double muon_lr = 0.02;
  double muon_momentum = 0.9;
  double kernel_lr = 0;
  double weight_decay = 0.05;
  double muon_weight_decay = 0.02;
  std::string schedule = "cosine";
  double warmup = 0.06;
  double final_lr = 0;
  int lr_step = 10;
  double lr_gamma = 0.1;
  double clip = 0;
  double ema = 0;
  double label_smoothing = 0.1;
  AugmentSettings augment;
  Index workers = 0;
  std::uint64_t seed = 1;
  int threads = 0;
};

/// The numbers of an option such as `--channels 32,96`, each from 1 to `most`. **Throws**
/// UsageError, naming the option.
inline std::vector<Index> parse_list(const std::string& option, const std::string& text,
                                     Index most) {
  std::vector<Index> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    Index value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + comma, value);
    if (error != std::errc() || end != text.data() + comma || value < 1 || value > most) {
      throw cli::UsageError("--" + option + " needs positive whole numbers with commas, up to " +
                            std::to_string(most) + ": \"" + text + "\"");
    }
    out.push_back(value);
    at = comma + 1;
  }
  return out;
}

/// The same with a number for each of `stages` stages; the first number also stands for the stages
/// in front of it.
inline std::vector<Index> parse_stages(const std::string& option, const std::string& text,
                                       Index most, std::size_t stages) {
  std::vector<Index> out = parse_list(option, text, most);
  if (out.empty() || out.size() > stages) {
    throw cli::UsageError("--" + option +
                          " needs one number for all stages, or others for the last of the " +
                          std::to_string(stages) + " stages: \"" + text + "\"");
  }
  out.insert(out.begin(), stages - out.size(), Index{out[0]});
  return out;
}

}  // namespace vit
