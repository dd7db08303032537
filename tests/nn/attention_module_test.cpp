// SPDX-License-Identifier: MIT
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn attention: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  // One head of width 1 on tokens of width 2: q = x0, k = 0, v = x1, so each token receives the
  // mean of x1, which proj writes to both channels, with a bias.
  const nn::MultiHeadAttention<T> attention(
      {.dim = 2, .heads = 1, .head_dim = 1, .qkv_bias = false}, rng);
  attention.load_state_dict({{"qkv.weight", NdArray<T>({3, 2}, {1, 0, 0, 0, 0, 1})},
                             {"proj.weight", NdArray<T>({2, 1}, {1, 2})},
                             {"proj.bias", NdArray<T>({2}, {10, 20})}});
  const Tensor<T> x({1, 2, 2}, {1, 4, 3, 8});
  CHECK_CLOSE(attention(x).value(), NdArray<T>({1, 2, 2}, {16, 32, 16, 32}), 1e-6);
  CHECK_CLOSE(attention(x, {.causal = true}).value(), NdArray<T>({1, 2, 2}, {14, 28, 16, 32}),
              1e-6);
  CHECK_CLOSE(attention(x, {}, x).value(), NdArray<T>({1, 2, 2}, {17, 36, 19, 40}), 1e-6);
  const Tensor<T> memory({1, 1, 2}, {5, 3});
  CHECK_CLOSE(attention(x, memory).value(), NdArray<T>({1, 2, 2}, {13, 26, 13, 26}), 1e-6);
}

TEST_CASE("nn attention: names and gradients") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 3, 6}, 2));
  const Tensor<double> memory(test::random({2, 4, 6}, 3));
  for (const Index head_dim : {0, 5}) {
    for (const bool bias : {true, false}) {
      const nn::MultiHeadAttention<double> attention(
          {.dim = 6, .heads = 2, .head_dim = head_dim, .qkv_bias = bias}, rng);
      const Index width = head_dim == 0 ? 6 : 10;
      CHECK(attention.state_dict().at("qkv.weight").shape() == eg::Shape{3 * width, 6});
      CHECK(attention.state_dict().at("proj.weight").shape() == eg::Shape{6, width});
      CHECK(attention.state_dict().count("qkv.bias") == (bias ? 1 : 0));
      CHECK(test::parameter_gradients(attention, [&] { return attention(x, {}, x); }) == "");
      CHECK(test::parameter_gradients(attention, [&] { return attention(x, memory); }) == "");
      CHECK_SAME(attention(x, x).value(), attention(x).value());
    }
  }
}

TEST_CASE("nn attention: options in empty braces are the defaults, not a missing memory") {
  eg::Generator rng(1);
  const nn::MultiHeadAttention<double> attention({.dim = 6, .heads = 2}, rng);
  const Tensor<double> x(test::random({2, 3, 6}, 2)), memory(test::random({2, 4, 6}, 3));
  CHECK_SAME(attention(x, {}).value(), attention(x).value());
  CHECK_SAME(attention(x, {}, {}).value(), attention(x).value());
  CHECK_SAME(attention(x, memory, {}).value(), attention(x, memory).value());
  CHECK_SAME(attention(x, memory, {}, {}).value(), attention(x, memory).value());
  CHECK_SAME(attention.weights(x, {}).value(), attention.weights(x).value());
}

TEST_CASE("nn attention: weights") {
  eg::Generator rng(1);
  // q = x0, k = x1, one head: weights softmax(x0_i x1_j).
  const nn::MultiHeadAttention<double> attention(
      {.dim = 2, .heads = 1, .head_dim = 1, .qkv_bias = false}, rng);
  auto dict = attention.state_dict();
  dict.at("qkv.weight") = NdArray<double>({3, 2}, {1, 0, 0, 1, 0, 0});
  attention.load_state_dict(dict);
  const Tensor<double> x({1, 2, 2}, {0, 0, 1, std::log(3.)});
  CHECK_CLOSE(attention.weights(x).value(), NdArray<double>({1, 1, 2, 2}, {0.5, 0.5, 0.25, 0.75}),
              1e-12);
  // With several heads: the weighted sum of the values is what attention computes.
  const nn::MultiHeadAttention<double> wide({.dim = 6, .heads = 2}, rng);
  const Tensor<double> y(test::random({2, 3, 6}));
  const Tensor<double> v = eg::slice(wide.qkv()(y), -1, 12, 18);
  const Tensor<double> heads = eg::permute(eg::reshape(v, {2, 3, 2, 3}), {0, 2, 1, 3});
  const Tensor<double> mixed = eg::permute(eg::matmul(wide.weights(y), heads), {0, 2, 1, 3});
  CHECK_CLOSE(wide.proj()(eg::reshape(mixed, {2, 3, 6})).value(), wide(y).value(), 1e-12);
}

TEST_CASE("nn attention: locality") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 4, 6}, 2));
  for (const bool bias : {true, false}) {
    const nn::MultiHeadAttention<double> local(
        {.dim = 6, .heads = 2, .qkv_bias = bias, .locality = true}, rng);
    const nn::MultiHeadAttention<double> plain({.dim = 6, .heads = 2, .qkv_bias = bias}, rng);
    auto dict = local.state_dict();
    REQUIRE(dict.at("scale").shape() == eg::Shape{2});
    CHECK_CLOSE(dict.at("scale"), NdArray<double>({2}, {1 / std::sqrt(3.), 1 / std::sqrt(3.)}),
                1e-15);
    // As it begins it is plain attention without the diagonal.
    dict.erase("scale");
    plain.load_state_dict(dict);
    CHECK_CLOSE(local(x).value(), plain(x, {.exclude_self = true}).value(), 1e-12);
    CHECK_CLOSE(local.weights(x).value(), plain.weights(x, {.exclude_self = true}).value(), 1e-12);
    // A scale belongs to one head, and a factor on it to the scores.
    dict = local.state_dict();
    dict.at("scale") = NdArray<double>({2}, {2, -0.5});
    local.load_state_dict(dict);
    const NdArray<double> first = plain.weights(x, {.exclude_self = true, .scale = 2}).value();
    const NdArray<double> second = plain.weights(x, {.exclude_self = true, .scale = -0.5}).value();
    const NdArray<double> weights = local.weights(x).value();
    for (Index b = 0; b < 2; ++b) {
      for (Index i = 0; i < 4; ++i) {
        double sum = 0;
        for (Index j = 0; j < 4; ++j) {
          CHECK(weights(b, 0, i, j) == Approx(first(b, 0, i, j)));
          CHECK(weights(b, 1, i, j) == Approx(second(b, 1, i, j)));
          sum += weights(b, 0, i, j);
        }
        CHECK(sum == Approx(1));
        CHECK(weights(b, 0, i, i) == 0);
        CHECK(weights(b, 1, i, i) == 0);
      }
    }
    CHECK(test::parameter_gradients(local, [&] { return local(x, {}, x); }) == "");
    CHECK(test::parameter_gradients(local, [&] { return local(x, {.causal = true}); }) == "");
    const Tensor<double> memory(test::random({2, 3, 6}, 3));
    CHECK(test::parameter_gradients(local, [&] { return local(x, memory); }) == "");
    CHECK_SAME(local(x, memory, {.scale = 9}).value(), local(x, memory).value());
  }
  // One token, kept from itself, attends to nothing.
  const nn::MultiHeadAttention<double> alone({.dim = 2, .heads = 1, .locality = true}, rng);
  const Tensor<double> one(test::random({1, 1, 2}));
  CHECK_SAME(alone(one).value(), alone.proj().bias().value().reshape({1, 1, 2}));
}

TEST_CASE("nn attention: weights are those of the masks that attention is given") {
  eg::Generator rng(1);
  const nn::MultiHeadAttention<double> attention({.dim = 6, .heads = 2, .attention_dropout = 0.5},
                                                 rng);
  const Tensor<double> x(test::random({1, 3, 6}));
  const NdArray<double> w = attention.weights(x, {.causal = true}).value();
  for (Index h = 0; h < 2; ++h) {
    CHECK(w(0, h, 0, 0) == 1);
    CHECK(w(0, h, 1, 2) == 0);
    CHECK(w(0, h, 1, 0) + w(0, h, 1, 1) == Approx(1));
  }
}

TEST_CASE("nn attention: dropout works in training alone") {
  eg::Generator rng(1);
  const Tensor<double> x(test::random({2, 3, 6}, 2));
  for (const bool inside : {true, false}) {
    const nn::MultiHeadAttention<double> attention({.dim = 6,
                                                    .heads = 2,
                                                    .attention_dropout = inside ? 0.5 : 0.,
                                                    .dropout = inside ? 0. : 0.5},
                                                   rng);
    CHECK(test::difference(attention(x).value(), attention(x).value(), 0) != "");
    attention.eval();
    CHECK_SAME(attention(x).value(), attention(x).value());
  }
}

TEST_CASE("nn attention: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::MultiHeadAttention<float>({.dim = 10, .heads = 3}, rng), eg::ValueError,
              "[attention] dim must be divisible by heads: dim 10, heads 3");
  CHECK_ERROR(nn::MultiHeadAttention<float>({.dim = 10}, rng), eg::ValueError,
              "[attention] sizes must be positive: dim 10, heads 0, head_dim 0");
}

TEMPLATE_TEST_CASE("nn attention: reference", "", float, double) {
  using T = TestType;
  const double tolerance = test::model_tolerance<T>();
  const test::Reference reference("vit_layers");
  eg::Generator rng(1);
  const nn::MultiHeadAttention<T> attention({.dim = 12, .heads = 3}, rng);
  for (const std::string name : {"self", "cross", "masked"}) {
    INFO(name);
    test::load_reference(reference, name, attention);
    attention.zero_grad();
    const Tensor<T> x(reference.get<T>(name + "/input0"), true);
    Tensor<T> memory;
    eg::AttentionArguments<T> options;
    if (name == "masked") {
      options.key_padding_mask = NdArray<bool>::full({2, 7}, true);
      for (const Index k : {4, 5, 6}) options.key_padding_mask(1, k) = false;
    }
    if (name != "self") memory = Tensor<T>(reference.get<T>(name + "/input1"), true);
    const Tensor<T> y = name == "self" ? attention(x) : attention(x, memory, options);
    CHECK_CLOSE(y.value(), reference.get<double>(name + "/output"), tolerance);
    y.backward(reference.get<T>("dout"));
    CHECK_CLOSE(x.grad(), reference.get<double>(name + "/gradient0"), tolerance);
    if (name != "self") {
      CHECK_CLOSE(memory.grad(), reference.get<double>(name + "/gradient1"), tolerance);
    }
    CHECK(test::gradient_difference(reference, name, attention) == "");
  }
}
