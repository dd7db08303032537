// SPDX-License-Identifier: MIT
#include <eigengrad/nn/transformer.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

namespace {

// As tests/reference/transformer.py has them; true where a token takes part.
const NdArray<bool> kSource({2, 7}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0});
const NdArray<bool> kTarget({2, 5}, {1, 1, 1, 0, 0, 1, 1, 1, 1, 1});

nn::TransformerLayerOptions layer_options(bool pre) {
  return {.dim = 8,
          .heads = 2,
          .mlp_ratio = 1.5,
          .activation = pre ? eg::Activation::kGelu : eg::Activation::kRelu,
          .norm_first = pre};
}

/// Compares a module's result and all gradients with those of PyTorch's module `name`.
template <class T, class Module, class Call>
void check_reference(const std::string& name, const Module& module, const Call& call, int inputs) {
  INFO(name);
  const double tolerance = test::model_tolerance<T>();
  const test::Reference reference("transformer");
  test::load_reference(reference, name, module);
  module.zero_grad();
  std::vector<Tensor<T>> x;
  for (int i = 0; i < inputs; ++i) {
    x.emplace_back(reference.get<T>(name + "/input" + std::to_string(i)), true);
  }
  const Tensor<T> y = call(module, x);
  CHECK_CLOSE(y.value(), reference.get<double>(name + "/output"), tolerance);
  y.backward(reference.get<T>("dout"));
  for (int i = 0; i < inputs; ++i) {
    CHECK_CLOSE(x[static_cast<std::size_t>(i)].grad(),
                reference.get<double>(name + "/gradient" + std::to_string(i)), tolerance);
  }
  CHECK(test::gradient_difference(reference, name, module) == "");
}

}  // namespace

TEMPLATE_TEST_CASE("transformer: reference", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const NdArray<T> additive = test::Reference("transformer").get<T>("additive");
  for (const std::string kind : {"pre", "post"}) {
    const bool pre = kind == "pre";
    check_reference<T>(
        "encoder_" + kind,
        nn::TransformerEncoder<T>({.layer = layer_options(pre), .depth = 2, .final_norm = pre},
                                  rng),
        [](const auto& module, const auto& x) {
          return module(x[0], {.causal = true, .key_padding_mask = kTarget});
        },
        1);
    const nn::TransformerDecoderLayer<T> layer(layer_options(pre), rng);
    check_reference<T>(
        "layer_" + kind, layer,
        [&](const auto& module, const auto& x) {
          return module(x[0], x[1],
                        {.self = {.causal = true, .key_padding_mask = kTarget},
                         .cross = {.key_padding_mask = kSource, .additive_mask = additive}});
        },
        2);
    check_reference<T>(
        "unmasked_" + kind, layer,
        [](const auto& module, const auto& x) {
          return module(x[0], x[1], {.self = {.causal = false}});
        },
        2);
    check_reference<T>(
        "transformer_" + kind,
        nn::Transformer<T>({.layer = layer_options(pre), .encoder_depth = 1, .decoder_depth = 2},
                           rng),
        [](const auto& module, const auto& x) {
          return module(x[0], x[1],
                        {.source = {.key_padding_mask = kSource},
                         .target = {.causal = true, .key_padding_mask = kTarget},
                         .memory = {.key_padding_mask = kSource}});
        },
        2);
  }
}

TEST_CASE("transformer: names, and the target is causal by itself") {
  eg::Generator rng(1);
  const nn::Transformer<double> model(
      {.layer = {.dim = 4, .heads = 2}, .encoder_depth = 1, .decoder_depth = 1}, rng);
  const auto names = test::names(model.named_parameters());
  CHECK(names.front() == "encoder.layers.0.norm1.weight");
  CHECK(std::count(names.begin(), names.end(), "encoder.norm.bias") == 1);
  CHECK(std::count(names.begin(), names.end(), "decoder.layers.0.cross_attn.qkv.weight") == 1);
  CHECK(names.back() == "decoder.norm.bias");

  const Tensor<double> source(test::random({1, 3, 4}, 1));
  NdArray<double> target = test::random({1, 3, 4}, 2);
  const NdArray<double> before = model(source, Tensor<double>(target.clone())).value();
  target(0, 2, 0) += 1;
  const NdArray<double> after = model(source, Tensor<double>(target)).value();
  for (Index c = 0; c < 4; ++c) {
    CHECK(after(0, 1, c) == before(0, 1, c));
    CHECK(after(0, 2, c) != before(0, 2, c));
  }
}

TEST_CASE("transformer: stochastic depth reaches all three branches of a decoder's layer") {
  eg::Generator rng(1);
  const nn::TransformerDecoderLayer<double> layer({.dim = 4, .heads = 2, .stochastic_depth = 0.9},
                                                  rng);
  const Tensor<double> x(test::random({64, 3, 4}, 1)), memory(test::random({64, 2, 4}, 2));
  const NdArray<double> y = layer(x, memory).value();
  int skipped = 0;
  for (Index b = 0; b < 64; ++b) skipped += y(b, 0, 0) == x.value()(b, 0, 0);
  CHECK(skipped > 30);  // expected 0.73 * 64
  CHECK(skipped < 62);
  layer.eval();
  CHECK((layer(x, memory).value().array() == x.value().array()).count() == 0);
}

TEST_CASE("transformer: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::TransformerEncoder<float>({.layer = {.dim = 4, .heads = 2}, .depth = -1}, rng),
              eg::ValueError, "[transformer_encoder] depth must not be negative: -1");
  CHECK_ERROR(nn::TransformerDecoder<float>({.layer = {.dim = 4, .heads = 2}, .depth = -2}, rng),
              eg::ValueError, "[transformer_decoder] depth must not be negative: -2");
  CHECK_ERROR(nn::TransformerDecoder<float>({.layer = {.dim = 5, .heads = 2}}, rng), eg::ValueError,
              "[attention] dim must be divisible by heads: dim 5, heads 2");
  CHECK_ERROR(nn::TransformerDecoderLayer<float>({.dim = 4, .heads = 2, .mlp_ratio = 0}, rng),
              eg::ValueError, "[decoder_layer] mlp_ratio must be positive: 0");
  const nn::Transformer<float> model({.layer = {.dim = 4, .heads = 2}}, rng);
  CHECK_ERROR(model(Tensor<float>::zeros({2, 3, 4}), Tensor<float>::zeros({1, 3, 4})),
              eg::ShapeError,
              "[cross_attention] must be q (B, Tq, H D), kv (B, Tk, 2 H D): q (1, 3, 4), kv (2, 3, "
              "8)");
}
