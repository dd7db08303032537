// SPDX-License-Identifier: MIT
#include <eigengrad/nn/batch_norm.hpp>
#include <eigengrad/nn/update_batch_norm.hpp>
#include <tests/support/test.hpp>

namespace nn = eg::nn;
using test::NdArray;
using test::Tensor;

namespace {

struct Batch {
  Tensor<double> images;
};

}  // namespace

TEST_CASE("update_batch_norm: value") {
  const nn::BatchNorm2d<double> norm({.channels = 1});
  *norm.named_buffers()[0].second = NdArray<double>({1}, {100});  // to be forgotten
  norm.eval();
  const auto batch = [](double a, double b) { return Tensor<double>({1, 1, 1, 2}, {a, b}); };
  nn::update_batch_norm(norm, std::vector{batch(1, 3), batch(4, 4), batch(-2, 8)});
  // Means 2, 4, 3; variances with n - 1: 2, 0, 50.
  CHECK_CLOSE(*norm.named_buffers()[0].second, NdArray<double>({1}, {3}), 1e-14);
  CHECK_CLOSE(*norm.named_buffers()[1].second, NdArray<double>({1}, {52 / 3.}), 1e-14);
  CHECK_FALSE(norm.training());
  nn::update_batch_norm(norm, std::vector{Batch{batch(5, 7)}});
  CHECK_CLOSE(*norm.named_buffers()[0].second, NdArray<double>({1}, {6}), 1e-14);
  SECTION("the momentum is the module's again") {
    norm.train();
    norm(batch(16, 16));
    CHECK_CLOSE(*norm.named_buffers()[0].second, NdArray<double>({1}, {7}), 1e-14);
  }
}

TEST_CASE("update_batch_norm: error") {
  const nn::BatchNorm2d<double> norm({.channels = 1});
  CHECK_ERROR((nn::update_batch_norm(norm, std::vector<Tensor<double>>{}), 0), eg::ValueError,
              "[update_batch_norm] needs at least one batch");
  CHECK_THROWS_AS(nn::update_batch_norm(norm, std::vector{Tensor<double>::zeros({1, 2, 1, 2})}),
                  eg::ShapeError);
  CHECK(eg::detail::batch_norm_momentum(0.25) == 0.25);
}
