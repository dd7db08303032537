// SPDX-License-Identifier: MIT
#include <eigengrad/models/resize_model.hpp>
#include <tests/nn/parameter_gradient.hpp>
#include <tests/support/reference.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

models::VisionTransformerOptions tiny() {
  return {.image_size = 16,
          .classes = 5,
          .dim = 6,
          .depth = 1,
          .layer = {.heads = 2, .mlp_ratio = 2},
          .init = {nn::Init::kTruncNormal, 0.3}};
}

models::VisionTransformer<double> make(const models::VisionTransformerOptions& options) {
  eg::Generator rng(1);
  return models::VisionTransformer<double>(options, rng);
}

/// Each patch of the images resized by itself, its edges repeated.
NdArray<double> resize_patches(const NdArray<double>& images, Index patch, Index to) {
  const Index grid = images.dim(2) / patch;
  const Tensor<double> patches =
      eg::reshape(eg::permute(eg::reshape(Tensor<double>(images),
                                          {images.dim(0), images.dim(1), grid, patch, grid, patch}),
                              {0, 1, 2, 4, 3, 5}),
                  {-1, 1, patch, patch});
  const Tensor<double> resized = eg::reshape(eg::interpolate(patches, {to, to}),
                                             {images.dim(0), images.dim(1), grid, grid, to, to});
  return eg::reshape(eg::permute(resized, {0, 1, 2, 4, 3, 5}),
                     {images.dim(0), images.dim(1), grid * to, grid * to})
      .value();
}

}  // namespace

TEST_CASE("resize_model: the same size is the same model, and one of its own") {
  auto options = tiny();
  options.layer.dropout = options.position_dropout = 0.5;
  const auto model = make(options);
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  (void)model(images);  // the generators move on
  const auto same = models::resize_model(model, {.image_size = 16, .patch_size = 4});
  CHECK_SAME(same(images).value(), model(images).value());  // with the same draws
  Tensor<double> weight = same.parameters()[0];
  weight.mutable_value().fill(7);
  CHECK(model.parameters()[0].value().data()[0] != 7);
}

TEST_CASE("resize_model: larger patches of enlarged images give the same logits") {
  const auto model = make(tiny());
  const NdArray<double> images = test::random({2, 3, 16, 16});
  for (const Index patch : {5, 8, 11}) {
    const auto large = models::resize_model(model, {.image_size = 4 * patch, .patch_size = patch});
    CHECK(models::patch_size(large.options().tokenizer) == patch);
    CHECK(large.grid() == 4);
    CHECK_CLOSE(large(Tensor<double>(resize_patches(images, 4, patch))).value(),
                model(Tensor<double>(images)).value(), 1e-10);
  }
}

TEST_CASE("resize_model: smaller patches of the same images") {
  for (const auto pooling : {models::Pooling::kClassToken, models::Pooling::kMean}) {
    auto options = tiny();
    options.tokenizer = models::PatchEmbeddingOptions{.patch_size = 8};
    options.pooling = pooling;
    const auto model = make(options);
    const auto small = models::resize_model(model, {.patch_size = 4});
    CHECK(small.grid() == 4);
    const Tensor<double> images(test::random({2, 3, 16, 16}));
    CHECK(small(images).shape() == eg::Shape{2, 5});
    CHECK(test::parameter_gradients(small, [&] { return small(images); }) == "");
    const auto from = model.state_dict(), to = small.state_dict();
    for (const auto& [name, array] : from) {
      CAPTURE(name);
      const bool changes = name == "pos_embed" || name == "patch_embed.proj.weight";
      CHECK((test::difference(to.at(name), array, 0) == "") == !changes);
    }
    const Index prefix = pooling == models::Pooling::kClassToken ? 1 : 0;
    REQUIRE(to.at("pos_embed").shape() == eg::Shape{1, 16 + prefix, 6});
    for (Index c = 0; c < 6 && prefix == 1; ++c) {
      CHECK(to.at("pos_embed")(0, 0, c) == from.at("pos_embed")(0, 0, c));
    }
    // A patch of one colour, whose enlargement it is: the same token but for its position.
    const auto tokens = [](const auto& m) {
      const Index first = m.options().pooling == models::Pooling::kClassToken ? 1 : 0;
      const NdArray<double> y = m.embed(Tensor<double>::full({1, 3, 16, 16}, 0.7)).value();
      return y(0, first, 2) - m.state_dict().at("pos_embed")(0, first, 2);
    };
    CHECK(tokens(small) == Approx(tokens(model)));
  }
}

TEST_CASE("resize_model: fixed positions, convolutions, shifted and overlapping patches") {
  const Tensor<double> images(test::random({2, 3, 32, 32}));
  auto fixed = tiny();
  fixed.dim = 8;
  fixed.positions = models::Positions::kSinCos2d;
  fixed.rotary_base = 100;
  CHECK(models::resize_model(make(fixed), {.image_size = 32})(images).shape() == eg::Shape{2, 5});

  auto convolutional = tiny();
  convolutional.tokenizer = models::ConvTokenizerOptions{.channels = {4, 6}};
  convolutional.pooling = models::Pooling::kSequence;
  const auto conv = make(convolutional);
  const auto wide = models::resize_model(conv, {.image_size = 32});
  CHECK(wide.grid() == 8);
  CHECK(wide(images).shape() == eg::Shape{2, 5});
  CHECK_SAME(wide.state_dict().at("tokenizer.conv_layers.0.weight"),
             conv.state_dict().at("tokenizer.conv_layers.0.weight"));
  CHECK_ERROR(models::resize_model(conv, {.patch_size = 2}), eg::ValueError,
              "[resize_model] patch_size needs patches; this model has convolutions");

  auto shifted = tiny();
  shifted.tokenizer = models::ShiftedPatchEmbeddingOptions{};
  const auto spt = make(shifted);
  const auto large = models::resize_model(spt, {.image_size = 32, .patch_size = 8});
  CHECK(large(images).shape() == eg::Shape{2, 5});
  CHECK_SAME(large.state_dict().at("patch_embed.norm.weight"), NdArray<double>::ones({15 * 64}));

  auto overlapping = tiny();
  overlapping.tokenizer = models::PatchEmbeddingOptions{.stride = 2, .padding = 2};
  const auto twice = models::resize_model(make(overlapping), {.image_size = 32, .patch_size = 8});
  const auto patches = std::get<models::PatchEmbeddingOptions>(twice.options().tokenizer);
  CHECK(patches.stride == 4);
  CHECK(patches.padding == 4);
  CHECK(twice.grid() == make(overlapping).grid());
}

TEST_CASE("resize_model: mode, frozen parameters and moments") {
  const auto model = make(tiny());
  model.eval();
  Tensor<double> positions = model.named_parameters()[1].second;
  positions.set_requires_grad(false);
  const auto small = models::resize_model(model, {.patch_size = 2});
  CHECK(!small.training());
  CHECK(!small.named_parameters()[1].second.requires_grad());
  CHECK(small.named_parameters()[2].second.requires_grad());

  const NdArray<double> squares = test::random({6, 3, 4, 4}, 3, 0, 1);
  const NdArray<double> resized = models::resize_moment(small, "patch_embed.proj.weight", squares);
  REQUIRE(resized.shape() == eg::Shape{6, 3, 2, 2});
  // The pixels in the middle of each quarter.
  CHECK(resized(0, 0, 0, 1) == Approx((squares(0, 0, 0, 2) + squares(0, 0, 0, 3) +
                                       squares(0, 0, 1, 2) + squares(0, 0, 1, 3)) /
                                      4));
  const NdArray<double> tokens =
      models::resize_moment(small, "pos_embed", test::random({1, 17, 6}, 4, 0, 1));
  CHECK(tokens.shape() == eg::Shape{1, 65, 6});
  CHECK(tokens.array().minCoeff() >= 0);
  const NdArray<double> head = test::random({5, 6});
  CHECK_SAME(models::resize_moment(small, "head.weight", head), head);
  CHECK_ERROR(models::resize_moment(small, "tail", head), eg::ValueError,
              "[resize_moment] the model has no parameter tail");
}

TEST_CASE("resize_model: error") {
  const auto model = make(tiny());
  CHECK_ERROR(models::resize_model(model, {.patch_size = 5}), eg::ValueError,
              "[vision_transformer] patch_size must divide image_size: patch_size 5, "
              "image_size 16");
  CHECK_ERROR(models::resize_model(model, {.patch_size = -1}), eg::ValueError,
              "[resize_model] sizes must not be negative: image_size 0, patch_size -1");
  auto flat = tiny();
  flat.pooling = models::Pooling::kFlatten;
  CHECK_ERROR(models::resize_model(make(flat), {.patch_size = 2}), eg::ValueError,
              "[resize_model] head.weight (5, 96) has no other size; pooling = flatten ties the "
              "head to the grid");
  auto overlapping = tiny();
  overlapping.tokenizer = models::PatchEmbeddingOptions{.stride = 3};
  CHECK_ERROR(models::resize_model(make(overlapping), {.patch_size = 2}), eg::ValueError,
              "[resize_model] the patches' stride and padding must stay whole: patch_size 4 to 2, "
              "stride 3, padding 0");
}

TEST_CASE("resize_model: reference") {
  const test::Reference reference("resize_model");
  for (const auto& [from, to] :
       std::vector<std::pair<Index, Index>>{{4, 8}, {8, 4}, {4, 6}, {6, 4}, {5, 3}}) {
    INFO(from << " to " << to);
    auto options = tiny();
    options.dim = 2;
    options.layer.heads = 1;
    options.tokenizer = models::PatchEmbeddingOptions{.patch_size = from};
    options.image_size = 2 * from;
    const auto model = make(options);
    const std::string name = std::to_string(from) + "to" + std::to_string(to);
    auto dict = model.state_dict();
    dict.at("patch_embed.proj.weight") = reference.get<double>(name + ".in");
    model.load_state_dict(dict);
    const auto resized = models::resize_model(model, {.image_size = 2 * to, .patch_size = to});
    CHECK_CLOSE(resized.state_dict().at("patch_embed.proj.weight"),
                reference.get<double>(name + ".out"), 1e-12);
  }
  const auto model = make(tiny());
  auto dict = model.state_dict();
  dict.at("pos_embed") = reference.get<double>("positions");
  model.load_state_dict(dict);
  for (const auto& [mode, name] : {std::pair(eg::Interpolation::kBilinear, "bilinear"),
                                   std::pair(eg::Interpolation::kBicubic, "bicubic")}) {
    for (const Index grid : {8, 3}) {
      const auto resized = models::resize_model(model, {.image_size = 4 * grid, .positions = mode});
      CHECK_CLOSE(resized.state_dict().at("pos_embed"),
                  reference.get<double>("positions." + std::string(name) + std::to_string(grid)),
                  1e-12);
    }
  }
}
