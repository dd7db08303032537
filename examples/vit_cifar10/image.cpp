// SPDX-License-Identifier: MIT
#include <memory>

#include <examples/vit_cifar10/image.hpp>

// The one place where stb's code is compiled.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace vit {

eigengrad::NdArray<float> read_image(const std::string& path) {
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load(path.c_str(), &width, &height, &channels, 3), stbi_image_free);
  if (!pixels) {
    throw eigengrad::IoError("[image] cannot read " + path + ": " + stbi_failure_reason());
  }
  eigengrad::NdArray<float> out({3, height, width});
  const eigengrad::Index area = eigengrad::Index{width} * height;
  for (eigengrad::Index i = 0; i < area; ++i) {
    for (eigengrad::Index c = 0; c < 3; ++c) {
      out.data()[c * area + i] = static_cast<float>(pixels.get()[3 * i + c]);
    }
  }
  return out;
}

}  // namespace vit
