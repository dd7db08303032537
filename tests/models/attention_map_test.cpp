// SPDX-License-Identifier: MIT
#include <eigengrad/models/attention_map.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

models::VisionTransformer<double> make(models::Pooling pooling, Index depth = 2) {
  eg::Generator rng(1);
  return models::VisionTransformer<double>(
      {.image_size = 6,
       .channels_in = 1,
       .classes = 2,
       .tokenizer = models::PatchEmbeddingOptions{.patch_size = 2},
       .dim = 8,
       .depth = depth,
       .layer = {.heads = 2, .dropout = 0.5},
       .pooling = pooling,
       .patch_dropout = pooling == models::Pooling::kFlatten ? 0 : 0.5,
       .init = {nn::Init::kTruncNormal, 0.7}},
      rng);
}

}  // namespace

TEST_CASE("attention_map: weights of the pooling times attention") {
  const Tensor<double> images(test::random({2, 1, 6, 6}));
  for (const auto pooling :
       {models::Pooling::kClassToken, models::Pooling::kMean, models::Pooling::kSequence}) {
    INFO(int(pooling));
    const auto model = make(pooling);
    const models::AttentionMaps<double> maps(model, images);
    CHECK(model.training());
    REQUIRE(maps.layers() == 2);
    REQUIRE(maps.heads() == 2);
    model.eval();
    const auto weights = model.attention_weights(images);
    const NdArray<double> pool = model.pooling_weights(images).value();
    const NdArray<double> through = models::attention_rollout(weights);
    const Index prefix = pooling == models::Pooling::kClassToken ? 1 : 0;
    const NdArray<double> rollout = maps.rollout(), head = maps.head(1, 0), layer = maps.layer(1);
    REQUIRE(rollout.shape() == eg::Shape{2, 3, 3});
    REQUIRE(head.shape() == eg::Shape{2, 3, 3});
    for (Index b = 0; b < 2; ++b) {
      for (Index t = 0; t < 9; ++t) {
        double expected = 0, of_head = 0, of_layer = 0;
        for (Index i = 0; i < 9 + prefix; ++i) {
          expected += pool(b, i) * through(b, i, prefix + t);
          of_head += pool(b, i) * weights[1].value()(b, 0, i, prefix + t);
          for (Index h = 0; h < 2; ++h) {
            of_layer += pool(b, i) * weights[1].value()(b, h, i, prefix + t) / 2;
          }
        }
        CHECK(rollout(b, t / 3, t % 3) == Approx(expected));
        CHECK(head(b, t / 3, t % 3) == Approx(of_head));
        CHECK(layer(b, t / 3, t % 3) == Approx(of_layer));
      }
    }
    CHECK_SAME(models::attention_map(model, images), rollout);
    CHECK(!model.training());
  }
}

TEST_CASE("attention_map: shares add up to 1 where there is no class token") {
  const auto model = make(models::Pooling::kMean);
  const NdArray<double> map =
      models::attention_map(model, Tensor<double>(test::random({3, 1, 6, 6})));
  for (Index b = 0; b < 3; ++b) {
    double sum = 0;
    for (Index t = 0; t < 9; ++t) sum += map(b, t / 3, t % 3);
    CHECK(sum == Approx(1));
  }
}

TEST_CASE("attention_map: error") {
  const Tensor<double> images(test::random({1, 1, 6, 6}));
  CHECK_ERROR(models::attention_map(make(models::Pooling::kMean, 0), images), eg::ValueError,
              "[attention_map] the model has no encoder layer, so no attention");
  CHECK_ERROR(models::attention_map(make(models::Pooling::kFlatten), images), eg::ValueError,
              "[attention_map] the model flattens its tokens, so none has a weight");
  const auto model = make(models::Pooling::kMean);
  CHECK_ERROR(models::attention_map(model, Tensor<double>::ones({1, 1, 4, 4})), eg::ShapeError,
              "[vision_transformer] images must be (B, 1, 6, 6): images (1, 1, 4, 4)");
  CHECK(model.training());  // as it was, after an error too
  const models::AttentionMaps<double> maps(model, images);
  CHECK_ERROR(maps.head(2, 0), eg::ValueError,
              "[attention_map] the model has 2 layers of 2 heads: layer 2, head 0");
  CHECK_ERROR(maps.head(0, -1), eg::ValueError,
              "[attention_map] the model has 2 layers of 2 heads: layer 0, head -1");
}
