// SPDX-License-Identifier: MIT
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// The reference's sizes.
models::LanguageModelOptions tiny() {
  return {.vocabulary = 11,
          .context = 6,
          .dim = 12,
          .depth = 2,
          .layer = {.heads = 3, .mlp_ratio = 2},
          .init_stddev = 0.5};
}

template <class T = double>
models::LanguageModel<T> model_of(const models::LanguageModelOptions& options) {
  eg::Generator rng(1);
  return models::LanguageModel<T>(options, rng);
}

NdArray<Index> random_tokens(const eg::Shape& shape, std::uint64_t seed = 3) {
  eg::Generator rng(seed);
  NdArray<Index> out(shape);
  for (Index& token : out) token = rng.integer(11);
  return out;
}

NdArray<Index> columns(const NdArray<Index>& tokens, Index begin, Index count) {
  return tokens.matrix().middleCols(begin, count);
}

template <class T>
Tensor<T> loss_of(const models::LanguageModel<T>& model, const NdArray<Index>& inputs,
                  const NdArray<Index>& targets) {
  return eg::cross_entropy(eg::flatten(model(inputs), 0, 1), targets.reshape({-1}));
}

}  // namespace

TEST_CASE("language_model: parameters") {
  CHECK(test::names(model_of(tiny()).named_parameters()) ==
        test::Names{"position_embedding",
                    "token_embedding.weight",
                    "encoder.layers.0.norm1.weight",
                    "encoder.layers.0.norm1.bias",
                    "encoder.layers.0.attn.qkv.weight",
                    "encoder.layers.0.attn.qkv.bias",
                    "encoder.layers.0.attn.proj.weight",
                    "encoder.layers.0.attn.proj.bias",
                    "encoder.layers.0.norm2.weight",
                    "encoder.layers.0.norm2.bias",
                    "encoder.layers.0.mlp.fc1.weight",
                    "encoder.layers.0.mlp.fc1.bias",
                    "encoder.layers.0.mlp.fc2.weight",
                    "encoder.layers.0.mlp.fc2.bias",
                    "encoder.layers.1.norm1.weight",
                    "encoder.layers.1.norm1.bias",
                    "encoder.layers.1.attn.qkv.weight",
                    "encoder.layers.1.attn.qkv.bias",
                    "encoder.layers.1.attn.proj.weight",
                    "encoder.layers.1.attn.proj.bias",
                    "encoder.layers.1.norm2.weight",
                    "encoder.layers.1.norm2.bias",
                    "encoder.layers.1.mlp.fc1.weight",
                    "encoder.layers.1.mlp.fc1.bias",
                    "encoder.layers.1.mlp.fc2.weight",
                    "encoder.layers.1.mlp.fc2.bias",
                    "encoder.norm.weight",
                    "encoder.norm.bias"});
  auto options = tiny();
  options.tie_weights = false;
  CHECK(model_of(options).state_dict().at("head.weight").shape() == eg::Shape{11, 12});
}

TEST_CASE("language_model: the size of GPT-2") {
  const auto gpt2 = model_of<float>(
      {.vocabulary = 50257, .context = 1024, .dim = 768, .depth = 12, .layer = {.heads = 12}});
  CHECK(gpt2.parameter_count() == 124439808);
}

TEST_CASE("language_model: initial weights are GPT-2's") {
  const auto model = model_of<double>(
      {.vocabulary = 50, .context = 40, .dim = 128, .depth = 8, .layer = {.heads = 4}});
  const auto dict = model.state_dict();
  const auto stddev = [&](const std::string& name) {
    const auto values = dict.at(name).array();
    return std::sqrt((values - values.mean()).square().mean());
  };
  CHECK(stddev("token_embedding.weight") == Approx(0.02).epsilon(0.05));
  CHECK(stddev("position_embedding") == Approx(0.02).epsilon(0.05));
  CHECK(stddev("encoder.layers.3.attn.qkv.weight") == Approx(0.02).epsilon(0.05));
  CHECK(stddev("encoder.layers.3.mlp.fc1.weight") == Approx(0.02).epsilon(0.05));
  CHECK(stddev("encoder.layers.3.attn.proj.weight") == Approx(0.02 / 4).epsilon(0.05));
  CHECK(stddev("encoder.layers.3.mlp.fc2.weight") == Approx(0.02 / 4).epsilon(0.05));
  CHECK(dict.at("encoder.layers.3.mlp.fc2.bias").array().abs().maxCoeff() == 0);
}

TEMPLATE_TEST_CASE("language_model: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("language_model");
  const auto inputs = reference.get<Index>("inputs");
  const auto targets = reference.get<Index>("targets");
  for (const std::string name : {"tied", "untied"}) {
    INFO(name);
    auto options = tiny();
    options.tie_weights = name == "tied";
    if (!options.tie_weights) options.layer.activation = eg::Activation::kGeluTanh;
    const auto model = model_of<T>(options);
    test::load_reference(reference, name, model);
    CHECK_CLOSE(model(inputs).value(), reference.get<T>(name + "/output"),
                test::model_tolerance<T>());
    const auto loss = loss_of(model, inputs, targets);
    CHECK_CLOSE(loss.value(), reference.get<T>(name + "/loss"), test::model_tolerance<T>());
    loss.backward();
    CHECK(test::gradient_difference(reference, name, model) == "");
  }
}

TEST_CASE("language_model: no token sees a later one") {
  const auto model = model_of(tiny());
  NdArray<Index> tokens = random_tokens({1, 6});
  const NdArray<double> before = model(tokens).value();
  tokens(0, 3) = (tokens(0, 3) + 1) % 11;
  const NdArray<double> after = model(tokens).value();
  CHECK((before.matrix().topRows(3) - after.matrix().topRows(3)).cwiseAbs().maxCoeff() == 0);
  for (Index t = 3; t < 6; ++t) {
    CHECK((before.matrix().row(t) - after.matrix().row(t)).cwiseAbs().maxCoeff() > 1e-3);
  }
}

TEMPLATE_TEST_CASE("language_model: a cache gives the logits of the full pass", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const bool tied : {true, false}) {
    auto options = tiny();
    options.tie_weights = tied;
    const auto model = model_of<T>(options);
    const NdArray<Index> tokens = random_tokens({2, 6});
    const eg::NoGrad no_grad;
    const NdArray<T> full = model(tokens).value();
    // One token, several, one; and all at once.
    for (const std::vector<Index>& parts :
         {std::vector<Index>{1, 3, 1, 1}, std::vector<Index>{6}, std::vector<Index>{2, 4}}) {
      auto cache = model.cache();
      CHECK(cache.capacity() == 6);
      Index begin = 0;
      for (const Index count : parts) {
        const NdArray<T> logits = model(columns(tokens, begin, count), cache).value();
        REQUIRE(logits.shape() == eg::Shape{2, count, 11});
        for (Index b = 0; b < 2; ++b) {
          const NdArray<T> expected = full.matrix().middleRows(b * 6 + begin, count);
          CHECK_CLOSE(NdArray<T>(logits.matrix().middleRows(b * count, count)), expected,
                      tolerance);
        }
        begin += count;
        CHECK(cache.size() == begin);
      }
    }
    auto cache = model.cache();
    const NdArray<T> next = model.next_logits(tokens, cache).value();
    REQUIRE(next.shape() == eg::Shape{2, 11});
    CHECK_CLOSE(NdArray<T>(next.matrix().row(1)), NdArray<T>(full.matrix().row(11)), tolerance);
  }
}

TEST_CASE("language_model: dropout in training alone") {
  auto options = tiny();
  options.dropout = 0.3;
  const auto model = model_of(options);
  CHECK(model.encoder().layers()[0].mlp().kind() == "Mlp");
  const NdArray<Index> tokens = random_tokens({1, 6});
  CHECK(test::difference(model(tokens).value(), model(tokens).value(), 0) != "");
  model.eval();
  CHECK_SAME(model(tokens).value(), model(tokens).value());
  const auto plain = model_of(tiny());
  plain.load_state_dict(model.state_dict());
  CHECK_SAME(plain(tokens).value(), model(tokens).value());
}

TEST_CASE("language_model: learns a sequence by heart") {
  auto options = tiny();
  options.init_stddev = 0.1;
  const auto model = model_of<float>(options);
  const NdArray<Index> inputs = random_tokens({1, 6}, 4), targets = random_tokens({1, 6}, 5);
  eg::optim::AdamW<float> adam(model.parameters(), {.lr = 0.02, .weight_decay = 0});
  double loss = 0;
  for (int step = 0; step < 150; ++step) {
    adam.zero_grad();
    const auto now = loss_of(model, inputs, targets);
    now.backward();
    adam.step();
    loss = double(now.item());
    if (step == 0) CHECK(loss == Approx(std::log(11.)).margin(0.3));
  }
  CHECK(loss < 0.02);
}

TEST_CASE("language_model: error") {
  const auto model = model_of(tiny());
  CHECK_ERROR(model(random_tokens({1, 7})), eg::ShapeError,
              "[language_model] tokens must be (B, T) with T from 1 to context: tokens (1, 7), "
              "context 6");
  CHECK_ERROR(model(random_tokens({6})), eg::ShapeError,
              "[language_model] tokens must be (B, T) with T from 1 to context: tokens (6), "
              "context 6");
  CHECK_ERROR(model(NdArray<Index>({1, 0})), eg::ShapeError,
              "[language_model] tokens must be (B, T) with T from 1 to context: tokens (1, 0), "
              "context 6");
  CHECK_THROWS_AS(model(NdArray<Index>({1, 1}, {11})), eg::ValueError);

  const eg::NoGrad no_grad;
  auto cache = model.cache();
  (void)model(random_tokens({1, 4}), cache);
  CHECK_ERROR(model(random_tokens({1, 3}), cache), eg::ValueError,
              "[language_model] the context is full: context 6, tokens in the cache 4, new tokens "
              "3; clear it and begin with fewer of them");
  CHECK(cache.size() == 4);

  const auto construct = [](auto change) {
    auto options = tiny();
    change(options);
    return model_of(options);
  };
  CHECK_ERROR(construct([](auto& o) { o.vocabulary = 0; }), eg::ValueError,
              "[language_model] vocabulary must be positive: 0");
  CHECK_ERROR(construct([](auto& o) { o.layer.heads = 0; }), eg::ValueError,
              "[language_model] layer.heads must be positive: 0");
  CHECK_ERROR(construct([](auto& o) { o.layer.dim = 8; }), eg::ValueError,
              "[language_model] layer.dim must be dim, or 0 to take it: layer.dim 8, dim 12");
  CHECK_ERROR(construct([](auto& o) { o.layer.heads = 5; }), eg::ValueError,
              "[attention] dim must be divisible by heads: dim 12, heads 5");
  CHECK_ERROR(construct([](auto& o) { o.depth = -1; }), eg::ValueError,
              "[transformer_encoder] depth must not be negative: -1");
}
