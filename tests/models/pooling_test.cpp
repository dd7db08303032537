// SPDX-License-Identifier: MIT
#include <eigengrad/models/pooling.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("pooling: value", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const models::SequencePooling<T> pool({.dim = 2}, rng);
  // The first axis is the score: weights 1/4 and 3/4.
  pool.load_state_dict({{"weight", NdArray<T>({1, 2}, {1, 0})}, {"bias", NdArray<T>({1}, {7})}});
  const T s = std::log(T(3));
  CHECK_CLOSE(pool(Tensor<T>({1, 2, 2}, {0, 8, s, 16})).value(),
              NdArray<T>({1, 2}, {s * T(0.75), 14}), 1e-6);
  CHECK_CLOSE(pool.weights(Tensor<T>({1, 2, 2}, {0, 8, s, 16})).value(),
              NdArray<T>({1, 2}, {T(0.25), T(0.75)}), 1e-6);
}

TEST_CASE("pooling: parameters and their gradients") {
  eg::Generator rng(1);
  const models::SequencePooling<double> pool({.dim = 3}, rng);
  CHECK(test::names(pool.named_parameters()) == test::Names{"weight", "bias"});
  const Tensor<double> x(test::random({2, 5, 3}));
  CHECK(test::parameter_gradients(pool, [&] { return pool(x); }) == "");
  CHECK_GRADIENT(pool(x[0]), {x.value()});
}

TEST_CASE("pooling: error") {
  eg::Generator rng(1);
  CHECK_ERROR(models::SequencePooling<float>({}, rng), eg::ValueError,
              "[sequence_pooling] dim must be positive: 0");
  CHECK_ERROR(models::SequencePooling<float>({.dim = 2}, rng)(Tensor<float>::ones({3, 2})),
              eg::ShapeError, "[sequence_pooling] tokens must have axes (B, T, C): x (3, 2)");
}
