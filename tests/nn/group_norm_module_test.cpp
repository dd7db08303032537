// SPDX-License-Identifier: MIT
#include <eigengrad/nn/group_norm.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn group_norm: value", "", float, double) {
  using T = TestType;
  // Each group has the mean 3 and the variance 5.
  const Tensor<T> x({1, 4, 2}, {0, 2, 4, 6, 6, 4, 2, 0});
  const T s = std::sqrt(T(5));
  const nn::GroupNorm<T> norm({.groups = 2, .channels = 4, .eps = 0});
  CHECK_CLOSE(norm(x).value(),
              NdArray<T>({1, 4, 2}, {-3 / s, -1 / s, 1 / s, 3 / s, 3 / s, 1 / s, -1 / s, -3 / s}),
              1e-6);
  norm.load_state_dict(
      {{"weight", NdArray<T>({4}, {s, s, s, 2 * s})}, {"bias", NdArray<T>({4}, {0, 0, 0, 5})}});
  CHECK_CLOSE(norm(x).value(), NdArray<T>({1, 4, 2}, {-3, -1, 1, 3, 3, 1, 3, -1}), 1e-6);
}

TEST_CASE("nn group_norm: names and gradients") {
  const nn::GroupNorm<double> norm({2, 4});
  CHECK(test::names(norm.named_parameters()) == test::Names{"weight", "bias"});
  const Tensor<double> x(test::random({2, 4, 3}));
  CHECK(test::parameter_gradients(norm, [&] { return norm(x); }) == "");
  CHECK(nn::GroupNorm<double>({.groups = 2, .channels = 4, .affine = false})
            .named_parameters()
            .empty());
}

TEST_CASE("nn group_norm: error") {
  CHECK_ERROR(nn::GroupNorm<float>({}), eg::ValueError,
              "[group_norm] sizes must be positive: groups 0, channels 0");
  CHECK_ERROR(nn::GroupNorm<float>({.groups = 3, .channels = 4}), eg::ValueError,
              "[group_norm] groups must divide the channels: groups 3, channels 4");
}
