// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/vit_cifar10/report/html.hpp>
#include <examples/vit_cifar10/report/predictions.hpp>
#include <examples/vit_cifar10/run_record.hpp>

/// The parts of the report, each a piece of HTML; one that has nothing to show is empty.
namespace vit::report {

/// An image as it came to the model, and what it was to learn from it.
struct SeenImage {
  eg::NdArray<float> image;  ///< (3, H, W), normalised
  std::string label;         ///< HTML
};

/// Images from the beginning of the first epoch: some of each of its first batches, because mixing
/// differs from batch to batch.
std::vector<SeenImage> first_images(const eg::data::DataLoader& training);

/// What the report is made of.
struct Material {
  RunRecord run;
  Checkpoint checkpoint;
  Predictions predictions;
  eg::inspect::ModelSummary summary;  ///< for a batch of one image
  std::vector<SeenImage> seen;        ///< the first images that the run learned from
};

/// "10,000 test images".
inline std::string scored_images(const Predictions& p) {
  return count(double(p.size())) + " " + p.part + " images";
}

std::string dataset_title(const Material& m);
std::string header(const Material& m);
std::string curves_section(const Material& m);
std::string classes_section(const Material& m);
std::string calibration_section(const Material& m);
std::string mistakes_section(const Material& m);
std::string attention_section(const Material& m);
std::string weights_section(const Material& m);
std::string training_images_section(const Material& m);
std::string model_section(const Material& m);
std::string run_section(const Material& m);

}  // namespace vit::report
