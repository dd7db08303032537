// SPDX-License-Identifier: MIT
#include <eigengrad/io/file.hpp>
#include <eigengrad/models/save.hpp>
#include <tests/nn/parameter_gradient.hpp>
#include <tests/support/folder.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// Nothing in it is at its default.
models::VisionTransformerOptions unusual() {
  return {.image_size = 16,
          .channels_in = 2,
          .patch_size = 2,
          .patch_stride = 3,
          .patch_padding = 1,
          .shifted_patches = true,
          .classes = 3,
          .dim = 12,
          .depth = 2,
          .heads = 2,
          .head_dim = 4,
          .mlp_ratio = 1.5,
          .pooling = models::Pooling::kSequence,
          .positions = models::Positions::kSinCos2d,
          .rotary_base = 20,
          .patch_method = models::PatchMethod::kConv2d,
          .tokenizer_channels = {4, 6},
          .tokenizer_stages = {{.channels = 8,
                                .convs = 2,
                                .kernel = 5,
                                .stride = 2,
                                .padding = 1,
                                .pool = 2,
                                .pool_stride = 1,
                                .pool_padding = 0,
                                .batch_norm = true,
                                .activation = eg::Activation::kSilu,
                                .residual = true}},
          .tokenizer_whitening = {.kernel = 2, .padding = 1, .activation = eg::Activation::kNone},
          .tokenizer_init = {nn::Init::kDirac, 0.5},
          .activation = eg::Activation::kGeluTanh,
          .qkv_bias = false,
          .locality = true,
          .dropout = 0.1,
          .attention_dropout = 0.2,
          .patch_dropout = 0.25,
          .stochastic_depth = 0.3,
          .norm_eps = 1e-4,
          .init = {nn::Init::kXavierNormal, 2},
          .output_scale = 0.5,
          .checkpoint = true};
}

}  // namespace

TEST_CASE("save_model: options keep every field") {
  const eg::io::Json json = eg::io::to_json(unusual());
  const eg::io::Json defaults = eg::io::to_json(models::VisionTransformerOptions());
  CHECK(eg::io::to_json(eg::io::from_json<models::VisionTransformerOptions>(json)) == json);
  REQUIRE(json.members().size() == 31);
  for (const auto& [name, value] : json.members()) {
    INFO(name);
    CHECK(!(value == defaults.at(name)));
  }
  // Each field reaches its own member: one changed in the JSON changes that alone.
  const auto read = eg::io::from_json<models::VisionTransformerOptions>(json);
  CHECK(read.patch_stride == 3);
  CHECK(read.patch_padding == 1);
  CHECK(read.head_dim == 4);
  CHECK(read.tokenizer_channels == std::vector<eg::Index>{4, 6});
  CHECK(read.tokenizer_stages.at(0).pool_stride == 1);
  CHECK(read.tokenizer_whitening.activation == eg::Activation::kNone);
  CHECK(read.tokenizer_init.rule == nn::Init::kDirac);
  CHECK(read.positions == models::Positions::kSinCos2d);
  CHECK(read.attention_dropout == 0.2);
  CHECK(read.patch_dropout == 0.25);
  CHECK(read.rotary_base == 20);
  CHECK(read.stochastic_depth == 0.3);
  CHECK(read.output_scale == 0.5);
}

TEST_CASE("save_model: a model comes back with its weights and running statistics") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  eg::Generator rng(1);
  auto options = unusual();
  options.patch_stride = options.patch_padding = 0;
  options.shifted_patches = false;
  options.tokenizer_channels = {};
  options.tokenizer_stages[0].channels = 12;
  options.depth = 1;
  const models::VisionTransformer<float> model(options, rng);
  model.tokenizer()->whiten()->set_filters(test::random<float>({16, 2, 2, 2}));
  const Tensor<float> images(test::random<float>({3, 2, 16, 16}, 2));
  (void)model(images);  // moves the running statistics
  eg::models::save_model(path, model, {{"note", "mine"}});
  const auto again = eg::models::load_vision_transformer<float>(path);
  CHECK(again.training());
  model.eval();
  again.eval();
  CHECK_SAME(again(images).value(), model(images).value());
  const auto dict = again.state_dict();
  CHECK(dict.count("tokenizer.whiten.weight") == 1);
  CHECK(test::difference(dict.at("tokenizer.norm_layers.1.running_mean"),
                         NdArray<float>::zeros({12}), 0) != "");
  CHECK(eg::io::SafetensorsFile(path).metadata().at("note") == "mine");
  // As another type, and the same content gives the same bytes.
  const auto wide = eg::models::load_vision_transformer<double>(path);
  wide.eval();
  CHECK_CLOSE(wide(Tensor<double>(test::random({3, 2, 16, 16}, 2))).value(), model(images).value(),
              1e-4);
  const std::string other = folder.path() + "/other.safetensors";
  eg::models::save_model(other, again, {{"note", "mine"}});
  CHECK(eg::io::read_file(other) == eg::io::read_file(path));
}

TEST_CASE("save_model: error") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.image_size = 8, .classes = 2, .dim = 4, .depth = 1, .heads = 1}, rng);
  CHECK_ERROR((eg::models::save_model(path, model, {{"eigengrad.options", ""}}), 0), eg::ValueError,
              "[save_model] the metadata's name is taken: eigengrad.options");
  const auto load = [&] { return eg::models::load_vision_transformer<float>(path); };
  const auto save = [&](const std::map<std::string, std::string>& metadata) {
    eg::io::save_safetensors(path, model.state_dict(), metadata);
  };
  save({});
  CHECK_ERROR(load(), eg::IoError,
              "[load_model] " + path +
                  " does not say which model its weights belong to; save it with save_model");
  save({{"eigengrad.model", "Mlp"}, {"eigengrad.options", "{}"}});
  CHECK_ERROR(load(), eg::IoError,
              "[load_model] " + path + " holds a model of type Mlp, not a VisionTransformer");
  save({{"eigengrad.model", "VisionTransformer"}, {"eigengrad.options", "{}"}});
  CHECK_ERROR(load(), eg::IoError,
              "[load_model] " + path + ": [json] field 'image_size' is missing");
  eg::io::Json json = eg::io::to_json(model.options());
  const auto save_options = [&] {
    save({{"eigengrad.model", "VisionTransformer"}, {"eigengrad.options", json.dump()}});
  };
  json["heads"] = 3;
  save_options();
  CHECK_ERROR(load(), eg::IoError,
              "[load_model] " + path +
                  " does not hold the model that it describes: [vision_transformer] dim must be "
                  "divisible by heads: dim 4, heads 3");
  json["heads"] = 1;
  json["classes"] = 3;
  save_options();
  CHECK_ERROR(load(), eg::IoError,
              "[load_model] " + path +
                  " does not hold the model that it describes: [load_state_dict] names and shapes "
                  "must be the module's: 2 of another shape (head.weight (2, 4) for (3, 4), "
                  "head.bias (2) for (3))");
}
