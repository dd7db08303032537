// SPDX-License-Identifier: MIT
#include <eigengrad/models/attention_rollout.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;

TEMPLATE_TEST_CASE("attention_rollout: value", "", float, double) {
  using T = TestType;
  // The first layer's two heads average to [[1/2, 1/2], [0, 1]], so half of it and half the
  // identity is [[3/4, 1/4], [0, 1]]; the second swaps the tokens: [[1/2, 1/2], [1/2, 1/2]].
  const Tensor<T> first({1, 2, 2, 2}, {1, 0, 0, 1, 0, 1, 0, 1});
  const Tensor<T> second({1, 1, 2, 2}, {0, 1, 1, 0});
  CHECK_CLOSE(models::attention_rollout<T>({first, second}),
              NdArray<T>({1, 2, 2}, {T(0.375), T(0.625), T(0.375), T(0.625)}), 1e-6);
  // Without residual connections the second layer only swaps what the first has mixed.
  CHECK_CLOSE(models::attention_rollout<T>({first, second}, {.residual = 0}),
              NdArray<T>({1, 2, 2}, {0, 1, T(0.5), T(0.5)}), 1e-6);
}

TEST_CASE("attention_rollout: tokens that attend to themselves alone stay themselves") {
  NdArray<double> identity = NdArray<double>::zeros({2, 3, 5, 5});
  for (Index plane = 0; plane < 6; ++plane) {
    for (Index i = 0; i < 5; ++i) identity.data()[plane * 25 + i * 6] = 1;
  }
  const Tensor<double> layer(identity);
  NdArray<double> expected = NdArray<double>::zeros({2, 5, 5});
  for (Index b = 0; b < 2; ++b) {
    for (Index i = 0; i < 5; ++i) expected(b, i, i) = 1;
  }
  CHECK_CLOSE(models::attention_rollout<double>({layer, layer, layer}), expected, 1e-12);
}

TEST_CASE("attention_rollout: rows are distributions") {
  std::vector<Tensor<double>> layers;
  for (int i = 0; i < 4; ++i) {
    layers.push_back(eg::softmax(Tensor<double>(test::random({3, 2, 7, 7}, 10 + i))));
  }
  const NdArray<double> rollout = models::attention_rollout(layers, {.residual = 0.3});
  REQUIRE(rollout.shape() == eg::Shape{3, 7, 7});
  for (Index row = 0; row < 21; ++row) {
    CHECK(std::abs(rollout.matrix().row(row).sum() - 1) < 1e-12);
    CHECK(rollout.matrix().row(row).minCoeff() > 0);
  }
}

TEST_CASE("attention_rollout: edge") {
  const Tensor<float> none = Tensor<float>::ones({0, 2, 3, 3});
  CHECK(models::attention_rollout<float>({none}).shape() == eg::Shape{0, 3, 3});
  CHECK(models::attention_rollout<float>({Tensor<float>::ones({1, 1, 1, 1})}).item() == 1);
}

TEST_CASE("attention_rollout: error") {
  const Tensor<float> layer = Tensor<float>::ones({2, 3, 5, 5});
  CHECK_ERROR(models::attention_rollout<float>({}), eg::ValueError,
              "[attention_rollout] needs the weights of a layer");
  CHECK_ERROR(models::attention_rollout<float>({layer}, {.residual = 1.5}), eg::ValueError,
              "[attention_rollout] residual must be from 0 to 1: 1.5");
  CHECK_ERROR(models::attention_rollout<float>({layer, Tensor<float>::ones({2, 3, 4, 4})}),
              eg::ShapeError,
              "[attention_rollout] each layer's weights must be (B, H, T, T): first layer (2, 3, "
              "5, 5), another (2, 3, 4, 4)");
  CHECK_ERROR(models::attention_rollout<float>({Tensor<float>::ones({3, 5, 5})}), eg::ShapeError,
              "[attention_rollout] each layer's weights must be (B, H, T, T): first layer (3, 5, "
              "5), another (3, 5, 5)");
}
