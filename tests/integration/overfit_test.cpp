// SPDX-License-Identifier: MIT
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

TEST_CASE("overfit: tiny vision transformers learn 16 random images by heart") {
  models::VisionTransformerOptions options{
      .image_size = 16, .classes = 5, .dim = 24, .depth = 2, .layer = {.heads = 3}};
  SECTION("patches and class token") {}
  SECTION("mean pooling, fixed positions, layers that begin as the identity") {
    options.pooling = models::Pooling::kMean;
    options.positions = models::Positions::kSinCos2d;
    options.layer.output_scale = 0;
  }
  SECTION("convolutional tokenizer and sequence pooling") {
    options.pooling = models::Pooling::kSequence;
    options.tokenizer = models::ConvTokenizerOptions{.channels = {8, 24}};
  }
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(options, rng);
  const Tensor<float> images(rng.normal<float>({16, 3, 16, 16}));
  NdArray<Index> labels({16});
  for (Index& label : labels) label = rng.integer(5);

  eg::optim::AdamW<float> optimizer(model.parameters(), {.lr = 3e-3});
  float loss = 10;
  int step = 0;
  for (; step < 200 && loss >= 0.01f; ++step) {
    optimizer.zero_grad();
    const Tensor<float> l = eg::cross_entropy(model(images), labels);
    l.backward();
    optimizer.step();
    loss = l.item();
  }
  INFO("after " << step << " steps");
  CHECK(loss < 0.01f);
}
