// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include <eigengrad/image/byte_image.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace test {

using Bytes = NdArray<std::uint8_t>;
using ImageFunction = std::function<void(eg::image::ByteImage)>;

/// Random bytes.
inline Bytes noise(const Shape& shape, std::uint64_t seed = 3) {
  Bytes out(shape);
  eg::Generator rng(seed);
  for (auto& pixel : out) pixel = static_cast<std::uint8_t>(rng.next());
  return out;
}

/// What `f` makes of a copy of the image.
inline Bytes changed(const Bytes& image, const ImageFunction& f) {
  Bytes out = image.clone();
  f(out);
  return out;
}

/// The largest distance of a byte between what `f` makes of the images in
/// reference/image_ops.safetensors and what Pillow did, under this name.
inline int distance_to_pillow(const std::string& name, const ImageFunction& f) {
  static const Reference reference("image_ops");
  int most = 0;
  for (const char* image : {"colour", "grey", "small", "square"}) {
    const Bytes ours = changed(reference.get<std::uint8_t>(image), f);
    const Bytes theirs = reference.get<std::uint8_t>(name + "." + image);
    if (!(ours.shape() == theirs.shape())) return 1000;
    for (Index i = 0; i < ours.numel(); ++i) {
      most = std::max(most, std::abs(ours.data()[i] - theirs.data()[i]));
    }
  }
  return most;
}

}  // namespace test
