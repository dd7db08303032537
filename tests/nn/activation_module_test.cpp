// SPDX-License-Identifier: MIT
#include <eigengrad/nn/activation.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn activation: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3}, {-1, 0, 2});
  CHECK_CLOSE(nn::ReLU<T>()(x).value(), NdArray<double>({3}, {0, 0, 2}), 1e-6);
  CHECK_CLOSE(nn::GELU<T>()(x).value(), NdArray<double>({3}, {-0.15865525, 0, 1.9544997}), 1e-6);
  CHECK_CLOSE(nn::GELUTanh<T>()(x).value(), NdArray<double>({3}, {-0.15880801, 0, 1.95459769}),
              1e-6);
  CHECK(nn::GELUTanh<T>().kind() == "GELUTanh");
  CHECK_CLOSE(nn::SiLU<T>()(x).value(), NdArray<double>({3}, {-0.26894142, 0, 1.76159416}), 1e-6);
  // PyTorch's numbers.
  CHECK_CLOSE(nn::LeakyReLU<T>()(x).value(), NdArray<double>({3}, {-0.01, 0, 2}), 1e-6);
  CHECK_CLOSE(nn::LeakyReLU<T>({.negative_slope = 0.3})(x).value(),
              NdArray<double>({3}, {-0.3, 0, 2}), 1e-6);
  CHECK_CLOSE(nn::ELU<T>()(x).value(), NdArray<double>({3}, {-0.63212056, 0, 2}), 1e-6);
  CHECK_CLOSE(nn::ELU<T>({.alpha = 2})(x).value(), NdArray<double>({3}, {-1.26424112, 0, 2}), 1e-6);
  CHECK_CLOSE(nn::Softplus<T>()(x).value(),
              NdArray<double>({3}, {0.31326169, 0.69314718, 2.12692801}), 1e-6);
  CHECK_CLOSE(nn::Softplus<T>({.beta = 2})(x).value(),
              NdArray<double>({3}, {0.06346401, 0.34657359, 2.00907496}), 1e-6);
  CHECK_CLOSE(nn::Hardswish<T>()(x).value(), NdArray<double>({3}, {-1 / 3., 0, 5 / 3.}), 1e-6);
  CHECK_CLOSE(nn::Mish<T>()(x).value(), NdArray<double>({3}, {-0.30340146, 0, 1.94395896}), 1e-6);
  CHECK_CLOSE(nn::Sigmoid<T>()(x).value(), NdArray<double>({3}, {0.26894142, 0.5, 0.88079708}),
              1e-6);
  CHECK_CLOSE(nn::Tanh<T>()(x).value(), NdArray<double>({3}, {-0.76159416, 0, 0.96402758}), 1e-6);
  CHECK_CLOSE(nn::Softmax<T>()(x).value(),
              NdArray<double>({3}, {0.04201007, 0.11419520, 0.84379473}), 1e-6);
  const Tensor<T> halves({2, 2}, {3, 0, 1, 2});
  CHECK_CLOSE(nn::GLU<T>()(halves).value(), NdArray<double>({2, 1}, {1.5, 0.88079708}), 1e-6);
  CHECK_CLOSE(nn::GLU<T>({.axis = 0})(halves).value(), NdArray<double>({1, 2}, {2.19317574, 0}),
              1e-6);
  CHECK(nn::GLU<T>().kind() == "GLU");
}
