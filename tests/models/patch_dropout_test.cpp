// SPDX-License-Identifier: MIT
#include <map>

#include <eigengrad/models/patch_dropout.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// Tokens that say where they are: x[b][t] = 100 b + t, C times.
template <class T>
Tensor<T> numbered(Index batch, Index tokens, Index dim = 1) {
  NdArray<T> x({batch, tokens, dim});
  for (Index i = 0; i < x.numel(); ++i) {
    x.data()[i] = static_cast<T>(100 * (i / (tokens * dim)) + i / dim % tokens);
  }
  return Tensor<T>(std::move(x), true);
}

}  // namespace

TEMPLATE_TEST_CASE("patch_dropout: passes on some of each sample's tokens, in their order", "",
                   float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const models::PatchDropout<T> drop({.p = 0.25, .prefix = 2}, rng);
  const Tensor<T> x = numbered<T>(3, 10, 5);
  const NdArray<T> y = drop(x).value();
  REQUIRE(y.shape() == eg::Shape{3, 8, 5});
  bool differ = false;
  for (Index b = 0; b < 3; ++b) {
    CHECK(y(b, 0, 0) == 100 * b);
    CHECK(y(b, 1, 0) == 100 * b + 1);
    for (Index t = 1; t < 8; ++t) CHECK(y(b, t, 0) > y(b, t - 1, 0));
    CHECK(y(b, 7, 0) <= 100 * b + 9);
    for (Index t = 0; t < 8; ++t) {
      for (Index c = 1; c < 5; ++c) CHECK(y(b, t, c) == y(b, t, 0));
      differ = differ || y(b, t, 0) - 100 * b != y(0, t, 0);
    }
  }
  CHECK(differ);
  drop.eval();
  CHECK(!drop.active());
  CHECK_SAME(drop(x).value(), x.value());
}

TEST_CASE("patch_dropout: every choice is equally likely") {
  eg::Generator rng(1);
  const models::PatchDropout<double> drop({.p = 0.5}, rng);
  const NdArray<double> y = drop(numbered<double>(6000, 4)).value();
  std::map<std::pair<int, int>, int> counts;
  for (Index b = 0; b < 6000; ++b) {
    ++counts[{static_cast<int>(y(b, 0, 0)) % 100, static_cast<int>(y(b, 1, 0)) % 100}];
  }
  REQUIRE(counts.size() == 6);
  for (const auto& [pair, count] : counts) CHECK(std::abs(count - 1000) < 150);  // 5 sigma
}

TEST_CASE("patch_dropout: keeps the share to the nearest token, and at least one") {
  eg::Generator rng(1);
  const auto kept = [&](double p, Index tokens, Index prefix) {
    return models::PatchDropout<double>({p, prefix}, rng)(numbered<double>(1, tokens)).dim(1);
  };
  CHECK(kept(0.1, 10, 0) == 9);
  CHECK(kept(0.3, 6, 0) == 4);
  CHECK(kept(0.5, 65, 1) == 33);
  CHECK(kept(0.99, 5, 0) == 1);
  CHECK(kept(0.99, 5, 1) == 2);
  CHECK(kept(0, 5, 1) == 5);
}

TEST_CASE("patch_dropout: gradients reach the tokens that stayed") {
  eg::Generator rng(1);
  const models::PatchDropout<double> drop({.p = 0.5}, rng);
  const auto state = drop.named_generators()[0].second->state();
  const Tensor<double> x = numbered<double>(2, 6, 3);
  const Tensor<double> y = drop(x);
  y.backward(test::random(y.shape()));
  const NdArray<double> dout = test::random(y.shape());
  for (Index b = 0; b < 2; ++b) {
    for (Index t = 0, stayed = 0; t < 6; ++t) {
      const bool stays = stayed < 3 && y.value()(b, stayed, 0) == x.value()(b, t, 0);
      for (Index c = 0; c < 3; ++c) {
        CHECK(x.grad()(b, t, c) == (stays ? dout(b, stayed, c) : 0));
      }
      stayed += stays;
    }
  }
  // The generator's state is all that a call depends on.
  CHECK(test::difference(drop(x).value(), y.value(), 0) != "");
  drop.named_generators()[0].second->set_state(state);
  CHECK_SAME(drop(x).value(), y.value());
}

TEST_CASE("patch_dropout: no samples") {
  eg::Generator rng(1);
  const models::PatchDropout<float> drop({.p = 0.5}, rng);
  CHECK(drop(Tensor<float>::zeros({0, 4, 3})).shape() == eg::Shape{0, 2, 3});
}

TEST_CASE("patch_dropout: error") {
  eg::Generator rng(1);
  CHECK_ERROR(models::PatchDropout<float>({.p = 1}, rng), eg::ValueError,
              "[patch_dropout] p must be in [0, 1): 1");
  CHECK_ERROR(models::PatchDropout<float>({.p = 0.5, .prefix = -1}, rng), eg::ValueError,
              "[patch_dropout] prefix must not be negative: -1");
  const models::PatchDropout<float> drop({.p = 0.5, .prefix = 1}, rng);
  CHECK_ERROR(drop(Tensor<float>::zeros({2, 1, 4})), eg::ShapeError,
              "[patch_dropout] x must be (B, T, C) with T > prefix 1: x (2, 1, 4)");
  CHECK_ERROR(drop(Tensor<float>::zeros({2, 4})), eg::ShapeError,
              "[patch_dropout] x must be (B, T, C) with T > prefix 1: x (2, 4)");
  const auto x = Tensor<float>::zeros({2, 3, 4});
  CHECK_ERROR(drop(x, NdArray<Index>({1, 2}, {0, 1})), eg::ShapeError,
              "[patch_dropout] x must be (B, T, C) and tokens (B, K): x (2, 3, 4), tokens (1, 2)");
  CHECK_ERROR(drop(x, NdArray<Index>({2, 2}, {0, 1, 0, 3})), eg::ValueError,
              "[patch_dropout] index 3 at (1, 1) must be in [0, 3): x (2, 3, 4)");
}
