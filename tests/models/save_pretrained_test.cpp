// SPDX-License-Identifier: MIT
#include <eigengrad/io/json.hpp>
#include <eigengrad/models/load_pretrained.hpp>
#include <eigengrad/models/save_pretrained.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;
namespace io = eg::io;
namespace models = eg::models;
using Format = models::PretrainedFormat;

namespace {

const std::string kFolder = std::string(EIGENGRAD_TEST_DIR) + "/reference/pretrained/";

models::VisionTransformerOptions small() {
  models::VisionTransformerOptions o{.image_size = 8, .classes = 3, .dim = 12, .depth = 1};
  o.layer = {.heads = 3, .mlp_ratio = 2};
  return o;
}

void save(const test::TemporaryFolder& folder, const models::VisionTransformerOptions& options,
          Format format, const models::SavePretrainedOptions& more = {}) {
  eg::Generator rng(1);
  models::save_pretrained(folder / "out", models::VisionTransformer<float>(options, rng), format,
                          more);
}

}  // namespace

TEST_CASE("save_pretrained: the library's own file, name by name") {
  const std::pair<const char*, Format> cases[] = {
      {"timm_token", Format::kTimm},       {"timm_distilled", Format::kTimm},
      {"timm_clip", Format::kTimm},        {"hf_classifier", Format::kHuggingFace},
      {"hf_pooler", Format::kHuggingFace}, {"torchvision", Format::kTorchvision}};
  for (const auto& [name, format] : cases) {
    INFO(name);
    const test::TemporaryFolder folder;
    models::save_pretrained(folder / "out",
                            models::load_pretrained<float>(kFolder + name, {.heads = 3}), format);
    const io::SafetensorsFile theirs(kFolder + name + "/model.safetensors");
    const io::SafetensorsFile ours(folder / "out/model.safetensors");
    CHECK(ours.names() == theirs.names());
    for (const std::string& each : theirs.names()) {
      INFO(each);
      CHECK_SAME(ours.get<float>(each), theirs.get<float>(each));
    }
    CHECK(io::is_file(folder / "out/config.json") == (format != Format::kTorchvision));
  }
}

TEST_CASE("save_pretrained: a model with all that timm has comes back") {
  models::VisionTransformerOptions o = small();
  o.pooling = models::Pooling::kMean;
  o.final_norm = models::FinalNorm::kAfterPooling;
  o.registers = 2;
  o.prefix_positions = false;
  o.layer.layer_scale = 0.5;
  o.layer.activation = eg::Activation::kGeluTanh;
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(o, rng);
  const test::TemporaryFolder folder;
  models::save_pretrained(folder.path(), model, Format::kTimm);
  const auto again = models::load_pretrained<float>(folder.path());
  model.eval();
  again.eval();
  const Tensor<float> images(test::random<float>({2, 3, 8, 8}, 4));
  CHECK_SAME(again(images).value(), model(images).value());
}

TEST_CASE("save_pretrained: class names and normalization") {
  const test::TemporaryFolder folder;
  save(folder, small(), Format::kHuggingFace,
       {.class_names = {"cat", "dog", "eel"}, .mean = {0.5, 0.4, 0.3}, .stddev = {0.2, 0.2, 0.1}});
  const io::Json config = io::Json::parse(io::read_file(folder / "out/config.json"));
  CHECK(config.find("id2label")->find("1")->as_string() == "dog");
  CHECK(config.find("label2id")->find("eel")->as_integer() == 2);
  const io::Json images = io::Json::parse(io::read_file(folder / "out/preprocessor_config.json"));
  CHECK(images.find("image_mean")->items()[1].as_number() == 0.4);
  CHECK(images.find("size")->find("height")->as_integer() == 8);
}

TEST_CASE("save_pretrained: error") {
  const test::TemporaryFolder folder;
  models::VisionTransformerOptions o = small();
  SECTION("settings that no library has") {
    o.layer.locality = true;
    CHECK_ERROR(save(folder, o, Format::kTimm), eg::ValueError,
                "[save_pretrained] timm's VisionTransformer needs layer.norm_first, and neither "
                "activate_output nor locality");
  }
  SECTION("settings that only timm has") {
    o.registers = 1;
    CHECK_ERROR(save(folder, o, Format::kHuggingFace), eg::ValueError,
                "[save_pretrained] Hugging Face's VisionTransformer needs pooling kClassToken, "
                "neither distilled nor registers");
    CHECK_NOTHROW(save(folder, o, Format::kTimm));
    return;
  }
  SECTION("convolutions") {
    o.tokenizer = models::ConvTokenizerOptions{.channels = {12}};
    CHECK_ERROR_CONTAINS(save(folder, o, Format::kTorchvision), eg::ValueError,
                         "torchvision's VisionTransformer needs patches that touch");
  }
  SECTION("names and numbers of another count") {
    CHECK_ERROR(save(folder, o, Format::kHuggingFace, {.class_names = {"cat"}}), eg::ValueError,
                "[save_pretrained] class_names must be one for each class: 1 for 3");
    CHECK_ERROR(save(folder, o, Format::kTimm, {.mean = {0.5}, .stddev = {0.5}}), eg::ValueError,
                "[save_pretrained] mean and stddev must both be unset or have 3 numbers: 1 and 1");
  }
  CHECK_FALSE(io::is_folder(folder / "out"));  // nothing half-written
}
