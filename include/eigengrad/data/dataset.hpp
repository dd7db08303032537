// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>

/// Labelled images, all in memory.
namespace eigengrad::data {

/// Pixels as bytes (N, C, H, W), a class index for each image (N), and the names of the classes.
///
/// A copy shares the numbers, so handing a data set around costs nothing.
class ImageDataset {
 public:
  ImageDataset() = default;

  /// **Throws** ShapeError when pixels and labels do not fit together; ValueError for a label
  /// that has no class.
  ImageDataset(NdArray<std::uint8_t> images, NdArray<Index> labels,
               std::vector<std::string> classes)
      : images_(std::move(images)), labels_(std::move(labels)), classes_(std::move(classes)) {
    if (images_.rank() != 4 || !(labels_.shape() == Shape{images_.shape()[0]})) {
      throw ShapeError(eigengrad::detail::concat(
          "[image_dataset] needs images (N, C, H, W) and labels (N): images ", images_.shape(),
          ", labels ", labels_.shape()));
    }
    const auto count = static_cast<Index>(classes_.size());
    for (Index i = 0; i < size(); ++i) {
      const Index label = std::as_const(labels_).data()[i];
      if (label < 0 || label >= count) {
        throw ValueError(eigengrad::detail::concat("[image_dataset] label ", label, " of image ", i,
                                                   " is out of range for ", count, " classes"));
      }
    }
  }

  /// Number of images.
  Index size() const { return labels_.numel(); }
  Index channels() const { return images_.dim(1); }
  Index height() const { return images_.dim(2); }
  Index width() const { return images_.dim(3); }

  const NdArray<std::uint8_t>& images() const { return images_; }
  const NdArray<Index>& labels() const { return labels_; }
  const std::vector<std::string>& classes() const { return classes_; }

  /// The pixels of one image (C, H, W). `i` is not checked.
  const std::uint8_t* image(Index i) const { return images_.data() + i * image_size(); }
  /// Bytes of one image.
  Index image_size() const { return channels() * height() * width(); }

 private:
  NdArray<std::uint8_t> images_{Shape{0, 0, 0, 0}};
  NdArray<Index> labels_{Shape{0}};
  std::vector<std::string> classes_;
};

/// The images at `indices`, in that order, copied. **Throws** ValueError for an index outside.
inline ImageDataset subset(const ImageDataset& dataset, const NdArray<Index>& indices) {
  const Index n = indices.numel();
  const Index bytes = dataset.image_size();
  for (const Index i : indices) {
    if (i < 0 || i >= dataset.size()) {
      throw ValueError(eigengrad::detail::concat("[subset] index ", i, " is out of range for ",
                                                 dataset.size(), " images"));
    }
  }
  NdArray<std::uint8_t> images({n, dataset.channels(), dataset.height(), dataset.width()});
  NdArray<Index> labels(Shape{n});
  parallel_for(n, row_grain(bytes), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index from = indices.data()[i];
      std::copy_n(dataset.image(from), bytes, images.data() + i * bytes);
      labels.data()[i] = dataset.labels().data()[from];
    }
  });
  return ImageDataset(std::move(images), std::move(labels), dataset.classes());
}

/// The images of several data sets in one, copied, one set after the other.
///
/// **Throws** ValueError without a data set, and unless all have the same classes in the same
/// order; ShapeError unless all have images of one size.
inline ImageDataset join(const std::vector<ImageDataset>& datasets) {
  using eigengrad::detail::concat;
  if (datasets.empty()) throw ValueError("[join] needs at least one data set");
  const ImageDataset& first = datasets.front();
  Index n = 0;
  for (const ImageDataset& set : datasets) {
    const Shape size = {set.channels(), set.height(), set.width()};
    const Shape expected = {first.channels(), first.height(), first.width()};
    if (!(size == expected)) {
      throw ShapeError(concat("[join] needs images of one size: the first data set has ", expected,
                              ", another ", size));
    }
    if (set.classes() != first.classes()) {
      throw ValueError("[join] the data sets must have the same classes in the same order");
    }
    n += set.size();
  }
  NdArray<std::uint8_t> images({n, first.channels(), first.height(), first.width()});
  NdArray<Index> labels(Shape{n});
  Index at = 0;
  for (const ImageDataset& set : datasets) {
    std::copy_n(set.images().data(), set.images().numel(), images.data() + at * first.image_size());
    std::copy_n(set.labels().data(), set.size(), labels.data() + at);
    at += set.size();
  }
  return ImageDataset(std::move(images), std::move(labels), first.classes());
}

}  // namespace eigengrad::data
