// SPDX-License-Identifier: MIT
#include <eigengrad/io/json.hpp>
#include <eigengrad/models/generate.hpp>
#include <eigengrad/models/load_gpt2.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
namespace io = eg::io;
namespace models = eg::models;

namespace {

const std::string kFolder = std::string(EIGENGRAD_TEST_DIR) + "/reference/pretrained/gpt2";

}  // namespace

TEST_CASE("load_gpt2: reference") {
  const io::SafetensorsFile expected(kFolder + "/expected.safetensors");
  const auto model = models::load_gpt2<float>(kFolder);
  model.eval();
  CHECK(model.options().tie_weights);
  CHECK_CLOSE(model(expected.get<Index>("inputs")).value(), expected.get<float>("outputs"), 2e-6);
  eg::Generator rng(1);
  const NdArray<Index> text =
      models::generate(model, NdArray<Index>({1, 3}, {1, 2, 3}), {.count = 4}, rng);
  CHECK(text.numel() == 7);
}

TEST_CASE("save_gpt2: the library's own file, name by name") {
  const test::TemporaryFolder folder;
  models::save_gpt2(folder / "out", models::load_gpt2<float>(kFolder));
  const io::SafetensorsFile theirs(kFolder + "/model.safetensors");
  const io::SafetensorsFile ours(folder / "out/model.safetensors");
  CHECK(ours.names() == theirs.names());
  for (const std::string& name : theirs.names()) {
    INFO(name);
    CHECK_SAME(ours.get<float>(name), theirs.get<float>(name));
  }
  const io::Json config = io::Json::parse(io::read_file(folder / "out/config.json"));
  CHECK(config.find("n_inner")->as_integer() == 48);
  CHECK(config.find("activation_function")->as_string() == "gelu_new");
}

TEST_CASE("load_gpt2: error") {
  const test::TemporaryFolder folder;
  auto dict = io::SafetensorsFile(kFolder + "/model.safetensors").get_all<float>("");
  const auto load = [&] {
    io::save_safetensors(folder / "model.safetensors", dict);
    return models::load_gpt2<float>(folder.path());
  };
  CHECK_ERROR_CONTAINS(load(), eg::IoError, "the number of heads follows neither");
  folder.write("config.json", R"({"n_head": 3, "scale_attn_by_inverse_layer_idx": true})");
  CHECK_ERROR_CONTAINS(load(), eg::IoError,
                       "config.json: scale_attn_by_inverse_layer_idx true is not represented");
  folder.write("config.json", R"({"n_head": 3})");
  CHECK_NOTHROW(load());
  dict["transformer.h.0.attn.bias"] = NdArray<float>::zeros({1, 1, 8, 8});  // a mask, ignored
  CHECK_NOTHROW(load());
  dict["transformer.h.0.crossattention.c_attn.bias"] = NdArray<float>::zeros({36});
  CHECK_ERROR_CONTAINS(load(), eg::IoError, "LanguageModel has no place for 1 weights");
  dict = {{"a", NdArray<float>::zeros({1})}};
  CHECK_ERROR_CONTAINS(load(), eg::IoError, "its names are not GPT-2's");
}
