// SPDX-License-Identifier: MIT
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/models/load_pretrained.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace io = eg::io;
namespace models = eg::models;

namespace {

const std::string kFolder = std::string(EIGENGRAD_TEST_DIR) + "/reference/pretrained/";

models::VisionTransformer<float> load(const std::string& name,
                                      models::PretrainedOptions options = {}) {
  if (name == "torchvision") options.heads = 3;
  auto model = models::load_pretrained<float>(kFolder + name, options);
  model.eval();
  return model;
}

/// A copy of timm's plain model, to be changed.
struct Copy {
  test::TemporaryFolder folder;
  io::SafetensorsFile file{kFolder + "timm_token/model.safetensors"};
  eg::nn::StateDict<float> dict = file.get_all<float>("");

  models::VisionTransformer<float> load(const models::PretrainedOptions& options = {.heads = 3}) {
    io::save_safetensors(folder / "model.safetensors", dict);
    return models::load_pretrained<float>(folder / "model.safetensors", options);
  }
};

}  // namespace

TEST_CASE("load_pretrained: reference") {
  for (const char* name : {"timm_token", "timm_mean", "timm_distilled", "timm_clip",
                           "hf_classifier", "hf_pooler", "hf_dinov2", "torchvision"}) {
    INFO(name);
    const io::SafetensorsFile expected(kFolder + name + "/expected.safetensors");
    const auto model = load(name);
    const Tensor<float> images(expected.get<float>("inputs"));
    CHECK_CLOSE(model(images).value(), expected.get<float>("outputs"), 2e-6);
  }
}

TEST_CASE("load_pretrained: what the model is") {
  const auto mean = load("timm_mean").options();
  CHECK(mean.pooling == models::Pooling::kMean);
  CHECK(mean.final_norm == models::FinalNorm::kAfterPooling);
  CHECK(mean.registers == 3);  // two, and the class token that is not pooled
  CHECK_FALSE(mean.prefix_positions);
  CHECK(load("timm_distilled").options().distilled);
  const auto clip = load("timm_clip").options();
  CHECK(clip.initial_norm);
  CHECK(clip.norm_eps == 1e-5);
  const auto pooler = load("hf_pooler").options();
  CHECK(pooler.classes == 0);
  CHECK(pooler.head_tanh);
  CHECK_FALSE(pooler.layer.qkv_bias);
  CHECK(pooler.layer.activation == eg::Activation::kGeluTanh);
  CHECK(pooler.norm_eps == 1e-12);
}

TEST_CASE("load_pretrained: another head and another size") {
  const auto plain = load("timm_token");
  const auto other = load("timm_token", {.classes = 7, .image_size = 16});
  CHECK(other.options().classes == 7);
  CHECK(other.grid() == 4);
  CHECK(other(Tensor<float>::zeros({1, 3, 16, 16})).shape() == eg::Shape{1, 7});
  const auto features = load("timm_token", {.classes = 0});
  const Tensor<float> images(test::random<float>({2, 3, 8, 8}, 4));
  CHECK_SAME(features(images).value(), plain.features(images).value());
  // Only the head is new.
  const auto before = plain.state_dict(), after = load("timm_token", {.classes = 5}).state_dict();
  for (const auto& [name, array] : before) {
    INFO(name);
    CHECK((test::difference(array, after.at(name), 0) == "") == !name.starts_with("head."));
  }
}

TEST_CASE("load_pretrained: names within another model, and in double") {
  Copy copy;
  const auto dict = copy.dict;
  copy.dict.clear();
  for (const auto& [name, array] : dict) copy.dict["model.backbone." + name] = array;
  const Tensor<float> images(test::random<float>({1, 3, 8, 8}, 4));
  const auto plain = load("timm_token");
  auto inner = copy.load();
  inner.eval();
  CHECK_SAME(inner(images).value(), plain(images).value());
  auto wide = models::load_pretrained<double>(kFolder + "timm_token");
  wide.eval();
  CHECK_CLOSE(wide(Tensor<double>(test::random<double>({1, 3, 8, 8}, 4))).value(),
              plain(images).value(), 1e-5);
}

TEST_CASE("load_pretrained: a model in several files") {
  Copy copy;
  eg::nn::StateDict<float> first, second;
  eg::io::Json map = eg::io::Json::object();
  for (const auto& [name, array] : copy.dict) {
    const bool early = name < "blocks.1";
    (early ? first : second)[name] = array;
    map[name] = early ? "a.safetensors" : "b.safetensors";
  }
  io::save_safetensors(copy.folder / "a.safetensors", first);
  io::save_safetensors(copy.folder / "b.safetensors", second);
  eg::io::Json index = eg::io::Json::object();
  index["weight_map"] = map;
  copy.folder.write("model.safetensors.index.json", index.dump());
  const auto model = models::load_pretrained<float>(copy.folder.path(), {.heads = 3});
  CHECK_SAME(model.state_dict().at("pos_embed"), copy.dict.at("pos_embed"));
  CHECK(model.options().depth == 2);
}

TEST_CASE("load_pretrained: what is not represented") {
  Copy copy;
  const std::string path = copy.folder / "model.safetensors";
  const auto message = [&](const std::string& text) { return "[load_pretrained] " + path + text; };
  SECTION("further weights") {
    copy.dict["blocks.0.attn.q_norm.weight"] = NdArray<float>::zeros({4});
    CHECK_ERROR(copy.load(), eg::IoError,
                message(": VisionTransformer has no place for 1 weights\n"
                        "  weight: blocks.0.attn.q_norm.weight"));
  }
  SECTION("missing weights") {
    copy.dict.erase("blocks.1.mlp.fc2.bias");
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError,
                         "1 missing\n  missing: blocks.1.mlp.fc2.bias (12)");
  }
  SECTION("the heads of an unknown width") {
    CHECK_ERROR(copy.load({}), eg::IoError,
                message(": the number of heads follows neither from a config.json nor from the "
                        "width 12; set PretrainedOptions::heads"));
  }
  SECTION("positions that are no square") {
    copy.dict["pos_embed"] = NdArray<float>::zeros({1, 7, 12});
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError,
                         "the 7 positions are no square grid, with or without the 1 tokens");
  }
  SECTION("another kind of model") {
    copy.dict = {{"conv1.weight", NdArray<float>::zeros({4, 3, 3, 3})}};
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError, "its names are none of a vision transformer");
  }
  SECTION("parts that do not fit together") {
    const io::SafetensorsFile vit(kFolder + "hf_classifier/model.safetensors");
    copy.dict = vit.get_all<float>("");
    copy.dict["vit.encoder.layer.0.attention.attention.key.weight"] = NdArray<float>::zeros({4, 5});
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError, message(": [cat] "));
  }
  SECTION("registers without positions") {
    const io::SafetensorsFile dino(kFolder + "hf_dinov2/model.safetensors");
    copy.dict = dino.get_all<float>("");
    REQUIRE(std::erase_if(copy.dict, [](const auto& entry) {
              return entry.first.ends_with("position_embeddings");
            }) == 1);
    CHECK_ERROR(copy.load(), eg::IoError, message(": pos_embed is missing"));
  }
  SECTION("settings") {
    copy.folder.write("config.json", R"({"model_args": {"num_heads": "3"}})");
    CHECK_ERROR(copy.load({}), eg::IoError,
                message(": config.json: num_heads must be an integer, it is a string"));
    copy.folder.write("config.json", R"({"model_args": {"act_layer": "quick_gelu"}})");
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError,
                         "config.json: the activation 'quick_gelu' is not represented");
    copy.folder.write("config.json", R"({"model_args": {"img_size": [8, 12]}})");
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError, "images must be square");
    copy.folder.write("config.json", "[1]");
    CHECK_ERROR_CONTAINS(copy.load(), eg::IoError, "must hold an object, it is an array");
  }
  SECTION("a folder without safetensors") {
    copy.folder.write("pytorch_model.bin", "x");
    CHECK_ERROR(models::load_pretrained<float>(copy.folder.path()), eg::IoError,
                "[load_pretrained] " + copy.folder.path() +
                    " has no model.safetensors; pytorch_model.bin is not read, save the model with "
                    "safe_serialization=True");
  }
}
