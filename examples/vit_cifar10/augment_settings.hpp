// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>

/// How the training images are changed, as options and as what the loader takes.
namespace vit {

struct AugmentSettings {
  eigengrad::Index crop_padding = 4;
  double resized_crop = 0;
  std::string flip = "alternating";
  double rotation = 0;
  double zoom = 0;
  std::string policy = "none";
  eigengrad::Index policy_ops = 2;
  double policy_magnitude = 9;
  double jitter = 0;
  double jitter_hue = 0;
  double erasing = 0;
  eigengrad::Index cutout = 0;
  double mixup = 0;
  double cutmix = 0;
  double mix_probability = 1;
  int plain_epochs = 0;
};

inline void add_augment_options(cli::Options& options, AugmentSettings& a) {
  options.section("Augmentation");
  options.add("crop-padding", a.crop_padding, "PX",
              "largest random shift, in pixels, reflected at the border; 0 is off", 0, 1000);
  options.add(
      "resized-crop", a.resized_crop, "X",
      "least share of the area that a random crop keeps, before it is enlarged to the image; 0 is "
      "off",
      0, 1);
  options.add("flip", a.flip, {"alternating", "random", "none"}, "horizontal flips");
  options.add("rotation", a.rotation, "DEG", "rotate by at most DEG degrees", 0, 180);
  options.add("zoom", a.zoom, "X", "enlarge by factors from 1 - X to 1 + X", 0, 0.9);
  options.add("policy", a.policy, {"none", "autoaugment", "randaugment", "trivialaugment"},
              "operations drawn for each image: AutoAugment's for CIFAR, RandAugment's, or "
              "TrivialAugment's (wide)");
  options.add("policy-ops", a.policy_ops, "N", "randaugment: operations per image", 1, 20);
  options.add("policy-magnitude", a.policy_magnitude, "X",
              "randaugment: strength of the operations", 0, 30);
  options.add("jitter", a.jitter, "X",
              "brightness, contrast and saturation by factors from 1 - X to 1 + X", 0, 1);
  options.add("jitter-hue", a.jitter_hue, "X", "hue shifted by at most X of the colour circle", 0,
              0.5);
  options.add("erasing", a.erasing, "P", "share of the images that lose a rectangle", 0, 1);
  options.add("cutout", a.cutout, "PX", "side of a square that each image loses; 0 is off", 0,
              1000);
  options.add("mixup", a.mixup, "X",
              "alpha of MixUp, which blends the images of a batch in pairs; 0 is off", 0, 100);
  options.add("cutmix", a.cutmix, "X",
              "alpha of CutMix, which exchanges rectangles between the images of a pair; 0 is off",
              0, 100);
  options.add("mix-probability", a.mix_probability, "P", "share of the batches that are mixed", 0,
              1);
  options.add("plain-epochs", a.plain_epochs, "N",
              "last epochs, which have only shifts, crops and flips, and nothing mixed", 0, 100000);
}

/// `plain` leaves out all but shifts, crops and flips.
inline eigengrad::data::Augment to_augment(const AugmentSettings& a,
                                           const eigengrad::data::Normalization& normalization,
                                           bool plain) {
  namespace data = eigengrad::data;
  data::Augment out{.normalization = normalization, .crop_padding = a.crop_padding};
  out.flip = a.flip == "alternating" ? data::Flip::kAlternating
             : a.flip == "random"    ? data::Flip::kRandom
                                     : data::Flip::kNone;
  if (a.resized_crop > 0) out.resized_crop = data::RandomResizedCrop{.scale = {a.resized_crop, 1}};
  if (plain) return out;
  out.rotation = a.rotation;
  out.zoom = {1 - a.zoom, 1 + a.zoom};
  if (a.policy == "autoaugment") out.policy = data::AutoAugment{};
  if (a.policy == "trivialaugment") out.policy = data::TrivialAugmentWide{};
  if (a.policy == "randaugment") {
    out.policy = data::RandAugment{.num_ops = a.policy_ops, .magnitude = a.policy_magnitude};
  }
  out.jitter = {
      .brightness = a.jitter, .contrast = a.jitter, .saturation = a.jitter, .hue = a.jitter_hue};
  out.erasing.probability = a.erasing;
  out.cutout = a.cutout;
  return out;
}

inline eigengrad::data::MixOptions to_mix(const AugmentSettings& a, bool plain) {
  if (plain) return {};
  return {.mixup_alpha = a.mixup, .cutmix_alpha = a.cutmix, .probability = a.mix_probability};
}

}  // namespace vit
