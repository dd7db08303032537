// SPDX-License-Identifier: MIT
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// CCT-depth/KxN for CIFAR-10, as its authors' code has it.
models::VisionTransformerOptions cct(Index depth, Index kernel, std::size_t convolutions) {
  const bool large = depth > 4;
  models::ConvTokenizerOptions tokenizer;
  for (std::size_t i = 0; i < convolutions; ++i) {
    tokenizer.stages.push_back({.channels = i + 1 < convolutions ? 64 : 0,
                                .kernel = kernel,
                                .stride = std::max<Index>(1, kernel / 2 - 1)});
  }
  return {.classes = 10,
          .tokenizer = tokenizer,
          .dim = large ? 256 : 128,
          .depth = depth,
          .layer = {.heads = large ? 4 : 2, .mlp_ratio = large ? 2. : 1., .qkv_bias = false},
          .pooling = models::Pooling::kSequence};
}

Index count(const models::VisionTransformerOptions& options) {
  eg::Generator rng(1);
  return models::VisionTransformer<float>(options, rng).parameter_count();
}

/// The reference's models, tests/reference/vit.py.
models::VisionTransformerOptions variant(const std::string& name) {
  models::VisionTransformerOptions options{
      .image_size = 16, .classes = 5, .dim = 12, .depth = 1, .layer = {.heads = 2, .mlp_ratio = 2}};
  if (name == "shifted") {
    options.tokenizer = models::ShiftedPatchEmbeddingOptions{.patch_size = 4};
    options.layer.locality = true;
  } else if (name == "overlap") {
    options.tokenizer = models::PatchEmbeddingOptions{.patch_size = 4, .stride = 2, .padding = 1};
    options.pooling = models::Pooling::kMean;
  } else {
    options.pooling = models::Pooling::kSequence;
    models::ConvTokenizerOptions tokenizer{.whitening = {.kernel = 2}};
    for (const Index channels : {8, 0}) {
      tokenizer.stages.push_back({.channels = channels,
                                  .convs = 2,
                                  .pool = 2,
                                  .pool_padding = 0,
                                  .batch_norm = true,
                                  .activation = eg::Activation::kGelu,
                                  .residual = true});
    }
    options.tokenizer = tokenizer;
  }
  return options;
}

}  // namespace

TEST_CASE("vision_transformer variants: the sizes of the published CCTs") {
  // https://github.com/SHI-Labs/Compact-Transformers: 0.284, 0.482, 3.760 and 3.853 million; its
  // 3.168 million of CCT-6/3x1 leave out the positions, 65,536, which are fixed there.
  CHECK(count(cct(2, 3, 2)) == 283723);
  CHECK(count(cct(4, 3, 2)) == 482123);
  CHECK(count(cct(7, 3, 1)) == 3760139);
  CHECK(count(cct(7, 3, 2)) == 3853259);
  auto six = cct(6, 3, 1);
  six.positions = models::Positions::kSinCos2d;
  CHECK(count(six) == 3168267);
  // The simple form is the same model.
  auto simple = cct(2, 3, 2);
  simple.tokenizer = models::ConvTokenizerOptions{.channels = {64, 128}};
  CHECK(count(simple) == 283723);
  // CCT-7/7x2 at 224 pixels: 7x7 convolutions of stride 2 leave 14 x 14 tokens.
  auto large = cct(7, 7, 2);
  large.image_size = 224;
  eg::Generator rng(1);
  CHECK(models::VisionTransformer<float>(large, rng).grid() == 14);
}

TEST_CASE("vision_transformer variants: names, grids and gradients") {
  for (const std::string name : {"shifted", "overlap", "stages"}) {
    INFO(name);
    auto options = variant(name);
    options.channels_in = 1;
    options.image_size = 8;
    options.dim = 4;
    options.classes = 2;
    options.init = {nn::Init::kTruncNormal, 0.5};
    if (name == "stages") {
      auto& stages = std::get<models::ConvTokenizerOptions>(options.tokenizer).stages;
      stages.erase(stages.begin());
    }
    eg::Generator rng(1);
    const models::VisionTransformer<double> model(options, rng);
    if (name == "stages") {
      model.whitening()->set_filters(test::random({8, 1, 2, 2}, 3));
    }
    CHECK(model.grid() == (name == "shifted" ? 2 : name == "overlap" ? 4 : 3));
    const Tensor<double> images(test::random({2, 1, 8, 8}));
    CHECK(test::parameter_gradients(model, [&] { return model(images); }) == "");
    CHECK(model.state_dict().count("blocks.0.attn.scale") == (name == "shifted"));
    CHECK(model.state_dict().count("patch_embed.norm.weight") == (name == "shifted"));
    if (name != "shifted") continue;
    const NdArray<double> weights = model.attention_weights(images).at(0).value();
    for (Index t = 0; t < 5; ++t) CHECK(weights(1, 1, t, t) == 0);
  }
}

TEMPLATE_TEST_CASE("vision_transformer variants: reference", "", float, double) {
  using T = TestType;
  const double tolerance = test::model_tolerance<T>();
  for (const std::string name : {"shifted", "overlap", "stages"}) {
    INFO(name);
    const test::Reference reference("vit_" + name);
    eg::Generator rng(1);
    const models::VisionTransformer<T> model(variant(name), rng);
    test::load_reference(reference, name, model);
    if (name == "stages") {
      model.whitening()->set_filters(reference.get<T>(name + "/weight/tokenizer.whiten.weight"));
    }
    const Tensor<T> images(reference.get<T>(name + "/input0"), true);
    const Tensor<T> logits = model(images);
    const Tensor<T> loss =
        eg::cross_entropy(logits, reference.get<Index>(name + "/labels"), {.label_smoothing = 0.1});
    CHECK_CLOSE(logits.value(), reference.get<double>(name + "/output"), tolerance);
    CHECK_CLOSE(loss.value(), reference.get<double>(name + "/loss"), tolerance);
    loss.backward();
    CHECK_CLOSE(images.grad(), reference.get<double>(name + "/gradient0"), tolerance);
    CHECK(test::gradient_difference(reference, name, model) == "");
    for (const auto& [buffer, array] : model.named_buffers()) {
      if (buffer.find("running") == std::string::npos) continue;
      INFO(buffer);
      CHECK_CLOSE(*array, reference.get<double>(name + "/buffer/" + buffer), tolerance);
    }
  }
}

TEST_CASE("vision_transformer variants: error") {
  eg::Generator rng(1);
  const auto make = [&](models::VisionTransformerOptions options) {
    return models::VisionTransformer<float>(options, rng);
  };
  using Conv = models::ConvTokenizerOptions;
  using Patches = models::PatchEmbeddingOptions;
  using Shifted = models::ShiftedPatchEmbeddingOptions;
  CHECK_ERROR(make({.tokenizer = Conv{.channels = {0}, .stages = {{.channels = 192}}}}),
              eg::ValueError, "[conv_tokenizer] channels and stages exclude each other");
  CHECK_ERROR(make({.tokenizer = Conv{}}), eg::ValueError,
              "[conv_tokenizer] channels must name at least one layer");
  CHECK_ERROR(make({.tokenizer = Conv{.stages = {{.channels = 8}}}}), eg::ValueError,
              "[vision_transformer] tokenizer.stages.back().channels must be dim, or 0 to take it: "
              "tokenizer.stages.back().channels 8, dim 192");
  CHECK_ERROR(make({.tokenizer = Conv{.channels = {64, 128}}}), eg::ValueError,
              "[vision_transformer] tokenizer.channels.back() must be dim, or 0 to take it: "
              "tokenizer.channels.back() 128, dim 192");
  CHECK_ERROR(make({.channels_in = 1, .tokenizer = Shifted{.channels_in = 3}}), eg::ValueError,
              "[vision_transformer] tokenizer.channels_in must be channels_in, or 0 to take it: "
              "tokenizer.channels_in 3, channels_in 1");
  CHECK_ERROR(make({.tokenizer = Patches{.dim = 96}}), eg::ValueError,
              "[vision_transformer] tokenizer.dim must be dim, or 0 to take it: tokenizer.dim 96, "
              "dim 192");
  CHECK_ERROR(make({.tokenizer = Patches{.patch_size = 0}}), eg::ValueError,
              "[vision_transformer] patch_size must be positive: 0");
  CHECK_ERROR(make({.tokenizer = Patches{.patch_size = 5}}), eg::ValueError,
              "[vision_transformer] patch_size must divide image_size: patch_size 5, "
              "image_size 32");
  CHECK_ERROR(make({.tokenizer = Shifted{.patch_size = 5}}), eg::ValueError,
              "[vision_transformer] patch_size must divide image_size: patch_size 5, "
              "image_size 32");
  CHECK_ERROR(
      make({.image_size = 4, .tokenizer = Patches{.patch_size = 7, .stride = 2, .padding = 1}}),
      eg::ValueError,
      "[vision_transformer] patch_size must fit image_size and padding: "
      "patch_size 7, image_size 4, padding 1");
  CHECK_ERROR(make({.image_size = 2, .tokenizer = Conv{.stages = {{.kernel = 5, .padding = 0}}}}),
              eg::ValueError,
              "[vision_transformer] the tokenizer makes no token of images of this size: "
              "image_size 2");
}
