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
}
