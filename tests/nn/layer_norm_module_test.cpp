// SPDX-License-Identifier: MIT
#include <eigengrad/nn/layer_norm.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn layer_norm: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {-1, 1, 3, 7});
  const nn::LayerNorm<T> norm({.dim = 2, .eps = 0});
  CHECK_CLOSE(norm(x).value(), NdArray<T>({2, 2}, {-1, 1, -1, 1}), 1e-6);
  norm.load_state_dict({{"weight", NdArray<T>({2}, {2, 3})}, {"bias", NdArray<T>({2}, {10, 20})}});
  CHECK_CLOSE(norm(x).value(), NdArray<T>({2, 2}, {8, 23, 8, 23}), 1e-6);

  const nn::RMSNorm<T> rms({.dim = 2, .eps = 0});
  CHECK_CLOSE(rms(Tensor<T>({1, 2}, {1, 7})).value(), NdArray<T>({1, 2}, {T(0.2), T(1.4)}), 1e-6);
  rms.load_state_dict({{"weight", NdArray<T>({2}, {5, 10})}});
  CHECK_CLOSE(rms(Tensor<T>({1, 2}, {1, 7})).value(), NdArray<T>({1, 2}, {1, 14}), 1e-6);
}

TEST_CASE("nn layer_norm: parameters and their gradients") {
  const Tensor<double> x(test::random({3, 5}));
  const nn::LayerNorm<double> norm({5});
  CHECK(test::names(norm.named_parameters()) == test::Names{"weight", "bias"});
  CHECK(test::parameter_gradients(norm, [&] { return norm(x); }) == "");
  const nn::RMSNorm<double> rms({5});
  CHECK(test::names(rms.named_parameters()) == test::Names{"weight"});
  CHECK(test::parameter_gradients(rms, [&] { return rms(x); }) == "");
  const nn::LayerNorm<double> plain({.dim = 5, .affine = false});
  CHECK(plain.parameter_count() == 0);
  CHECK_SAME(plain(x).value(), norm(x).value());
}

TEST_CASE("nn layer_norm: error") {
  CHECK_ERROR(nn::LayerNorm<float>({}), eg::ValueError, "[layer_norm] dim must be positive: 0");
  CHECK_ERROR(nn::RMSNorm<float>({}), eg::ValueError, "[rms_norm] dim must be positive: 0");
}
