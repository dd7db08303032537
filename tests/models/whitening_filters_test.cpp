// SPDX-License-Identifier: MIT
#include <eigengrad/models/whitening.hpp>
#include <eigengrad/models/whitening_filters.hpp>
#include <tests/nn/parameter_gradient.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// Smooth images: neighbours are strongly correlated, and channels too.
NdArray<double> smooth(Index n, Index side) {
  NdArray<double> x = test::random({n, 3, side, side});
  for (Index i = 1; i < x.numel(); ++i) x.data()[i] = 0.9 * x.data()[i - 1] + 0.3 * x.data()[i];
  return x;
}

}  // namespace

TEST_CASE("whitening_filters: value") {
  // Two images of one pixel: 3 and 4, mean square 12.5.
  const NdArray<double> one =
      models::whitening_filters(NdArray<double>({2, 1, 1, 1}, {3, 4}), 1, 0.5);
  REQUIRE(one.shape() == eg::Shape{2, 1, 1, 1});
  CHECK(std::abs(one.data()[0]) == Approx(1 / std::sqrt(13.0)));
  CHECK(one.data()[1] == -one.data()[0]);
  // Channels (a, a) have one direction (1, 1) / sqrt(2) of mean square 2 a^2, and none across it.
  const NdArray<double> two =
      models::whitening_filters(NdArray<double>({1, 2, 1, 2}, {3, -3, 3, -3}), 1, 0.25);
  REQUIRE(two.shape() == eg::Shape{4, 2, 1, 1});
  CHECK(two(0, 0, 0, 0) * two(0, 1, 0, 0) == Approx(0.5 / 18.25));
  CHECK(two(1, 0, 0, 0) * two(1, 1, 0, 0) == Approx(-0.5 / 0.25));
}

TEST_CASE("whitening_filters: what they give has no correlation and size 1") {
  const NdArray<double> images = smooth(40, 9);
  for (const Index kernel : {2, 3}) {
    const NdArray<double> filters = models::whitening_filters(images, kernel, 1e-9);
    const Index half = filters.dim(0) / 2;
    const Tensor<double> y = eg::conv2d(Tensor<double>(images), Tensor<double>(filters));
    const Index positions = y.dim(2) * y.dim(3);
    NdArray<double> moments = NdArray<double>::zeros({half, half});
    for (Index b = 0; b < y.dim(0); ++b) {
      for (Index i = 0; i < half; ++i) {
        for (Index j = 0; j < half; ++j) {
          for (Index p = 0; p < positions; ++p) {
            moments(i, j) += y.value().data()[(b * 2 * half + i) * positions + p] *
                             y.value().data()[(b * 2 * half + j) * positions + p];
          }
        }
      }
    }
    for (double& m : moments) m /= static_cast<double>(positions * y.dim(0));
    NdArray<double> identity = NdArray<double>::zeros({half, half});
    for (Index i = 0; i < half; ++i) identity(i, i) = 1;
    CHECK_CLOSE(moments, identity, 1e-6);
    for (Index i = 0; i < half * half; ++i) {
      REQUIRE(filters.data()[i + half * half] == -filters.data()[i]);
    }
  }
}

TEST_CASE("whitening_filters: the same bits on any number of threads") {
  const NdArray<double> images = smooth(30, 6);
  test::check_threads([&] { return std::vector{models::whitening_filters(images, 2)}; });
}

TEST_CASE("whitening_filters: a model gets those of its first images") {
  NdArray<std::uint8_t> pixels({7, 3, 4, 4});
  eg::Generator rng(3);
  for (std::uint8_t& p : pixels) p = static_cast<std::uint8_t>(rng.integer(256));
  const eg::data::ImageDataset train(pixels, NdArray<Index>::zeros({7}), {"one"});
  const eg::data::Normalization normalization{.mean = {0.5f, 0.4f, 0.3f},
                                              .stddev = {0.2f, 0.3f, 0.4f}};
  const models::VisionTransformer<float> model(
      {.image_size = 4,
       .classes = 2,
       .tokenizer = models::ConvTokenizerOptions{.channels = {8}, .whitening = {.kernel = 2}},
       .dim = 8,
       .depth = 0,
       .layer = {.heads = 1}},
      rng);
  CHECK(models::initialize_whitening(model, train,
                                     {.normalization = normalization, .images = 5, .eps = 0.01}));
  NdArray<float> first({5, 3, 4, 4});
  for (Index i = 0; i < first.numel(); ++i) {
    const auto channel = static_cast<std::size_t>(i / 16 % 3);
    first.data()[i] = (static_cast<float>(pixels.data()[i]) / 255 - normalization.mean[channel]) /
                      normalization.stddev[channel];
  }
  CHECK_CLOSE(model.state_dict().at("tokenizer.whiten.weight"),
              models::whitening_filters(first, 2, 0.01), 1e-3);
  CHECK_ERROR(models::initialize_whitening(model, train, {.images = 0}), eg::ValueError,
              "[initialize_whitening] needs an image: the data set has 7, images 0");
  const models::VisionTransformer<float> without({.image_size = 4, .classes = 2, .depth = 0}, rng);
  CHECK(!models::initialize_whitening(without, train, {}));
}

TEST_CASE("whitening_filters: error") {
  CHECK_ERROR(models::whitening_filters(NdArray<float>::ones({2, 3, 4, 4}), 5), eg::ShapeError,
              "[whitening_filters] images must be (N, C, H, W) and hold a patch: images (2, 3, 4, "
              "4), kernel 5");
  CHECK_ERROR(models::whitening_filters(NdArray<float>::ones({2, 3, 4, 4}), 2, 0), eg::ValueError,
              "[whitening_filters] eps must be positive: 0");
}

TEST_CASE("whitening: a layer with fixed filters and a learned bias") {
  const models::Whitening<double> layer(1, {.kernel = 1, .activation = eg::Activation::kRelu});
  CHECK(test::names(layer.named_parameters()) == test::Names{"bias"});
  CHECK(test::names(layer.named_buffers()) == test::Names{"weight"});
  layer.set_filters(NdArray<double>({2, 1, 1, 1}, {2, -2}));
  const Tensor<double> x({1, 1, 1, 2}, {3, -4});
  CHECK_SAME(layer(x).value(), NdArray<double>({1, 2, 1, 2}, {6, 0, 0, 8}));
  const models::Whitening<double> other(1, {.kernel = 1, .activation = eg::Activation::kRelu});
  CHECK(test::same_after_loading(layer, other, [&](const auto& l) { return l(x); }));

  const models::Whitening<double> fixed(
      1, {.kernel = 1, .activation = eg::Activation::kRelu, .bias = false});
  CHECK(fixed.named_parameters().empty());
  fixed.set_filters(NdArray<double>({2, 1, 1, 1}, {2, -2}));
  CHECK_SAME(fixed(x).value(), layer(x).value());
  CHECK(!fixed(x).requires_grad());

  const models::Whitening<double> smooth_layer(3, {.kernel = 2, .padding = 1});
  smooth_layer.set_filters(models::whitening_filters(smooth(4, 5), 2));
  const Tensor<double> images(test::random({2, 3, 4, 5}));
  const Tensor<double> y = smooth_layer(images);
  CHECK(y.shape() == eg::Shape{2, 24, 5, 6});
  CHECK(smooth_layer.channels() == 24);
  CHECK(smooth_layer.output_side(4) == 5);
  CHECK(test::parameter_gradients(smooth_layer, [&] { return smooth_layer(images); }) == "");
  CHECK_ERROR((layer.set_filters(NdArray<double>::ones({2, 1, 2, 2})), 0), eg::ShapeError,
              "[whitening] filters must be (2, 1, 1, 1): filters (2, 1, 2, 2)");
  CHECK_ERROR(models::Whitening<double>(3, {.kernel = 0}), eg::ValueError,
              "[whitening] sizes must be positive, padding not negative: channels_in 3, kernel 0, "
              "padding 0");
}
