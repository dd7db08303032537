// SPDX-License-Identifier: MIT
// Trains a small vision transformer and prints every bit of what it learned, as one number. However
// the library is built, the number is the same.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <eigengrad/eigengrad.hpp>

namespace eg = eigengrad;

int main() {
  eg::Generator rng(1);
  eg::models::VisionTransformer<float> vit(
      {.image_size = 16,
       .classes = 7,
       .tokenizer = eg::models::ConvTokenizerOptions{.channels = {11, 36}},
       .dim = 36,
       .depth = 2,
       .layer = {.heads = 3},
       .pooling = eg::models::Pooling::kSequence},
      rng);
  eg::optim::AdamW<float> optimizer(vit.parameters(), {.lr = 1e-3, .weight_decay = 0.05});
  const eg::Tensor<float> images(rng.normal<float>({9, 3, 16, 16}));
  const eg::NdArray<eg::Index> labels({9}, {0, 1, 2, 3, 4, 5, 6, 0, 1});
  for (int step = 0; step < 3; ++step) {
    optimizer.zero_grad();
    eg::cross_entropy(vit(images), labels).backward();
    optimizer.step();
  }
  std::uint64_t bits = 0xcbf29ce484222325;  // FNV-1a
  for (const auto& parameter : vit.parameters()) {
    for (eg::Index i = 0; i < parameter.numel(); ++i) {
      std::uint32_t word;
      std::memcpy(&word, parameter.value().data() + i, sizeof word);
      bits = (bits ^ word) * 0x100000001b3;
    }
  }
  std::printf("%016llx\n", static_cast<unsigned long long>(bits));
}
