// SPDX-License-Identifier: MIT
// The steps of a vision transformer one by one, and what stands around its layers.
#include <eigengrad/models/attention_map.hpp>
#include <eigengrad/models/resize_model.hpp>
#include <eigengrad/models/save_model.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/layer_norm.hpp>
#include <tests/nn/parameter_gradient.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;
using models::FinalNorm;
using models::Pooling;

namespace {

models::VisionTransformerOptions small() {
  return {.image_size = 8,
          .channels_in = 1,
          .classes = 3,
          .dim = 8,
          .depth = 2,
          .layer = {.heads = 2, .mlp_ratio = 1}};
}

models::VisionTransformer<double> build(const models::VisionTransformerOptions& options) {
  eg::Generator rng(3);
  return {options, rng};
}

Tensor<double> images(Index count = 2) { return Tensor<double>(test::random({count, 1, 8, 8}, 5)); }

}  // namespace

TEST_CASE("vision_transformer parts: the steps together are the model") {
  for (const Pooling pooling :
       {Pooling::kClassToken, Pooling::kMean, Pooling::kFlatten, Pooling::kSequence}) {
    for (const FinalNorm norm :
         {FinalNorm::kBeforePooling, FinalNorm::kAfterPooling, FinalNorm::kNone}) {
      auto options = small();
      options.pooling = pooling;
      options.final_norm = norm;
      const auto model = build(options);
      const Tensor<double> tokens = model.tokenize(images());
      CHECK(tokens.shape() == eg::Shape{2, 4, 8});
      const Tensor<double> encoded = model.encode_tokens(tokens);
      CHECK(encoded.dim(1) == model.tokens());
      CHECK_SAME(encoded.value(), model.encode(images()).value());
      CHECK_SAME(model.pool(encoded).value(), model.features(images()).value());
      CHECK_SAME(model.classify(model.pool(encoded)).value(), model(images()).value());
      CHECK(test::parameter_gradients(model, [&] { return model(images()); }) == "");
    }
  }
}

TEST_CASE("vision_transformer parts: a token that takes a patch's place gets its position") {
  const auto model = build(small());
  const Tensor<double> mask(test::random({8}, 9), true);
  const Tensor<double> hidden = eg::expand(eg::reshape(mask, {1, 1, 8}), {2, 4, 8});
  const Tensor<double> out = model.encode_tokens(hidden);
  // All patches are alike, and only positions tell them apart.
  CHECK(test::difference(eg::select(out, 1, 1).value(), eg::select(out, 1, 2).value(), 1e-6) != "");
  out.backward(test::random(out.shape(), 2));
  CHECK(mask.has_grad());
}

TEST_CASE("vision_transformer parts: where the last norm stands") {
  auto options = small();
  options.pooling = Pooling::kMean;
  options.final_norm = FinalNorm::kAfterPooling;
  const auto after = build(options);
  CHECK(after.state_dict().contains("fc_norm.weight"));
  CHECK_FALSE(after.state_dict().contains("norm.weight"));
  const Tensor<double> encoded = after.encode(images());
  CHECK_CLOSE(
      after.features(images()).value(),
      eg::layer_norm(eg::mean(encoded, {1}), Tensor<double>(), Tensor<double>(), 1e-6).value(),
      1e-12);
  options.final_norm = FinalNorm::kNone;
  const auto none = build(options);
  CHECK_FALSE(none.norm().has_value());
  CHECK_CLOSE(none.features(images()).value(), eg::mean(none.encode(images()), {1}).value(), 1e-12);
  // Post-norm layers end with a norm of their own.
  options.layer.norm_first = false;
  const auto post = build(options);
  CHECK_CLOSE(eg::mean(post.encode(images()), {2}).value(), NdArray<double>::zeros({2, 4}), 1e-6);
}

TEST_CASE("vision_transformer parts: a head with hidden layers") {
  auto options = small();
  options.pooling = Pooling::kFlatten;
  options.head_hidden = {6, 5};
  options.head_dropout = 0.5;
  const auto model = build(options);
  const auto dict = model.state_dict();
  CHECK(dict.at("head_hidden.0.weight").shape() == eg::Shape{6, 32});
  CHECK(dict.at("head_hidden.1.weight").shape() == eg::Shape{5, 6});
  CHECK(dict.at("head.weight").shape() == eg::Shape{3, 5});
  model.eval();
  const auto weight = [&](const std::string& name) { return Tensor<double>(dict.at(name)); };
  Tensor<double> x = model.features(images());
  for (const std::string layer : {"head_hidden.0", "head_hidden.1"}) {
    x = eg::gelu(eg::linear(x, weight(layer + ".weight"), weight(layer + ".bias")));
  }
  CHECK_CLOSE(model(images()).value(),
              eg::linear(x, weight("head.weight"), weight("head.bias")).value(), 1e-12);
  model.train();
  CHECK(test::difference(model(images()).value(), model(images()).value(), 1e-9) != "");
}

TEST_CASE("vision_transformer parts: shared layers are the same weights again") {
  auto options = small();
  options.depth = 3;
  const auto separate = build(options);
  options.shared_layers = true;
  const auto shared = build(options);
  CHECK(shared.blocks().size() == 1);
  // The separate ones with the shared layer's weights in each.
  auto dict = separate.state_dict();
  for (auto& [name, x] : dict) {
    std::string own = name;
    if (own.starts_with("blocks.")) own[7] = '0';
    x = shared.state_dict().at(own);
  }
  separate.load_state_dict(dict);
  CHECK_SAME(shared(images()).value(), separate(images()).value());
  const NdArray<double> dout = test::random({2, 3}, 1);
  shared(images()).backward(dout);
  separate(images()).backward(dout);
  NdArray<double> sum = NdArray<double>::zeros({8, 8});
  NdArray<double> own;
  for (const auto& [name, x] : separate.named_parameters()) {
    if (name.ends_with("attn.proj.weight")) sum.array() += x.grad().array();
  }
  for (const auto& [name, x] : shared.named_parameters()) {
    if (name.ends_with("attn.proj.weight")) own = x.grad();
  }
  CHECK_CLOSE(own, sum, 1e-12);
  CHECK(shared.attention_weights(images()).size() == 3);
  CHECK(models::AttentionMaps<double>(shared, images()).layers() == 3);
}

TEST_CASE("vision_transformer parts: a table of positions longer than the sequence") {
  auto options = small();
  options.position_count = 9;
  options.position_init = {nn::Init::kUniform, 1};
  options.token_init = {nn::Init::kUniform, 1};
  const auto model = build(options);
  const auto dict = model.state_dict();
  const NdArray<double>& table = dict.at("pos_embed");
  REQUIRE(table.shape() == eg::Shape{1, 9, 8});
  CHECK(*std::min_element(table.begin(), table.end()) >= 0);
  CHECK(*std::max_element(table.begin(), table.end()) < 1);
  CHECK(dict.at("cls_token").data()[0] > 0.001);
  const NdArray<double> before = model(images()).value();
  auto changed = model.state_dict();
  for (Index c = 0; c < 8; ++c) changed.at("pos_embed")(0, 5, c) = 99;  // the sequence has 5 tokens
  model.load_state_dict(changed);
  CHECK_SAME(model(images()).value(), before);

  // Images of another size: the rows in use are interpolated, the others are gone.
  const auto larger = models::resize_model(model, {.image_size = 16});
  CHECK(larger.state_dict().at("pos_embed").shape() == eg::Shape{1, 17, 8});
  auto exact = small();
  exact.position_init = {nn::Init::kUniform, 1};
  const auto plain = build(exact);
  auto rows = model.state_dict();
  rows.at("pos_embed") = eg::narrow(Tensor<double>(rows.at("pos_embed")), 1, 0, 5).value();
  plain.load_state_dict(rows);
  const Tensor<double> big(test::random({1, 1, 16, 16}, 3));
  CHECK_SAME(larger(big).value(), models::resize_model(plain, {.image_size = 16})(big).value());
}

TEST_CASE("vision_transformer parts: registers and two class tokens") {
  for (const Pooling pooling : {Pooling::kClassToken, Pooling::kMean, Pooling::kSequence}) {
    auto options = small();
    options.pooling = pooling;
    options.registers = 2;
    options.initial_norm = true;
    options.distilled = pooling == Pooling::kClassToken;
    options.prefix_positions = pooling != Pooling::kMean;
    options.layer.layer_scale = 0.5;
    options.token_init = {eg::nn::Init::kNormal, 0.5};
    const auto model = build(options);
    const Index prefix = model.prefix_tokens();
    CHECK(prefix == (options.distilled ? 4 : 2));
    CHECK(model.tokens() == 4 + prefix);
    CHECK(model.encode(images()).shape() == eg::Shape{2, 4 + prefix, 8});
    CHECK(test::parameter_gradients(model, [&] { return model(images()); }) == "");
    // The weights of the pooling are shares of what is pooled.
    const NdArray<double> weights = model.pooling_weights(images()).value();
    CHECK(weights.shape() == eg::Shape{2, 4 + prefix});
    CHECK(weights.matrix().rowwise().sum().isOnes(1e-12));
    const bool tokens = pooling == Pooling::kClassToken;
    CHECK(weights.matrix().leftCols(tokens ? 2 : prefix).isZero() == !tokens);
    CHECK(weights.matrix().rightCols(4).isZero() == tokens);
  }
}

TEST_CASE("vision_transformer parts: the mean of both heads") {
  auto options = small();
  options.distilled = true;
  const auto model = build(options);
  const Tensor<double> features = model.features(images());
  CHECK(features.shape() == eg::Shape{2, 2, 8});
  const auto dict = model.state_dict();
  const auto logits = [&](Index token, const char* head) -> NdArray<double> {
    const NdArray<double>& weight = dict.at(std::string(head) + ".weight");
    const NdArray<double>& bias = dict.at(std::string(head) + ".bias");
    NdArray<double> out({2, 3});
    for (Index b = 0; b < 2; ++b) {
      for (Index k = 0; k < 3; ++k) {
        out(b, k) = bias(k);
        for (Index c = 0; c < 8; ++c) out(b, k) += weight(k, c) * features.value()(b, token, c);
      }
    }
    return out;
  };
  NdArray<double> expected({2, 3});
  expected.array() = (logits(0, "head").array() + logits(1, "head_dist").array()) / 2;
  CHECK_CLOSE(model(images()).value(), expected, 1e-12);
}

TEST_CASE("vision_transformer parts: no head, and one with tanh") {
  auto options = small();
  options.classes = 0;
  const auto model = build(options);
  CHECK_FALSE(model.head().has_value());
  CHECK_SAME(model(images()).value(), model.features(images()).value());
  options.head_hidden = {5};
  options.head_tanh = true;
  const auto tanh = build(options);
  CHECK(tanh(images()).shape() == eg::Shape{2, 5});
  CHECK(tanh(images()).value().array().abs().maxCoeff() < 1);
  CHECK(test::parameter_gradients(tanh, [&] { return tanh(images()); }) == "");
}

TEST_CASE("vision_transformer parts: files keep all of it") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  auto options = small();
  options.layer.activate_output = true;
  options.shared_layers = true;
  options.pooling = Pooling::kMean;
  options.final_norm = FinalNorm::kAfterPooling;
  options.position_count = 7;
  options.head_hidden = {4};
  options.head_tanh = true;
  options.registers = 1;
  options.initial_norm = true;
  options.prefix_positions = false;
  options.layer.layer_scale = 0.1;
  options.tokenizer = models::PatchEmbeddingOptions{.patch_size = 4, .bias = false};
  const auto model = build(options);
  models::save_model(path, model);
  const auto again = models::load_vision_transformer<double>(path);
  CHECK(again.options().layer.activate_output);
  CHECK_SAME(again(images()).value(), model(images()).value());
}

TEST_CASE("vision_transformer parts: error") {
  const auto fails = [](const auto& change) {
    auto options = small();
    change(options);
    std::string text = "nothing was thrown";
    try {
      build(options);
    } catch (const eg::ValueError& error) {
      text = error.what();
    }
    return text;
  };
  CHECK(fails([](auto& o) { o.position_count = 4; }) ==
        "[vision_transformer] position_count must be 0, or at least the number of tokens: "
        "position_count 4, tokens 5");
  CHECK(fails([](auto& o) {
          o.head_hidden = {4, 0};
        }) == "[vision_transformer] head_hidden must be positive: 0");
  CHECK(fails([](auto& o) {
          o.shared_layers = true;
          o.stochastic_depth = 0.1;
        }) ==
        "[vision_transformer] shared_layers need one probability for all: "
        "layer.stochastic_depth instead of stochastic_depth 0.1");
  CHECK(fails([](auto& o) { o.registers = -1; }) ==
        "[vision_transformer] registers must not be negative: -1");
  CHECK(fails([](auto& o) {
          o.distilled = true;
          o.pooling = Pooling::kMean;
        }) == "[vision_transformer] distilled needs pooling kClassToken and no head_hidden");
  CHECK(fails([](auto& o) { o.head_dropout = 1; }) == "[dropout] p must be in [0, 1): 1");
  CHECK_ERROR(build(small()).encode_tokens(Tensor<double>::zeros({1, 5, 8})), eg::ShapeError,
              "[vision_transformer] tokens must be (B, 4, 8): tokens (1, 5, 8)");
}
