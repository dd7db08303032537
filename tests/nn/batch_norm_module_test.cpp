// SPDX-License-Identifier: MIT
#include <eigengrad/nn/batch_norm.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn batch_norm: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 1, 1, 2}, {0, 2, 4, 6});  // mean 3, variance 5, unbiased 20 / 3
  const nn::BatchNorm2d<T> norm({.channels = 1, .eps = 0, .momentum = 0.5});
  const T s = std::sqrt(T(5));
  CHECK_CLOSE(norm(x).value(), NdArray<T>({2, 1, 1, 2}, {-3 / s, -1 / s, 1 / s, 3 / s}), 1e-6);
  CHECK_CLOSE(norm.state_dict().at("running_mean"), NdArray<T>({1}, {T(1.5)}), 1e-6);
  CHECK_CLOSE(norm.state_dict().at("running_var"), NdArray<T>({1}, {T(0.5 + 10 / 3.)}), 1e-6);

  norm.eval();
  norm.load_state_dict({{"weight", NdArray<T>({1}, {3})},
                        {"bias", NdArray<T>({1}, {1})},
                        {"running_mean", NdArray<T>({1}, {2})},
                        {"running_var", NdArray<T>({1}, {4})},
                        {"num_batches_tracked", NdArray<T>::scalar(9)}});
  CHECK_CLOSE(norm(x).value(), NdArray<T>({2, 1, 1, 2}, {-2, 1, 4, 7}), 1e-6);
  CHECK_SAME(norm.state_dict().at("running_mean"), NdArray<T>({1}, {2}));
}

TEST_CASE("nn batch_norm: names and gradients") {
  const nn::BatchNorm2d<double> norm({3});
  CHECK(test::names(norm.named_parameters()) == test::Names{"weight", "bias"});
  CHECK(test::names(norm.named_buffers()) == test::Names{"running_mean", "running_var"});
  const Tensor<double> x(test::random({2, 3, 2, 2}));
  CHECK(test::parameter_gradients(norm, [&] { return norm(x); }) == "");
  norm.eval();
  CHECK(test::parameter_gradients(norm, [&] { return norm(x); }) == "");
}

TEST_CASE("nn batch_norm: vectors and sequences") {
  const nn::BatchNorm1d<double> norm({.channels = 2, .eps = 0});
  CHECK(norm.kind() == "BatchNorm1d");
  // Channels 0, 2, 4, 6 and 1, 1, 3, 3.
  const Tensor<double> vectors({4, 2}, {0, 1, 2, 1, 4, 3, 6, 3});
  const double s = std::sqrt(5.);
  CHECK_CLOSE(norm(vectors).value(),
              NdArray<double>({4, 2}, {-3 / s, -1, -1 / s, -1, 1 / s, 1, 3 / s, 1}), 1e-12);
  CHECK_CLOSE(norm.state_dict().at("running_mean"), NdArray<double>({2}, {0.3, 0.2}), 1e-12);
  const Tensor<double> sequences({1, 2, 4}, {0, 2, 4, 6, 1, 1, 3, 3});
  CHECK_CLOSE(norm(sequences).value(),
              NdArray<double>({1, 2, 4}, {-3 / s, -1 / s, 1 / s, 3 / s, -1, -1, 1, 1}), 1e-12);
  CHECK(test::parameter_gradients(norm, [&] { return norm(sequences); }) == "");
}

TEST_CASE("nn batch_norm: error") {
  CHECK_ERROR(nn::BatchNorm2d<float>({}), eg::ValueError,
              "[batch_norm2d] channels must be positive: 0");
  CHECK_ERROR(nn::BatchNorm1d<float>({}), eg::ValueError,
              "[batch_norm1d] channels must be positive: 0");
}
