// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/data/dataset.hpp>
#include <examples/vit_cifar10/report/colour.hpp>

/// Pictures (3, H, W) of bytes: made of numbers, enlarged, and put into a page.
namespace vit::report {

using Picture = eigengrad::NdArray<std::uint8_t>;
using eigengrad::Index;
using eigengrad::NdArray;

/// Numbers (H, W) or (3, H, W) at another size by bicubic interpolation.
NdArray<float> resized(const NdArray<float>& x, Index height, Index width);

Picture resized(const Picture& picture, Index height, Index width);

/// Bytes from values of 0 to 255; what lies outside is cut.
Picture to_bytes(const NdArray<float>& values);

/// Numbers (3, H, W) as a picture in which `low` is black and `high` is white.
Picture stretch(const NdArray<float>& values, float low, float high);

/// Map `i` (h, w) of several (N, h, w).
NdArray<float> map_of(const NdArray<float>& maps, Index i);

/// A map (h, w) of what matters, laid over a picture: grey where it does not, in the map's colours
/// where it does. The map is stretched to its own range.
Picture overlay(const Picture& picture, const NdArray<float>& map);

/// Pictures of one size side by side with `gap` white pixels between them.
Picture side_by_side(std::span<const Picture> pictures, Index gap);

/// Image `i` of a data set, no larger than 96 pixels.
Picture thumbnail(const eigengrad::data::ImageDataset& images, Index i);

/// Enlarged by a whole factor to sides of at least `least` pixels: browsers enlarge less well.
Picture enlarged(const Picture& picture, Index least);

/// <img> with the picture in it; `alt` is escaped already.
std::string image_tag(const Picture& picture, const std::string& alt, bool crisp = false);

}  // namespace vit::report
