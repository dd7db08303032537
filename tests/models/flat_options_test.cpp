// SPDX-License-Identifier: MIT
#include <eigengrad/models/save_model.hpp>
#include <tests/support/reference.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// Files of the version before options nested, tests/reference/flat_options/make.cpp.
std::string file(const std::string& name) {
  return std::string(EIGENGRAD_TEST_DIR) + "/reference/flat_options/" + name + ".safetensors";
}

models::VisionTransformer<float> load(const std::string& name) {
  return models::load_vision_transformer<float>(file(name));
}

/// The options of a file with its metadata's first `from` replaced.
models::VisionTransformerOptions read_with(const std::string& name, const std::string& from,
                                           const std::string& to) {
  const eg::io::SafetensorsFile saved(file(name));
  std::string text = saved.metadata().at("eigengrad.options");
  text.replace(text.find(from), from.size(), to);
  return eg::detail::read_vision_transformer_options(eg::io::Json::parse(text));
}

}  // namespace

TEST_CASE("flat_options: models of early files give the same logits, dropout included") {
  const eg::io::SafetensorsFile logits(file("logits"));
  const Tensor<float> images(logits.get<float>("images"));
  for (const std::string name : {"patch", "shifted", "conv", "channels", "rotary"}) {
    INFO(name);
    const auto model = load(name);
    CHECK_CLOSE(model(images).value(), logits.get<double>(name + ".training"), 1e-5);
    const auto still = load(name);
    still.eval();
    CHECK_CLOSE(still(images).value(), logits.get<double>(name + ".eval"), 1e-5);
  }
}

TEST_CASE("flat_options: a model built again starts with the weights that it started with") {
  for (const std::string name : {"patch", "shifted", "conv", "channels", "rotary"}) {
    const auto model = load(name);
    eg::Generator rng(1);
    const models::VisionTransformer<float> again(model.options(), rng);
    const auto saved = model.state_dict();
    for (const auto& [weight, value] : again.state_dict()) {
      if (weight == "tokenizer.whiten.weight" || weight.find("running") != weight.npos) continue;
      INFO(name << ", " << weight);
      CHECK_SAME(value, saved.at(weight));
    }
  }
}

TEST_CASE("flat_options: every field finds its place") {
  const auto patch = load("patch").options();
  const auto patches = std::get<models::PatchEmbeddingOptions>(patch.tokenizer);
  CHECK(patches.patch_size == 3);
  CHECK(patches.stride == 2);
  CHECK(patches.padding == 1);
  CHECK(patches.method == models::PatchMethod::kConv2d);
  CHECK(patch.image_size == 8);
  CHECK(patch.channels_in == 2);
  CHECK(patch.classes == 3);
  CHECK(patch.dim == 8);
  CHECK(patch.depth == 2);
  CHECK(patch.layer.heads == 2);
  CHECK(patch.layer.head_dim == 3);
  CHECK(patch.layer.mlp_ratio == 1.5);
  CHECK(patch.layer.activation == eg::Activation::kSilu);
  CHECK(!patch.layer.qkv_bias);
  CHECK(!patch.layer.locality);
  CHECK(patch.layer.dropout == 0.2);
  CHECK(patch.position_dropout == 0.2);
  CHECK(patch.layer.attention_dropout == 0.3);
  CHECK(patch.stochastic_depth == 0.4);
  CHECK(patch.norm_eps == 1e-3);
  CHECK(patch.init.rule == nn::Init::kXavierNormal);
  CHECK(patch.init.scale == 0.9);
  CHECK(patch.layer.output_scale == 0.5);
  CHECK(patch.pooling == models::Pooling::kClassToken);
  CHECK(patch.positions == models::Positions::kLearned);

  const auto shifted = load("shifted").options();
  CHECK(std::get<models::ShiftedPatchEmbeddingOptions>(shifted.tokenizer).patch_size == 4);
  CHECK(shifted.layer.locality);
  CHECK(shifted.checkpoint);
  CHECK(shifted.positions == models::Positions::kSinCos2d);

  const auto conv = std::get<models::ConvTokenizerOptions>(load("conv").options().tokenizer);
  REQUIRE(conv.stages.size() == 2);
  CHECK(conv.channels.empty());
  CHECK(conv.stages[1].kernel == 2);
  CHECK(conv.whitening.kernel == 2);
  CHECK(conv.init.rule == nn::Init::kDirac);
  const auto channels =
      std::get<models::ConvTokenizerOptions>(load("channels").options().tokenizer);
  CHECK(channels.channels == std::vector<eg::Index>{4, 6});
  CHECK(channels.init.rule == nn::Init::kKaimingNormal);

  const auto rotary = load("rotary").options();
  CHECK(rotary.rotary_base == 20);
  CHECK(rotary.patch_dropout == 0.5);
}

TEST_CASE("flat_options: two fields came late, the others must be there") {
  CHECK(read_with("rotary", "\"rotary_base\": 20.0, ", "").rotary_base == 0);
  CHECK(read_with("rotary", "\"patch_dropout\": 0.5, ", "").patch_dropout == 0);
  CHECK_ERROR(read_with("rotary", "\"dropout\": 0.0, ", ""), eg::IoError,
              "[json] field 'dropout' is missing");
  CHECK_ERROR(read_with("rotary", "\"dim\"", "\"width\""), eg::IoError,
              "[json] field 'dim' is missing");
}
