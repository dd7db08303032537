// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/model.hpp>
#include <examples/vit_cifar10/ranking.hpp>

/// What a model says of a set of images, and everything that is counted from it: one pass over the
/// images serves the whole report.
namespace vit::report {

struct ConfusedPair {
  Index truth, predicted, images;
};

struct Predictions {
  std::string part;  ///< "test" or "validation"
  eg::data::ImageDataset images;
  eg::data::ClassificationMetrics metrics{1};
  eg::NdArray<float> probability = {};  ///< (N, K)
  std::vector<Index> predicted = {};    ///< (N)

  Index size() const { return images.size(); }
  Index classes() const { return probability.cols(); }
  Index label(Index i) const { return images.labels().data()[i]; }
  Index said(Index i) const { return predicted[static_cast<std::size_t>(i)]; }
  bool right(Index i) const { return said(i) == label(i); }
  float confidence(Index i) const { return probability.data()[i * classes() + said(i)]; }
  const std::string& name(Index k) const { return images.classes()[static_cast<std::size_t>(k)]; }

  /// Wrong predictions, the most confident first.
  std::vector<Index> mistakes() const {
    std::vector<Index> out = largest_first(size(), [&](Index i) { return confidence(i); });
    std::erase_if(out, [&](Index i) { return right(i); });
    return out;
  }
};

/// Off the diagonal, the most frequent first.
inline std::vector<ConfusedPair> confused_pairs(const eg::NdArray<Index>& confusion) {
  const Index classes = confusion.cols();
  std::vector<ConfusedPair> out;
  for (Index i = 0; i < confusion.numel(); ++i) {
    const Index images = confusion.data()[i];
    if (images > 0 && i / classes != i % classes) out.push_back({i / classes, i % classes, images});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.images > b.images; });
  return out;
}

/// Runs the model over the images as they are, without augmentation.
inline Predictions predict_all(const Model& model, const eg::data::Normalization& normalization,
                               const eg::data::ImageDataset& images, const std::string& part) {
  const auto classes = static_cast<Index>(images.classes().size());
  Predictions out{part, images, eg::data::ClassificationMetrics(classes)};
  out.probability = eg::NdArray<float>({images.size(), classes});
  if (images.size() == 0) return out;
  float* at = out.probability.data();
  const auto keep = [&](const eg::data::Batch&, const eg::NdArray<float>& logits) {
    const eg::NdArray<float> p = eg::softmax(eg::Tensor<float>(logits)).value();
    at = std::copy(p.begin(), p.end(), at);
    for (const float* row = p.begin(); row != p.end(); row += classes) {
      out.predicted.push_back(std::max_element(row, row + classes) - row);
    }
  };
  const Index size = model.options().image_size;
  out.metrics = eg::data::evaluate(measuring_loader(images, normalization, size), model, keep);
  return out;
}

}  // namespace vit::report
