// SPDX-License-Identifier: MIT
#include <eigengrad/models/with_classes.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;

TEST_CASE("with_classes: the same features under a new head") {
  eg::Generator rng(3);
  for (const bool hidden : {false, true}) {
    models::VisionTransformerOptions options{
        .image_size = 8, .channels_in = 1, .classes = 3, .dim = 8, .depth = 1};
    options.layer = {.heads = 2};
    if (hidden) options.head_hidden = {5};
    const models::VisionTransformer<double> model(options, rng);
    model.eval();
    const Tensor<double> images(test::random({2, 1, 8, 8}, 5));
    const NdArray<double> before = model.features(images).value().clone();
    const auto other = models::with_classes(model, 7, rng);
    CHECK_FALSE(other.training());
    CHECK(other.options().classes == 7);
    CHECK_SAME(other.features(images).value(), before);
    CHECK(other(images).shape() == eg::Shape{2, 7});
    // They share nothing, and the head begins anew even for as many classes.
    const auto same = models::with_classes(model, 3, rng);
    CHECK(test::difference(same(images).value(), model(images).value(), 1e-9) != "");
    for (auto& [name, x] : same.named_parameters()) {
      Tensor<double> parameter = x;
      parameter.mutable_value().fill(0);
    }
    CHECK_SAME(model.features(images).value(), before);
  }
}

TEST_CASE("with_classes: error") {
  eg::Generator rng(3);
  const models::VisionTransformer<float> model({.image_size = 8, .dim = 6, .depth = 0}, rng);
  CHECK_ERROR(models::with_classes(model, 0, rng), eg::ValueError,
              "[with_classes] classes must be positive: 0");
}
