// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <examples/common/options.hpp>

/// Named sets of options: tuned together, or those of published systems. The command line overrides
/// them.
namespace vit {

struct Preset {
  std::string_view name;
  std::string_view tokenizer;  ///< the --tokenizer that it is for; empty: it brings its own
  std::string_view
      dataset;  ///< cifar10, cifar100 or folder; empty: all that have no line of their own
  std::string_view options;                     ///< as on the command line: "--epochs 6 --clip 1"
  std::array<std::string_view, 2> shared = {};  ///< more of them, which other presets have too
};

/// Convolutions with batch norm learn in few, long steps, whose rate falls linearly to zero. Their
/// images have 31, 15, 7 and 4 pixels, and each pixel of the last is a token.
inline constexpr std::string_view kFarSteps =
    " --conv-pool 2,3 --batch 512 --kernel-lr 0.16 --muon-lr 0.04 --muon-momentum 0.6 --lr 0.007 "
    "--schedule linear --warmup 0";
/// The plain model loses half of each image's patches in training, which halves an epoch's cost.
inline constexpr std::string_view kHalfThePatches =
    " --patch-size 4 --rotary 10 --patch-dropout 0.5";
/// Mixing keeps a long run from learning the images by heart.
inline constexpr std::string_view kMixed = " --cutmix 1 --mix-probability 0.5";

/// What the published systems have in common: patches, no mixing of labels and images but what they
/// name, Adam at a constant rate.
inline constexpr std::string_view kPublished =
    " --tokenizer patch --optimizer adamw --weight-decay 0 --beta2 0.999 --schedule constant "
    "--warmup 0 --label-smoothing 0 --crop-padding 0 --mlp-ratio 4";
/// The JAX article's model and recipe, but for the patches.
inline constexpr std::string_view kJax =
    " --dim 192 --depth 12 --heads 3 --pooling cls --dropout 0.1 --flip random --resized-crop 0.8 "
    "--lr 0.0003 --batch 128 --epochs 100";

/// The first line that fits is taken. docs/results.md says what each reaches.
inline constexpr Preset kPresets[] = {
    {"quick", "conv", "folder", "--epochs 5"},  // which may have fewer images than a large batch
    {"quick", "conv", "", "--epochs 6 --depth 2 --crop-padding 2", {kFarSteps}},
    {"quick", "patch", "", "--epochs 16 --dim 128 --depth 4 --heads 4", {kHalfThePatches}},
    {"standard",
     "conv",
     "",
     "--epochs 8 --channels 64,192 --dim 256 --depth 2 --heads 4 --crop-padding 2",
     {kFarSteps}},
    {"standard",
     "patch",
     "",
     "--epochs 40 --dim 128 --depth 4 --heads 4",
     {kHalfThePatches, kMixed}},
    {"long",
     "conv",
     "",
     "--epochs 22 --channels 96,320 --dim 320 --depth 2 --heads 5 --stochastic-depth 0.1",
     {kFarSteps, kMixed}},
    {"long", "patch", "", "--epochs 70 --dim 192 --depth 6 --heads 6", {kHalfThePatches, kMixed}},
    // Published systems: docs/systems.md.
    {"unfold-tutorial",
     "",
     "",
     "--patch-size 4 --dim 102 --depth 2 --heads 3 --pooling cls --position-init uniform "
     "--init default --dropout 0.1 --flip none --lr 0.0001 --batch 64 --epochs 100",
     {kPublished}},
    {"line-by-line",
     "",
     "",
     "--patch-size 4 --dim 256 --depth 6 --heads 8 --pooling cls --position-count 128 "
     "--dropout 0.1 --flip random --lr 0.0003 --batch 128 --epochs 20",
     {kPublished}},
    {"keras",
     "",
     "",
     "--image-size 72 --patch-size 6 --dim 64 --depth 8 --heads 4 --head-dim 64 --mlp-ratio 2 "
     "--mlp-activate-output true --pooling flatten --head-hidden 2048,1024 --head-dropout 0.5 "
     "--dropout 0.1 --attention-dropout 0.1 --init xavier-uniform --flip random --rotation 7.2 "
     "--zoom 0.2 --lr 0.001 --weight-decay 0.0001 --batch 256 --epochs 100",
     {kPublished}},
    {"introduction",
     "",
     "",
     "--image-size 224 --patch-size 16 --dim 768 --depth 12 --heads 12 --pooling mean "
     "--final-norm pooled --flip random --lr 0.0001 --batch 16 --accumulate 8 --epochs 10",
     {kPublished}},
    {"jax", "", "", "--patch-size 4", {kPublished, kJax}},
    {"jax-patch-16", "", "", "--patch-size 16", {kPublished, kJax}},
    {"jax-shared", "", "", "--patch-size 4 --shared-layers true", {kPublished, kJax}},
};

/// "none", which leaves the defaults, then each name once.
inline std::vector<std::string> preset_names() {
  std::vector<std::string> out = {"none"};
  for (const Preset& preset : kPresets) {
    if (std::find(out.begin(), out.end(), preset.name) == out.end()) out.emplace_back(preset.name);
  }
  return out;
}

inline std::string all_options(const Preset& preset) {
  std::string out(preset.options);
  for (const std::string_view more : preset.shared) out += more;
  return out;
}

/// What each preset changes in the defaults, for the help.
inline std::string describe_presets() {
  std::string out = "Presets";
  for (const Preset& p : kPresets) {
    out.append("\n  ").append(p.name);
    if (!p.tokenizer.empty()) out.append(", ").append(p.tokenizer);
    if (!p.dataset.empty()) out.append(", ").append(p.dataset);
    out.append(": ").append(all_options(p));
  }
  return out;
}

/// The words of an option list.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// Gives the options the values of a preset, but for those on the command line. `dataset` is what
/// was found, cifar10, cifar100 or folder. Where no recipe fits the preset becomes "none".
/// **Throws** UsageError if the command line asked for it.
inline void apply_preset(cli::Options& options, const std::string& name,
                         const std::string& tokenizer, const std::string& dataset) {
  if (name == "none") return;
  for (const Preset& preset : kPresets) {
    if (preset.name != name) continue;
    if (!preset.tokenizer.empty() && preset.tokenizer != tokenizer) continue;
    if (!preset.dataset.empty() && preset.dataset != dataset) continue;
    // What the preset itself says comes last, and so takes the place of what it shares.
    std::vector<std::string> list;
    for (const std::string_view part : {preset.shared[1], preset.shared[0], preset.options}) {
      for (std::string& word : words(part)) list.push_back(std::move(word));
    }
    for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
      const std::string option = list[i].substr(2);
      if (!options.given(option)) options.set(option, list[i + 1]);
    }
    return;
  }
  if (options.given("preset")) {
    throw cli::UsageError("--preset " + name + " has no recipe for --tokenizer " + tokenizer +
                          "; leave it out, and choose the options yourself");
  }
  options.set("preset", "none");
}

}  // namespace vit
