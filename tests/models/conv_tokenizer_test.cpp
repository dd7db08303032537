// SPDX-License-Identifier: MIT
#include <eigengrad/models/conv_tokenizer.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("conv_tokenizer: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const models::ConvTokenizer<T> tokenizer({.channels_in = 1, .channels = {2}}, rng);
  // The first filter copies the pixel, the second negates it, which ReLU takes away.
  NdArray<T> weight = NdArray<T>::zeros({2, 1, 3, 3});
  weight(0, 0, 1, 1) = 1;
  weight(1, 0, 1, 1) = -1;
  tokenizer.load_state_dict({{"conv_layers.0.weight", weight}});
  // Windows of 3 around (0, 0), (0, 2), (2, 0), (2, 2).
  const Tensor<T> x({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_CLOSE(tokenizer(x).value(), NdArray<T>({1, 4, 2}, {5, 0, 6, 0, 8, 0, 9, 0}), 1e-6);
}

TEST_CASE("conv_tokenizer: sizes, names and gradients") {
  eg::Generator rng(1);
  const models::ConvTokenizer<double> tokenizer({.channels_in = 3, .channels = {4, 5}}, rng);
  CHECK(test::names(tokenizer.named_parameters()) ==
        test::Names{"conv_layers.0.weight", "conv_layers.1.weight"});
  for (const Index side : {1, 4, 7, 16}) {
    const Index grid = tokenizer.output_side(side);
    CHECK(tokenizer(Tensor<double>::ones({1, 3, side, side})).shape() ==
          eg::Shape{1, grid * grid, 5});
  }
  CHECK(tokenizer.output_side(7) == 2);
  CHECK(tokenizer.output_side(16) == 4);
  const Tensor<double> x(test::random({2, 3, 6, 5}));
  CHECK(test::parameter_gradients(tokenizer, [&] { return tokenizer(x); }) == "");
}

TEST_CASE("conv_tokenizer: channels are stages of the defaults, bit for bit") {
  eg::Generator a(1), b(1);
  const models::ConvTokenizer<float> simple({.channels_in = 3, .channels = {4, 5}}, a);
  const models::ConvTokenizer<float> stages(
      {.channels_in = 3, .stages = {{.channels = 4}, {.channels = 5}}}, b);
  const Tensor<float> x(test::random<float>({2, 3, 9, 9}));
  CHECK_SAME(stages(x).value(), simple(x).value());
  CHECK(test::names(stages.named_parameters()) == test::names(simple.named_parameters()));
}

TEST_CASE("conv_tokenizer: every part of a stage") {
  // Small positive and negative numbers, which every part changes in a way of its own.
  const auto image = [] { return Tensor<double>({1, 1, 2, 2}, {1, -2, 3, -4}); };
  const auto run = [&](models::ConvStage stage) {
    eg::Generator rng(1);
    stage.channels = 1;
    stage.kernel = 1;
    const models::ConvTokenizer<double> tokenizer({.channels_in = 1, .stages = {stage}}, rng);
    auto dict = tokenizer.state_dict();
    for (auto& [name, array] : dict) {
      if (name.find("conv") == 0) array.fill(name == "conv_layers.0.weight" ? 2 : -1);
    }
    tokenizer.load_state_dict(dict);
    tokenizer.eval();
    return tokenizer(image()).value();
  };
  const eg::Activation none = eg::Activation::kNone;
  CHECK_SAME(run({.pool = 0, .activation = none}), NdArray<double>({1, 4, 1}, {2, -4, 6, -8}));
  CHECK_SAME(run({.pool = 0}), NdArray<double>({1, 4, 1}, {2, 0, 6, 0}));
  CHECK_SAME(run({.pool = 2, .pool_padding = 0, .activation = none}),
             NdArray<double>({1, 1, 1}, {6}));
  CHECK_SAME(run({.stride = 2, .pool = 0}), NdArray<double>({1, 1, 1}, {2}));
  CHECK_SAME(run({.padding = 1, .pool = 0}).reshape({16, 1}).clone(),
             NdArray<double>({16, 1}, {0, 0, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0}));
  CHECK_SAME(run({.convs = 2, .pool = 0, .activation = none}),
             NdArray<double>({1, 4, 1}, {-2, 4, -6, 8}));
  CHECK_SAME(run({.convs = 2, .pool = 0, .activation = none, .residual = true}),
             NdArray<double>({1, 4, 1}, {0, 0, 0, 0}));
  CHECK_SAME(run({.convs = 3, .pool = 0, .residual = true}),
             NdArray<double>({1, 4, 1}, {2, 0, 6, 0}));  // relu(-x) is 0 where x is not negative
  // In evaluation a new batch norm divides by sqrt(1 + 1e-5).
  CHECK_CLOSE(run({.pool = 0, .batch_norm = true, .activation = none}),
              NdArray<double>({1, 4, 1}, {2, -4, 6, -8}), 1e-5);
}

TEST_CASE("conv_tokenizer: names, sizes and gradients of the whole") {
  eg::Generator rng(1);
  const models::ConvTokenizer<double> tokenizer(
      {.channels_in = 2,
       .stages = {{.channels = 3,
                   .convs = 2,
                   .pool = 2,
                   .pool_padding = 0,
                   .batch_norm = true,
                   .activation = eg::Activation::kGelu,
                   .residual = true},
                  {.channels = 4, .kernel = 4, .stride = 2, .padding = 1, .pool = 0}},
       .whitening = {.kernel = 2}},
      rng);
  CHECK(test::names(tokenizer.named_parameters()) ==
        test::Names{"conv_layers.0.weight", "conv_layers.1.weight", "conv_layers.2.weight",
                    "norm_layers.0.weight", "norm_layers.0.bias", "norm_layers.1.weight",
                    "norm_layers.1.bias", "whiten.bias"});
  CHECK(test::names(tokenizer.named_buffers()) ==
        test::Names{"norm_layers.0.running_mean", "norm_layers.0.running_var",
                    "norm_layers.1.running_mean", "norm_layers.1.running_var", "whiten.weight"});
  tokenizer.whiten()->set_filters(test::random({16, 2, 2, 2}, 3));
  for (const Index side : {5, 9, 12}) {
    const Index grid = tokenizer.output_side(side);
    CHECK(tokenizer(Tensor<double>(test::random({2, 2, side, side}))).shape() ==
          eg::Shape{2, grid * grid, 4});
  }
  CHECK(tokenizer.output_side(4) == 0);
  CHECK(tokenizer.output_side(1) == 0);
  const Tensor<double> x(test::random({2, 2, 6, 6}));
  CHECK(test::parameter_gradients(tokenizer, [&] { return tokenizer(x); }) == "");
  CHECK_GRADIENT(tokenizer(x[0]), {x.value()});
}

TEST_CASE("conv_tokenizer: convolutions that copy") {
  eg::Generator rng(1);
  const models::ConvTokenizer<double> tokenizer(
      {.channels_in = 2,
       .stages = {{.channels = 2, .convs = 3, .pool = 0, .activation = eg::Activation::kNone}},
       .init = {nn::Init::kDirac}},
      rng);
  const NdArray<double> x = test::random({1, 2, 3, 3});
  CHECK_SAME(tokenizer(Tensor<double>(x)).value(),
             eg::transpose(Tensor<double>(x.reshape({1, 2, 9})), 1, 2).value());
}

TEST_CASE("conv_tokenizer: error") {
  eg::Generator rng(1);
  CHECK_ERROR(models::ConvTokenizer<float>({.channels = {8}}, rng), eg::ValueError,
              "[conv_tokenizer] channels_in must be positive: 0");
  CHECK_ERROR(models::ConvTokenizer<float>({.channels = {8}, .stages = {{.channels = 8}}}, rng),
              eg::ValueError, "[conv_tokenizer] channels and stages exclude each other");
  CHECK_ERROR(models::ConvTokenizer<float>({.stages = {{.channels = 8, .convs = 0}}}, rng),
              eg::ValueError,
              "[conv_tokenizer] convs and strides must be positive, the others not negative: convs "
              "0, stride 1, padding 1, pool 3, pool_stride 2, pool_padding 1");
  CHECK_ERROR(
      models::ConvTokenizer<float>({.stages = {{.channels = 8, .convs = 2, .kernel = 2}}}, rng),
      eg::ValueError, "[conv_tokenizer] several convolutions need an odd kernel: kernel 2");
  CHECK_ERROR(models::ConvTokenizer<float>({}, rng), eg::ValueError,
              "[conv_tokenizer] channels must name at least one layer");
  CHECK_ERROR(
      models::ConvTokenizer<float>({.channels_in = 3, .channels = {8, 0}}, rng), eg::ValueError,
      "[conv2d] sizes must be positive: in_channels 8, out_channels 0, kernel.h 3, kernel.w 3");
}
