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

models::VisionTransformerOptions tiny() {
  return {
      .image_size = 16, .classes = 5, .dim = 24, .depth = 2, .layer = {.heads = 3, .mlp_ratio = 2}};
}

/// Small enough for central differences of every parameter.
models::VisionTransformerOptions minute() {
  return {.image_size = 4,
          .channels_in = 2,
          .classes = 2,
          .tokenizer = models::PatchEmbeddingOptions{.patch_size = 2},
          .dim = 4,
          .depth = 1,
          .layer = {.heads = 2, .mlp_ratio = 1},
          .init = {nn::Init::kTruncNormal, 0.5}};
}

}  // namespace

TEST_CASE("vision_transformer: parameters are named as timm's") {
  eg::Generator rng(1);
  auto options = tiny();
  options.depth = 1;
  const models::VisionTransformer<float> model(options, rng);
  CHECK(test::names(model.named_parameters()) == test::Names{"cls_token",
                                                             "pos_embed",
                                                             "patch_embed.proj.weight",
                                                             "patch_embed.proj.bias",
                                                             "blocks.0.norm1.weight",
                                                             "blocks.0.norm1.bias",
                                                             "blocks.0.attn.qkv.weight",
                                                             "blocks.0.attn.qkv.bias",
                                                             "blocks.0.attn.proj.weight",
                                                             "blocks.0.attn.proj.bias",
                                                             "blocks.0.norm2.weight",
                                                             "blocks.0.norm2.bias",
                                                             "blocks.0.mlp.fc1.weight",
                                                             "blocks.0.mlp.fc1.bias",
                                                             "blocks.0.mlp.fc2.weight",
                                                             "blocks.0.mlp.fc2.bias",
                                                             "norm.weight",
                                                             "norm.bias",
                                                             "head.weight",
                                                             "head.bias"});
  const auto dict = model.state_dict();
  CHECK(dict.at("cls_token").shape() == eg::Shape{1, 1, 24});
  CHECK(dict.at("pos_embed").shape() == eg::Shape{1, 17, 24});
  CHECK(dict.at("patch_embed.proj.weight").shape() == eg::Shape{24, 3, 4, 4});
  CHECK(dict.at("head.weight").shape() == eg::Shape{5, 24});
}

TEST_CASE("vision_transformer: the size of ViT-B/16") {
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.image_size = 224,
       .classes = 1000,
       .tokenizer = models::PatchEmbeddingOptions{.patch_size = 16},
       .dim = 768,
       .depth = 12,
       .layer = {.heads = 12}},
      rng);
  CHECK(model.parameter_count() == 86567656);
}

TEST_CASE("vision_transformer: gradients of every variant") {
  const Tensor<double> images(test::random({2, 2, 4, 4}));
  using models::Pooling;
  using models::Positions;
  for (const auto pooling :
       {Pooling::kClassToken, Pooling::kMean, Pooling::kFlatten, Pooling::kSequence}) {
    for (const auto positions : {Positions::kLearned, Positions::kSinCos2d, Positions::kNone}) {
      for (const bool convolutional : {false, true}) {
        CAPTURE(int(pooling), int(positions), convolutional);
        eg::Generator rng(1);
        auto options = minute();
        options.pooling = pooling;
        options.positions = positions;
        if (convolutional) {
          options.tokenizer = models::ConvTokenizerOptions{.channels = {3, 4}};
        }
        const models::VisionTransformer<double> model(options, rng);
        const auto dict = model.state_dict();
        CHECK(dict.count("cls_token") == (pooling == Pooling::kClassToken));
        CHECK(dict.count("attention_pool.weight") == (pooling == Pooling::kSequence));
        CHECK(dict.count("pos_embed") == (positions == Positions::kLearned));
        CHECK(dict.count("tokenizer.conv_layers.1.weight") == convolutional);
        CHECK(model(images).shape() == eg::Shape{2, 2});
        CHECK(test::parameter_gradients(model, [&] { return model(images); }) == "");
      }
    }
  }
}

TEST_CASE("vision_transformer: positions are added, fixed ones too") {
  eg::Generator rng(1);
  auto options = minute();
  options.positions = models::Positions::kSinCos2d;
  const models::VisionTransformer<double> fixed(options, rng);
  options.positions = models::Positions::kNone;
  const models::VisionTransformer<double> none(options, rng);
  none.load_state_dict(fixed.state_dict());
  const Tensor<double> images(test::random({2, 2, 4, 4}));
  const NdArray<double> difference(fixed.embed(images).value().array() -
                                   none.embed(images).value().array());
  const NdArray<double> expected = models::sincos_2d<double>(2, 2, 4, 1);
  CHECK_CLOSE(difference.reshape({2, 20}).clone(),
              NdArray<double>(expected.reshape({1, 20}).matrix().replicate(2, 1)), 1e-12);
}

TEST_CASE("vision_transformer: modes and state") {
  eg::Generator rng(1);
  auto options = tiny();
  options.layer.dropout = 0.2;
  options.layer.attention_dropout = 0.2;
  options.position_dropout = 0.2;
  options.stochastic_depth = 0.2;
  const models::VisionTransformer<double> a(options, rng), b(options, rng);
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  CHECK(test::difference(a(images).value(), a(images).value(), 0) != "");
  a.eval();
  b.eval();
  CHECK_SAME(a(images).value(), a(images).value());
  CHECK(test::difference(a(images).value(), b(images).value(), 0) != "");
  CHECK(test::same_after_loading(a, b, [&](const auto& m) { return m(images); }));
}

TEST_CASE(
    "vision_transformer: patch dropout leaves out tokens in training, never the class token") {
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  auto options = tiny();
  eg::Generator rng(1), same(1);
  const models::VisionTransformer<double> whole(options, rng);
  options.patch_dropout = 0.25;
  const models::VisionTransformer<double> model(options, same);
  const NdArray<double> all = whole.embed(images).value();
  const NdArray<double> some = model.embed(images).value();
  REQUIRE(some.shape() == eg::Shape{2, 13, 24});
  for (Index b = 0; b < 2; ++b) {
    for (Index c = 0; c < 24; ++c) CHECK(some(b, 0, c) == all(b, 0, c));
  }
  CHECK(model(images).shape() == eg::Shape{2, 5});
  CHECK(test::difference(model(images).value(), model(images).value(), 0) != "");
  model.eval();
  CHECK_SAME(model(images).value(), whole(images).value());
}

TEST_CASE("vision_transformer: rotary positions") {
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  auto options = tiny();
  eg::Generator rng(1), same(1);
  const models::VisionTransformer<double> plain(options, rng);
  options.rotary_base = 10;
  SECTION("reach every layer, and no parameter") {
    const models::VisionTransformer<double> model(options, same);
    CHECK(test::names(model.named_parameters()) == test::names(plain.named_parameters()));
    CHECK_SAME(model.embed(images).value(), plain.embed(images).value());
    const eg::AttentionArguments<double> attention{.rotary =
                                                       models::rotary_2d<double>(4, 4, 8, 10, 1)};
    Tensor<double> x = plain.embed(images);
    const auto weights = model.attention_weights(images);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& block = plain.blocks()[static_cast<Index>(i)];
      CHECK_SAME(weights[i].value(), block.attention_weights(x, attention).value());
      CHECK(test::difference(weights[i].value(), block.attention_weights(x).value(), 1e-6) != "");
      x = block(x, attention);
    }
    CHECK_SAME(model.encode(images).value(), x.value());
  }
  SECTION("have gradients like the others") {
    auto small = minute();
    small.dim = 8;
    small.rotary_base = 10;
    const models::VisionTransformer<double> model(small, rng);
    const Tensor<double> few(test::random({2, 2, 4, 4}));
    CHECK(test::parameter_gradients(model, [&] { return model(few); }) == "");
  }
  SECTION("are those of the tokens that patch dropout leaves") {
    options.patch_dropout = 0.25;
    options.checkpoint = GENERATE(false, true);
    const models::VisionTransformer<double> model(options, same);
    const eg::GeneratorSnapshot before(model.generators());
    const NdArray<double> kept = model.embed(images).value();
    before.restore();
    const NdArray<double> actual = model.encode(images).value();
    const NdArray<double> all = plain.embed(images).value();
    const NdArray<double> table = models::rotary_2d<double>(4, 4, 8, 10, 1);
    for (Index b = 0; b < 2; ++b) {
      NdArray<double> tokens({1, 13, 24}), rows({13, 8});
      for (Index t = 0, from = 0; t < 13; ++t, ++from) {
        while (all(b, from, 0) != kept(b, t, 0)) ++from;
        for (Index c = 0; c < 24; ++c) tokens(0, t, c) = kept(b, t, c);
        for (Index c = 0; c < 8; ++c) rows(t, c) = table(from, c);
      }
      Tensor<double> x(tokens);
      for (const auto& block : plain.blocks()) x = block(x, {.rotary = rows});
      for (Index t = 0; t < 13; ++t) {
        for (Index c = 0; c < 24; ++c)
          CHECK(std::abs(actual(b, t, c) - x.value()(0, t, c)) < 1e-12);
      }
    }
  }
}

TEST_CASE("vision_transformer: features and logits agree") {
  eg::Generator rng(1);
  const models::VisionTransformer<double> model(tiny(), rng);
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  CHECK(model.embed(images).shape() == eg::Shape{2, 17, 24});
  CHECK(model.encode(images).shape() == eg::Shape{2, 17, 24});
  CHECK(model.features(images).shape() == eg::Shape{2, 24});
  CHECK_SAME(
      model.features(images).value(),
      eg::select(eg::layer_norm(model.encode(images), Tensor<double>(), Tensor<double>(), 1e-6), 1,
                 0)
          .value());
  const auto weights = model.attention_weights(images);
  REQUIRE(weights.size() == 2);
  CHECK(weights[1].shape() == eg::Shape{2, 3, 17, 17});
  CHECK(model(Tensor<double>::zeros({0, 3, 16, 16})).shape() == eg::Shape{0, 5});
}

TEST_CASE("vision_transformer: pooling weights say how the features are made of the tokens") {
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  for (const auto pooling :
       {models::Pooling::kClassToken, models::Pooling::kMean, models::Pooling::kSequence}) {
    eg::Generator rng(1);
    auto options = tiny();
    options.pooling = pooling;
    options.init = {nn::Init::kTruncNormal, 0.5};  // weights far from equal
    const models::VisionTransformer<double> model(options, rng);
    const Tensor<double> weights = model.pooling_weights(images);
    const Index tokens = pooling == models::Pooling::kClassToken ? 17 : 16;
    REQUIRE(weights.shape() == eg::Shape{2, tokens});
    const Tensor<double> normed =
        eg::layer_norm(model.encode(images), Tensor<double>(), Tensor<double>(), 1e-6);
    CHECK_CLOSE(model.features(images).value(),
                eg::matmul(eg::reshape(weights, {2, 1, tokens}), normed).value().reshape({2, 24}),
                1e-12);
  }
  eg::Generator rng(1);
  auto options = tiny();
  options.pooling = models::Pooling::kFlatten;
  CHECK_ERROR(models::VisionTransformer<double>(options, rng).pooling_weights(images),
              eg::ValueError, "[vision_transformer] flattened tokens have no pooling weights");
}

TEST_CASE("vision_transformer: layers take from the model what they do not set") {
  const Tensor<double> images(test::random({2, 2, 4, 4}));
  auto options = minute();
  options.depth = 2;
  options.norm_eps = 0.1;
  eg::Generator a(1), b(1), c(1);
  const models::VisionTransformer<double> model(options, a);
  options.layer.dim = 4;
  options.layer.norm_eps = 0.1;
  options.layer.init = options.init;
  CHECK_SAME(models::VisionTransformer<double>(options, b)(images).value(), model(images).value());
  options.layer.norm_eps = 1e-6;
  const models::VisionTransformer<double> other(options, c);
  CHECK_SAME(other.state_dict().at("blocks.1.mlp.fc1.weight"),
             model.state_dict().at("blocks.1.mlp.fc1.weight"));
  CHECK(test::difference(other(images).value(), model(images).value(), 1e-3) != "");
}

TEST_CASE("vision_transformer: stochastic depth grows, or is the same in each layer") {
  const Tensor<float> images(test::random<float>({64, 2, 4, 4}));
  // Samples that skip both branches leave the layer as they entered it.
  const auto skipped = [&](double growing, double constant, Index layer) {
    eg::Generator rng(1);
    auto options = minute();
    options.depth = 2;
    options.stochastic_depth = growing;
    options.layer.stochastic_depth = constant;
    const models::VisionTransformer<float> model(options, rng);
    const Tensor<float> x = model.embed(images);
    const auto& block = model.blocks()[layer];
    const NdArray<float> y = block(x).value();
    Index same = 0;
    for (Index b = 0; b < 64; ++b) {
      bool equal = true;
      for (Index i = 0; i < x.dim(1) * x.dim(2); ++i) {
        equal &=
            y.data()[b * x.dim(1) * x.dim(2) + i] == x.value().data()[b * x.dim(1) * x.dim(2) + i];
      }
      same += equal;
    }
    return same;
  };
  CHECK(skipped(0.9, 0, 0) == 0);
  CHECK(skipped(0.9, 0, 1) > 32);
  CHECK(skipped(0, 0.9, 0) > 32);
  CHECK(skipped(0, 0.9, 1) > 32);
}

TEST_CASE("vision_transformer: error") {
  eg::Generator rng(1);
  const auto make = [&](models::VisionTransformerOptions options) {
    return models::VisionTransformer<float>(options, rng);
  };
  CHECK_ERROR(make({.layer = {.heads = 5}}), eg::ValueError,
              "[vision_transformer] dim must be divisible by heads: dim 192, heads 5");
  CHECK_ERROR(make({.layer = {.mlp_ratio = 2}}), eg::ValueError,
              "[vision_transformer] heads must be positive: 0");
  CHECK_ERROR(make({.classes = -1}), eg::ValueError,
              "[vision_transformer] classes must not be negative: -1");
  CHECK_ERROR(make({.depth = -1}), eg::ValueError,
              "[vision_transformer] depth must not be negative: -1");
  CHECK_ERROR(make({.dim = 6, .layer = {.heads = 2}, .positions = models::Positions::kSinCos2d}),
              eg::ValueError, "[sincos_2d] dim must be divisible by 4: dim 6");
  CHECK_ERROR(make({.rotary_base = -1}), eg::ValueError,
              "[vision_transformer] rotary_base must not be negative: -1");
  CHECK_ERROR(make({.dim = 12, .layer = {.heads = 2}, .rotary_base = 100}), eg::ValueError,
              "[rotary_2d] dim must be divisible by 4 and base positive: dim 6, base 100");
  CHECK_ERROR(make({.patch_dropout = 1}), eg::ValueError, "[patch_dropout] p must be in [0, 1): 1");
  CHECK_ERROR(make({.pooling = models::Pooling::kFlatten, .patch_dropout = 0.5}), eg::ValueError,
              "[vision_transformer] patch_dropout 0.5 needs another pooling than kFlatten");
  CHECK_ERROR(make({.stochastic_depth = 1}), eg::ValueError,
              "[stochastic_depth] p must be in [0, 1): 1");
  CHECK_ERROR(make({.layer = {.heads = 3, .stochastic_depth = 0.5}, .stochastic_depth = 0.25}),
              eg::ValueError,
              "[vision_transformer] stochastic_depth and layer.stochastic_depth exclude each "
              "other: 0.25 and 0.5");
  CHECK_ERROR(make({.layer = {.dim = 96, .heads = 3}}), eg::ValueError,
              "[vision_transformer] layer.dim must be dim, or 0 to take it: layer.dim 96, dim 192");
  const models::VisionTransformer<float> model(tiny(), rng);
  CHECK_ERROR(model(Tensor<float>::ones({2, 3, 28, 28})), eg::ShapeError,
              "[vision_transformer] images must be (B, 3, 16, 16): images (2, 3, 28, 28)");
}

TEMPLATE_TEST_CASE("vision_transformer: reference", "", float, double) {
  using T = TestType;
  const double tolerance = test::model_tolerance<T>();
  for (const std::string name : {"class_token", "mean", "sequence"}) {
    for (const auto method : {models::PatchMethod::kUnfold, models::PatchMethod::kConv2d}) {
      INFO(name << ", patch method " << int(method));
      const test::Reference reference("vit_" + name);
      eg::Generator rng(1);
      auto options = tiny();
      options.tokenizer = models::PatchEmbeddingOptions{.method = method};
      if (name == "mean") options.pooling = models::Pooling::kMean;
      if (name == "sequence") {
        options.pooling = models::Pooling::kSequence;
        options.tokenizer = models::ConvTokenizerOptions{.channels = {8, 24}};
      }
      const models::VisionTransformer<T> model(options, rng);
      test::load_reference(reference, name, model);
      const Tensor<T> images(reference.get<T>(name + "/input0"), true);
      const Tensor<T> logits = model(images);
      const Tensor<T> loss = eg::cross_entropy(logits, reference.get<Index>(name + "/labels"),
                                               {.label_smoothing = 0.1});
      CHECK_CLOSE(logits.value(), reference.get<double>(name + "/output"), tolerance);
      CHECK_CLOSE(loss.value(), reference.get<double>(name + "/loss"), tolerance);
      loss.backward();
      CHECK_CLOSE(images.grad(), reference.get<double>(name + "/gradient0"), tolerance);
      CHECK(test::gradient_difference(reference, name, model) == "");
    }
  }
}

TEST_CASE("vision_transformer: checkpointed layers give the same bits and take less memory") {
  const auto run = [](bool checkpoint) {
    eg::Generator rng(1);
    const models::VisionTransformer<float> vit(
        {.image_size = 16,
         .dim = 24,
         .depth = 6,
         .layer = {.heads = 3, .dropout = 0.2, .attention_dropout = 0.1},
         .rotary_base = 100,
         .position_dropout = 0.2,
         .stochastic_depth = 0.3,
         .checkpoint = checkpoint},
        rng);
    const Tensor<float> images(test::random<float>({8, 3, 16, 16}));
    std::vector<NdArray<float>> out;
    std::size_t peak = 0;
    for (int step = 0; step < 2; ++step) {
      vit.zero_grad();
      eg::reset_peak_memory();
      const std::size_t before = eg::memory_in_use();
      const Tensor<float> y = vit(images);
      y.backward(test::random<float>(y.shape(), 5));
      peak = eg::peak_memory() - before;
      out.push_back(y.value());
      for (const Tensor<float>& x : vit.parameters()) out.push_back(x.grad().clone());
    }
    return std::pair(out, peak);
  };
  const auto plain = run(false);
  const auto saving = run(true);
  REQUIRE(plain.first.size() == saving.first.size());
  for (std::size_t i = 0; i < plain.first.size(); ++i) CHECK_SAME(saving.first[i], plain.first[i]);
  CHECK(2 * saving.second < plain.second);
}
