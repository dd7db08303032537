// SPDX-License-Identifier: MIT
// The report's parts about the training images and the model's layers.
#include <algorithm>
#include <cmath>
#include <vector>

#include <examples/vit_cifar10/report/picture.hpp>
#include <examples/vit_cifar10/report/sections.hpp>

namespace vit::report {
namespace {

/// An image with its normalisation undone.
Picture seen_picture(const eg::NdArray<float>& image,
                     const eg::data::Normalization& normalization) {
  const Index area = image.dim(1) * image.dim(2);
  eg::NdArray<float> out(image.shape());
  for (Index c = 0; c < 3; ++c) {
    const auto k = static_cast<std::size_t>(c);
    const float mean = normalization.mean.empty() ? 0.f : normalization.mean[k];
    const float deviation = normalization.stddev.empty() ? 1.f : normalization.stddev[k];
    const float* from = image.data() + c * area;
    std::transform(from, from + area, out.data() + c * area,
                   [&](float x) { return 255 * (x * deviation + mean); });
  }
  return to_bytes(out);
}

/// "cat", or "cat 70 % + dog 30 %" of mixed images.
std::string label_of(const eg::data::Batch& batch, Index i, const std::vector<std::string>& names) {
  const auto name = [&](Index k) { return class_label(names[static_cast<std::size_t>(k)]); };
  if (!batch.targets.defined()) return name(batch.labels.data()[i]);
  const Index classes = batch.targets.cols();
  std::vector<std::pair<float, Index>> shares;
  for (Index k = 0; k < classes; ++k) {
    const float share = batch.targets.data()[i * classes + k];
    if (share > 0) shares.emplace_back(share, k);
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (const auto& [share, k] : shares) {
    if (!out.empty()) out += "<br/>";
    out += name(k);
    if (shares.size() > 1) out.append(" ").append(percent(double(share), 0));
  }
  return out;
}

}  // namespace

std::vector<SeenImage> first_images(const eg::data::DataLoader& training) {
  constexpr Index kBatches = 4;
  constexpr Index kEach = 8;
  std::vector<SeenImage> out;
  if (training.dataset().channels() != 3) return out;
  Index batches = 0;
  for (const eg::data::Batch& batch : training.epoch(0)) {
    const eg::NdArray<float>& images = batch.images.value();
    const Index size = training.dataset().image_size();
    for (Index i = 0; i < std::min(kEach, batch.labels.numel()); ++i) {
      eg::NdArray<float> image({3, images.dim(2), images.dim(3)});
      std::copy_n(images.data() + i * size, size, image.data());
      out.push_back({std::move(image), label_of(batch, i, training.dataset().classes())});
    }
    if (++batches == kBatches) break;
  }
  return out;
}

std::string training_images_section(const Material& m) {
  if (m.seen.empty()) return "";
  std::string out;
  for (const SeenImage& seen : m.seen) {
    const Picture picture = seen_picture(seen.image, m.checkpoint.normalization);
    out += figure(image_tag(enlarged(picture, 64), "training image"), seen.label);
  }
  return section("images", "What it saw",
                 "Images of the first batches as the model got them: the settings say how they are "
                 "changed, and each epoch changes them in another way. Mixed images have the share "
                 "of each class below them.",
                 element("div", "pictures", out));
}

std::string model_section(const Material& m) {
  std::string table =
      "<tr><th>layer</th><th>type</th><th>output</th><th class=\"n\">parameters</th>"
      "<th class=\"n\">MFLOP per image</th></tr>";
  for (const std::vector<std::string>& row : m.summary.rows()) {
    const std::size_t depth = (row[0].find_first_not_of(' ') + 1) / 2;
    const bool whole = row[0].empty();
    const std::string name = whole ? "the whole model" : escape(row[0].substr(2 * depth));
    std::string cells = "<td style=\"padding-left:" + std::to_string(18 * depth) + "px\">";
    cells += name + "</td>" + element("td", "", escape(row[1])) + element("td", "", escape(row[2]));
    cells += element("td", "n", row[3]) + element("td", "n", row[4]);
    table += element("tr", whole ? "total" : "", cells);
  }
  const double batch = double(m.summary.batch);
  std::string work = short_count(m.summary.model.flops / batch) + "FLOP to classify an image";
  const double learning = training_gflop(m.run) * 1e9;
  if (std::isfinite(learning)) {
    const bool drops = m.checkpoint.model.options().patch_dropout > 0;
    work += ", " + short_count(learning) + "FLOP to learn from " +
            (drops ? "what patch dropout leaves of it" : "it");
  }
  return section("model", "The model",
                 count(double(m.summary.model.trained)) + " trained parameters; " + work +
                     ". Equal layers are listed once; the outputs are those of one image.",
                 element("div", "scroll", element("table", "", table)));
}

}  // namespace vit::report
