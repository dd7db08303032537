// SPDX-License-Identifier: MIT
#include <examples/class_token/model.hpp>
#include <tests/support/test.hpp>

namespace {

eigengrad::NdArray<float> logits(const class_token::Variant& variant) {
  eigengrad::Generator rng(1);
  const class_token::Model model(variant, rng);
  model.eval();
  return model(class_token::Tensor(test::random<float>({3, 3, 32, 32}, 2))).value();
}

}  // namespace

TEST_CASE("class_token: attention across the images keeps every image from its class token") {
  for (const class_token::Variant& variant : class_token::variants()) {
    INFO(variant.name);
    const auto y = logits(variant);
    double apart = 0;
    for (test::Index k = 0; k < 10; ++k) apart += std::abs(y(0, k) - y(1, k));
    if (variant.attends_across_images) {
      CHECK(apart < 1e-5);
    } else {
      CHECK(apart > 1e-3);
    }
  }
}
