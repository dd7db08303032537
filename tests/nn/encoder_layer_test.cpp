// SPDX-License-Identifier: MIT
#include <eigengrad/nn/encoder_layer.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEST_CASE("encoder_layer: value from its parts") {
  eg::Generator rng(1);
  const nn::TransformerEncoderLayer<double> layer(
      {.dim = 4, .heads = 2, .norm_first = true, .init = {nn::Init::kTruncNormal, 0.5}}, rng);
  const auto dict = layer.state_dict();
  // Without attention and MLP nothing is added, and pre-norm passes its input through.
  auto silent = dict;
  for (const char* name :
       {"attn.proj.weight", "attn.proj.bias", "mlp.fc2.weight", "mlp.fc2.bias"}) {
    silent.at(name).fill(0);
  }
  layer.load_state_dict(silent);
  const Tensor<double> x(test::random({2, 3, 4}));
  CHECK_SAME(layer(x).value(), x.value());
  // The biases of the branches' last layers alone are added.
  silent.at("attn.proj.bias").fill(1);
  silent.at("mlp.fc2.bias").fill(10);
  layer.load_state_dict(silent);
  CHECK_CLOSE(layer(x).value(), NdArray<double>(x.value().array() + 11).reshape({2, 3, 4}), 1e-12);
}

TEST_CASE("encoder_layer: names and gradients") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 3, 6}));
  for (const bool norm_first : {true, false}) {
    const nn::TransformerEncoderLayer<double> layer(
        {.dim = 6, .heads = 2, .mlp_ratio = 1.5, .norm_first = norm_first}, rng);
    CHECK(test::names(layer.named_parameters()) ==
          test::Names{"norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias",
                      "attn.proj.weight", "attn.proj.bias", "norm2.weight", "norm2.bias",
                      "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"});
    CHECK(layer.state_dict().at("mlp.fc1.weight").shape() == eg::Shape{9, 6});
    CHECK(test::parameter_gradients(layer, [&] { return layer(x); }) == "");
    CHECK_GRADIENT(layer(x[0]), {x.value()});
  }
}

TEST_CASE("encoder_layer: masks reach the attention") {
  eg::Generator rng(1);
  const nn::TransformerEncoderLayer<double> layer({.dim = 4, .heads = 2}, rng);
  NdArray<double> x = test::random({1, 3, 4});
  const NdArray<double> before = layer(Tensor<double>(x.clone()), {.causal = true}).value();
  for (test::Index c = 0; c < 4; ++c) x(0, 2, c) += 1;
  const NdArray<double> after = layer(Tensor<double>(x), {.causal = true}).value();
  for (test::Index c = 0; c < 4; ++c) {
    CHECK(after(0, 0, c) == before(0, 0, c));
    CHECK(after(0, 1, c) == before(0, 1, c));
    CHECK(after(0, 2, c) != before(0, 2, c));
  }
}

TEST_CASE("encoder_layer: options in empty braces are the defaults") {
  eg::Generator rng(1);
  const nn::TransformerEncoderLayer<double> layer({.dim = 6, .heads = 2}, rng);
  const Tensor<double> x(test::random({2, 3, 6}, 2));
  CHECK_SAME(layer(x, {}).value(), layer(x).value());
  CHECK_SAME(layer.attention_weights(x, {}).value(), layer.attention_weights(x).value());
}

TEST_CASE("encoder_layer: stochastic depth skips whole samples") {
  eg::Generator rng(1);
  const nn::TransformerEncoderLayer<double> layer({.dim = 4, .heads = 2, .stochastic_depth = 0.9},
                                                  rng);
  const Tensor<double> x(test::random({64, 3, 4}));
  const NdArray<double> y = layer(x).value();
  int skipped = 0;
  for (test::Index b = 0; b < 64; ++b) skipped += y(b, 0, 0) == x.value()(b, 0, 0);
  CHECK(skipped > 35);  // expected 0.81 * 64
  CHECK(skipped < 64);
  layer.eval();
  CHECK_SAME(layer(x).value(), layer(x).value());
  CHECK((layer(x).value().array() == x.value().array()).count() == 0);
}

TEST_CASE("encoder_layer: output_scale 0 begins as the identity") {
  eg::Generator rng(1);
  const nn::TransformerEncoderLayer<double> layer(
      {.dim = 4, .heads = 2, .init = {nn::Init::kTruncNormal, 0.02}, .output_scale = 0}, rng);
  const Tensor<double> x(test::random({2, 3, 4}));
  CHECK_SAME(layer(x).value(), x.value());
}

TEST_CASE("encoder_layer: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::TransformerEncoderLayer<float>({.dim = 4, .heads = 2, .mlp_ratio = 0}, rng),
              eg::ValueError, "[encoder_layer] mlp_ratio must be positive: 0");
  CHECK_ERROR(nn::TransformerEncoderLayer<float>({.dim = 4, .heads = 2, .dropout = 1}, rng),
              eg::ValueError, "[dropout] p must be in [0, 1): 1");
}

TEMPLATE_TEST_CASE("encoder_layer: reference", "", float, double) {
  using T = TestType;
  const double tolerance = test::model_tolerance<T>();
  const test::Reference reference("vit_layers");
  eg::Generator rng(1);
  for (const std::string name : {"pre", "post"}) {
    INFO(name);
    const bool pre = name == "pre";
    const nn::TransformerEncoderLayer<T> layer(
        {.dim = 12,
         .heads = 3,
         .mlp_ratio = 2,
         .activation = pre ? eg::Activation::kGelu : eg::Activation::kRelu,
         .norm_first = pre},
        rng);
    test::load_reference(reference, name, layer);
    const Tensor<T> x(reference.get<T>(name + "/input0"), true);
    const Tensor<T> y = layer(x);
    CHECK_CLOSE(y.value(), reference.get<double>(name + "/output"), tolerance);
    y.backward(reference.get<T>("dout"));
    CHECK_CLOSE(x.grad(), reference.get<double>(name + "/gradient0"), tolerance);
    CHECK(test::gradient_difference(reference, name, layer) == "");
  }
}
