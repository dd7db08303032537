// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>

/// Where images come from and how they are divided.
namespace vit {

namespace eg = eigengrad;
using eg::Index;
using eg::io::Json;

/// A checkpoint carries all but the folder, so that others find the same parts again.
struct DataSettings {
  std::string folder;
  std::string dataset = "auto";  ///< auto, cifar10, cifar100 or folder
  std::string labels = "fine";   ///< which of CIFAR-100's
  Index image_size = 0;          ///< 0: 32 for CIFAR, 64 for a folder of images
  double test_share = 0.1;       ///< held out of a folder that has no test part; 0: nothing
  bool skip_unreadable = false;
  Index limit = 0;        ///< training images to use; 0: all
  Index validation = -1;  ///< held out of these; -1: a tenth, at most 5000
  std::uint64_t seed = 1;
};

/// Declares the options that say where images come from.
inline void add_source_options(cli::Options& options, DataSettings& d) {
  options.add("data", d.folder, "DIR",
              "CIFAR-10 or CIFAR-100 (binary version), or a folder of images for each class, which "
              "may be inside train and test (required)");
  options.add("dataset", d.dataset, {"auto", "cifar10", "cifar100", "folder"},
              "which of these it is; auto looks at the folder");
  options.flag("skip-unreadable", d.skip_unreadable,
               "leave out pictures that cannot be read, instead of stopping");
}

/// Declares the options that decide what the images of a run are.
inline void add_dataset_options(cli::Options& options, DataSettings& d) {
  add_source_options(options, d);
  options.add("labels", d.labels, {"fine", "coarse"}, "CIFAR-100's 100 classes, or its 20");
  options.add("image-size", d.image_size, "PX",
              "side of the squares that the model sees, to which pictures are scaled; 0 is 32 for "
              "CIFAR and 64 for a folder",
              0, 4096);
  options.add("test-share", d.test_share, "X",
              "share of each class held out as test images, for a folder without a test part", 0.01,
              0.9);
  options.add("validation", d.validation, "N",
              "training images held out to measure each epoch; 0 trains on all, -1 holds out a "
              "tenth, at most 5000",
              -1);
  options.add("limit", d.limit, "N", "use only the first N training images; 0 uses all", 0);
}

/// What a checkpoint carries.
template <class Visit>
void visit_fields(DataSettings& d, Visit&& visit) {
  visit("dataset", d.dataset);
  visit("labels", d.labels);
  visit("image_size", d.image_size);
  visit("test_share", d.test_share);
  visit("skip_unreadable", d.skip_unreadable);
  visit("limit", d.limit);
  visit("validation", d.validation);
  visit("seed", d.seed);
}

}  // namespace vit
