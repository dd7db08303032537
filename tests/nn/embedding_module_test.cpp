// SPDX-License-Identifier: MIT
#include <eigengrad/nn/embedding.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn embedding: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const nn::Embedding<T> layer({.count = 3, .dim = 2}, rng);
  layer.load_state_dict({{"weight", NdArray<T>({3, 2}, {1, 2, 3, 4, 5, 6})}});
  CHECK_SAME(layer(NdArray<Index>({1, 3}, {2, 0, 2})).value(),
             NdArray<T>({1, 3, 2}, {5, 6, 1, 2, 5, 6}));
}

TEST_CASE("nn embedding: parameters and their gradients") {
  eg::Generator rng(1);
  const nn::Embedding<double> layer({.count = 4, .dim = 3, .stddev = 0.1}, rng);
  CHECK(test::names(layer.named_parameters()) == test::Names{"weight"});
  CHECK(layer.weight().value().array().abs().maxCoeff() < 0.5);
  const NdArray<Index> indices({5}, {3, 0, 3, 1, 3});
  CHECK(test::parameter_gradients(layer, [&] { return layer(indices); }) == "");
}

TEST_CASE("nn embedding: error") {
  eg::Generator rng(1);
  CHECK_ERROR(nn::Embedding<float>({.count = 4}, rng), eg::ValueError,
              "[embedding] sizes must be positive: count 4, dim 0");
}
