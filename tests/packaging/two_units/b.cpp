// SPDX-License-Identifier: MIT
// The second unit that includes everything: it links only if all the headers' functions are
// templates or inline.
#include <eigengrad/eigengrad.hpp>
#include <eigengrad/image/image_file.hpp>

eigengrad::Tensor<float> from_b(const eigengrad::Tensor<float>& x) {
  return eigengrad::softmax(eigengrad::matmul(x, eigengrad::transpose(x, 0, 1)));
}

std::string png_from_b(const eigengrad::NdArray<std::uint8_t>& image) {
  return eigengrad::image::encode_png(image);
}
