// SPDX-License-Identifier: MIT
#include <eigengrad/nn/pool.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

TEMPLATE_TEST_CASE("nn pool: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_SAME(nn::MaxPool2d<T>({.kernel = 2})(x).value(), NdArray<T>({1, 1, 1, 2}, {6, 8}));
  CHECK_SAME(nn::MaxPool2d<T>({.kernel = 2, .stride = 1})(x).value(),
             NdArray<T>({1, 1, 1, 3}, {6, 7, 8}));
  CHECK_SAME(nn::AvgPool2d<T>({.kernel = {2, 1}})(x).value(),
             NdArray<T>({1, 1, 1, 4}, {3, 4, 5, 6}));
  CHECK_SAME(nn::AdaptiveAvgPool2d<T>()(x).value(), NdArray<T>({1, 1, 1, 1}, {4.5}));
  CHECK_SAME(nn::AdaptiveAvgPool2d<T>({.output = {2, 3}})(x).value(),
             NdArray<T>({1, 1, 2, 3}, {1.5, 2.5, 3.5, 5.5, 6.5, 7.5}));
  CHECK(nn::AdaptiveAvgPool2d<T>().kind() == "AdaptiveAvgPool2d");
}

TEST_CASE("nn pool: error") {
  const auto x = Tensor<float>::zeros({1, 1, 2, 4});
  CHECK_ERROR(nn::MaxPool2d<float>({})(x), eg::ValueError,
              "[max_pool2d] kernel must be positive: kernel (0, 0)");
  CHECK_ERROR(nn::AdaptiveAvgPool2d<float>({.output = 0})(x), eg::ValueError,
              "[adaptive_avg_pool2d] output must be positive: output (0, 0)");
}
