// SPDX-License-Identifier: MIT
#include <cstdint>
#include <map>

#include <eigengrad/models/masked_image_model.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
using models::FinalNorm;
using models::Pooling;

namespace {

models::VisionTransformerOptions small() {
  return {.image_size = 8,
          .channels_in = 2,
          .classes = 3,
          .dim = 8,
          .depth = 1,
          .layer = {.heads = 2, .mlp_ratio = 1},
          .pooling = Pooling::kMean};
}

models::MaskedImageModel<double> build(const models::VisionTransformerOptions& options = small(),
                                       const models::MaskedImageModelOptions& own = {},
                                       std::uint64_t seed = 3) {
  eg::Generator rng(seed);
  const models::VisionTransformer<double> encoder(options, rng);
  return {encoder, own, rng};
}

Tensor<double> images(Index count = 2) { return Tensor<double>(test::random({count, 2, 8, 8}, 5)); }

/// The second and the third of four patches in the first image, the fourth in the second.
NdArray<bool> some_hidden() {
  NdArray<bool> mask = NdArray<bool>::zeros({2, 4});
  mask(0, 1) = mask(0, 2) = mask(1, 3) = true;
  return mask;
}

/// The images with other pixels in the patches of this number.
Tensor<double> with_other_patch(const Tensor<double>& x, Index patch) {
  NdArray<double> out = x.value().clone();
  for (Index b = 0; b < out.dim(0); ++b) {
    for (Index c = 0; c < out.dim(1); ++c) {
      for (Index i = 0; i < 16; ++i) out(b, c, patch / 2 * 4 + i / 4, patch % 2 * 4 + i % 4) += 1;
    }
  }
  return Tensor<double>(std::move(out));
}

}  // namespace

TEST_CASE("random_patch_mask: the share of each sample, every choice equally likely") {
  eg::Generator rng(1);
  const NdArray<bool> mask = models::random_patch_mask(6000, 4, 0.5, rng);
  std::map<int, int> counts;
  for (Index b = 0; b < 6000; ++b) {
    int choice = 0;
    for (Index t = 0; t < 4; ++t) choice += mask(b, t) << t;
    ++counts[choice];
  }
  REQUIRE(counts.size() == 6);                                                     // pairs of four
  for (const auto& [choice, count] : counts) CHECK(std::abs(count - 1000) < 150);  // 5 sigma

  const auto hidden = [&](double share, Index tokens) {
    Index n = 0;
    for (const bool is_hidden : models::random_patch_mask(1, tokens, share, rng)) n += is_hidden;
    return n;
  };
  CHECK(hidden(0, 5) == 0);
  CHECK(hidden(1, 5) == 5);
  CHECK(hidden(0.6, 64) == 38);
  CHECK(hidden(0.75, 64) == 48);
  CHECK(hidden(0.5, 0) == 0);
}

TEST_CASE("random_patch_mask: error") {
  eg::Generator rng(1);
  CHECK_ERROR(models::random_patch_mask(2, 4, 1.5, rng), eg::ValueError,
              "[random_patch_mask] share must be in [0, 1] and the counts not negative: "
              "share 1.5, batch 2, tokens 4");
  CHECK_ERROR(models::random_patch_mask(-1, 4, 0.5, rng), eg::ValueError,
              "[random_patch_mask] share must be in [0, 1] and the counts not negative: "
              "share 0.5, batch -1, tokens 4");
}

TEST_CASE("masked_patch_loss: the mean over what is hidden") {
  const Tensor<double> predicted(NdArray<double>({1, 3, 2}, {1, 2, 5, 5, 3, 1}), true);
  const Tensor<double> target(NdArray<double>({1, 3, 2}, {0, 0, 9, 9, 1, 1}));
  const NdArray<bool> mask({1, 3}, {true, false, true});
  // (1 + 4 + 4 + 0) / 4
  const Tensor<double> loss = models::masked_patch_loss(predicted, target, mask);
  CHECK(loss.item() == 2.25);
  loss.backward();
  CHECK_SAME(predicted.grad(), NdArray<double>({1, 3, 2}, {0.5, 1, 0, 0, 1, 0}));
  const NdArray<bool> hidden = some_hidden();
  CHECK_GRADIENT(models::masked_patch_loss(x[0], x[1], hidden),
                 {test::random({2, 4, 3}, 1), test::random({2, 4, 3}, 2)});
}

TEST_CASE("masked_patch_loss: error") {
  const auto x = Tensor<double>::zeros({2, 4, 3});
  CHECK_ERROR(models::masked_patch_loss(x, x, NdArray<bool>::zeros({2, 4})), eg::ValueError,
              "[masked_patch_loss] the mask hides no patch");
  CHECK_ERROR(models::masked_patch_loss(x, x, NdArray<bool>::zeros({4, 2})), eg::ShapeError,
              "[masked_patch_loss] predicted and target must be (B, N, D) and mask (B, N): "
              "predicted (2, 4, 3), target (2, 4, 3), mask (4, 2)");
  CHECK_ERROR(models::masked_patch_loss(x, Tensor<double>::zeros({2, 4, 2}), some_hidden()),
              eg::ShapeError,
              "[masked_patch_loss] predicted and target must be (B, N, D) and mask (B, N): "
              "predicted (2, 4, 3), target (2, 4, 2), mask (2, 4)");
}

TEST_CASE("masked_image_model: what is hidden has no influence, what is seen has") {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kClassToken}) {
    auto options = small();
    options.pooling = pooling;
    const auto model = build(options);
    const NdArray<double> y = model(images(), some_hidden()).value();
    REQUIRE(y.shape() == eg::Shape{2, 4, 32});
    // Patch 1 is hidden in the first image and seen in the second.
    const NdArray<double> other = model(with_other_patch(images(), 1), some_hidden()).value();
    Index same = 0;
    for (Index i = 0; i < 4 * 32; ++i) same += y.data()[i] == other.data()[i];
    CHECK(same == 4 * 32);
    CHECK(test::difference(other, y, 1e-9) != "");
    // Positions tell hidden patches apart.
    CHECK(std::abs(y(0, 1, 0) - y(0, 2, 0)) > 1e-6);
  }
}

TEST_CASE("masked_image_model: without a mask the decoder sees what the encoder makes") {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kClassToken}) {
    for (const FinalNorm norm : {FinalNorm::kBeforePooling, FinalNorm::kAfterPooling}) {
      auto options = small();
      options.pooling = pooling;
      options.final_norm = norm;
      const auto model = build(options, {.channels_out = 1});
      Tensor<double> tokens = model.encoder().encode(images());
      if (pooling == Pooling::kClassToken) tokens = eg::narrow(tokens, 1, 1, 4);
      if (norm == FinalNorm::kBeforePooling) tokens = (*model.encoder().norm())(tokens);
      const NdArray<double> y = model(images()).value();
      CHECK(y.shape() == eg::Shape{2, 4, 16});
      CHECK_SAME(y, model.decoder()(tokens).value());
      CHECK_SAME(model(images(), NdArray<bool>::zeros({2, 4})).value(), y);
    }
  }
}

TEST_CASE("masked_image_model: gradients of all that it trains") {
  const auto model = build();
  const Tensor<double> target = models::to_patches(images(), model.patch_size());
  const auto loss = [&] {
    return models::masked_patch_loss(model(images(), some_hidden()), target, some_hidden());
  };
  // The encoder's head is for later: it stands before the decoder and gets no gradient.
  CHECK(test::parameter_gradients(
            model, [&] { return loss() + eg::sum(model.encoder()(images())); }) == "");
  model.zero_grad();
  loss().backward();
  for (const auto& [name, x] : model.named_parameters()) {
    INFO(name);
    CHECK(x.has_grad() == (name.find("encoder.head.") == std::string::npos));
  }
}

TEST_CASE("masked_image_model: learns to complete images, and its encoder with it") {
  const auto model = build();
  const NdArray<double> before = model.encoder().features(images()).value().clone();
  eg::optim::AdamW<double> optimizer(model.parameters(), {.lr = 0.01});
  const Tensor<double> target = models::to_patches(images(), model.patch_size());
  double first = 0;
  double last = 0;
  for (int step = 0; step < 150; ++step) {
    optimizer.zero_grad();
    const Tensor<double> loss =
        models::masked_patch_loss(model(images(), some_hidden()), target, some_hidden());
    loss.backward();
    optimizer.step();
    last = loss.item();
    if (step == 0) first = last;
  }
  CHECK(first > 0.2);
  CHECK(last < 0.05 * first);
  CHECK(test::difference(model.encoder().features(images()).value(), before, 1e-2) != "");
}

TEST_CASE("masked_image_model: parts, names and no images") {
  const auto model = build();
  CHECK(model.patches() == 4);
  CHECK(model.patch_size() == 4);
  CHECK(model.channels_out() == 2);
  const auto dict = model.state_dict();
  CHECK(dict.at("mask_token").shape() == eg::Shape{1, 1, 8});
  CHECK(dict.at("decoder.weight").shape() == eg::Shape{32, 8});
  CHECK(dict.contains("encoder.blocks.0.attn.proj.weight"));
  CHECK(test::same_after_loading(model, build(),
                                 [](const auto& m) { return m(images(), some_hidden()); }));
  CHECK(model(Tensor<double>::zeros({0, 2, 8, 8}), NdArray<bool>::zeros({0, 4})).shape() ==
        eg::Shape{0, 4, 32});
}

TEST_CASE("masked_image_model: error") {
  CHECK_ERROR(build()(images(), NdArray<bool>::zeros({2, 5})), eg::ShapeError,
              "[masked_image_model] mask must be (2, 4): mask (2, 5)");
  CHECK_ERROR(build()(Tensor<double>::zeros({2, 2, 8, 4}), some_hidden()), eg::ShapeError,
              "[vision_transformer] images must be (B, 2, 8, 8): images (2, 2, 8, 4)");
  CHECK_ERROR(build(small(), {.channels_out = -1}), eg::ValueError,
              "[masked_image_model] channels_out must not be negative: -1");
  auto options = small();
  options.patch_dropout = 0.5;
  CHECK_ERROR(build(options), eg::ValueError,
              "[masked_image_model] the encoder must keep all tokens: patch_dropout 0.5");
  options = small();
  options.tokenizer = models::PatchEmbeddingOptions{.patch_size = 4, .stride = 2};
  CHECK_ERROR(build(options), eg::ValueError,
              "[masked_image_model] the encoder's grid must divide its images: grid 3, "
              "image_size 8");
}
