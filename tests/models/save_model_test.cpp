// SPDX-License-Identifier: MIT
#include <utility>

#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/models/save_model.hpp>
#include <tests/nn/parameter_gradient.hpp>
#include <tests/support/folder.hpp>

using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// No field of it is at its default.
models::VisionTransformerOptions unusual(models::TokenizerOptions tokenizer) {
  return {.image_size = 16,
          .channels_in = 2,
          .classes = 3,
          .tokenizer = std::move(tokenizer),
          .dim = 12,
          .depth = 1,
          .layer = {.dim = 12,
                    .heads = 2,
                    .head_dim = 4,
                    .mlp_ratio = 1.5,
                    .activation = eg::Activation::kGeluTanh,
                    .activate_output = true,
                    .norm_first = false,
                    .qkv_bias = false,
                    .locality = true,
                    .dropout = 0.1,
                    .attention_dropout = 0.2,
                    .stochastic_depth = 0.4,
                    .norm_eps = 1e-3,
                    .init = {nn::Init::kZeros, 3},
                    .output_scale = 0.5,
                    .layer_scale = 0.25},
          .shared_layers = true,
          .registers = 2,
          .distilled = true,
          .pooling = models::Pooling::kSequence,
          .final_norm = models::FinalNorm::kAfterPooling,
          .initial_norm = true,
          .token_init = {nn::Init::kUniform, 2},
          .positions = models::Positions::kSinCos2d,
          .prefix_positions = false,
          .position_count = 99,
          .position_init = {nn::Init::kNormal, 0.1},
          .rotary_base = 20,
          .position_dropout = 0.15,
          .patch_dropout = 0.25,
          .stochastic_depth = 0.3,
          .head_hidden = {7},
          .head_tanh = true,
          .head_dropout = 0.35,
          .norm_eps = 1e-4,
          .init = {nn::Init::kXavierNormal, 2},
          .checkpoint = true};
}

const models::PatchEmbeddingOptions kPatches{.channels_in = 2,
                                             .patch_size = 2,
                                             .stride = 3,
                                             .padding = 1,
                                             .dim = 12,
                                             .method = models::PatchMethod::kConv2d,
                                             .bias = false,
                                             .init = {nn::Init::kXavierUniform, 0.5}};
const models::ShiftedPatchEmbeddingOptions kShifted{.channels_in = 2,
                                                    .patch_size = 2,
                                                    .dim = 12,
                                                    .norm_eps = 1e-2,
                                                    .init = {nn::Init::kXavierUniform, 0.5}};

models::ConvTokenizerOptions convolutions() {
  return {
      .channels_in = 2,
      .stages = {{.channels = 12,
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
      .whitening = {.kernel = 2, .padding = 1, .activation = eg::Activation::kNone, .bias = false},
      .init = {nn::Init::kDirac, 0.5}};
}

/// Fails for a member, nested ones included, that both have alike.
void check_all_differ(const eg::io::Json& a, const eg::io::Json& b, const std::string& path) {
  for (const auto& [name, value] : a.members()) {
    INFO(path + name);
    const eg::io::Json* other = b.find(name);
    if (other != nullptr && value.is_object() && other->is_object()) {
      check_all_differ(value, *other, path + name + ".");
    } else if (name != "kind") {
      CHECK((other == nullptr || !(value == *other)));
    }
  }
}

}  // namespace

TEST_CASE("save_model: options keep every field") {
  models::ConvTokenizerOptions channels = convolutions();
  channels.channels = {4, 6};  // excluded with stages in a model, not in a file
  for (const models::TokenizerOptions& tokenizer :
       {models::TokenizerOptions(kPatches), models::TokenizerOptions(kShifted),
        models::TokenizerOptions(channels)}) {
    const eg::io::Json json = eg::io::to_json(unusual(tokenizer));
    const auto read = eg::io::from_json<models::VisionTransformerOptions>(json);
    CHECK(eg::io::to_json(read) == json);
    models::TokenizerOptions plain = tokenizer;
    std::visit([](auto& o) { o = {}; }, plain);
    check_all_differ(json, eg::io::to_json(models::VisionTransformerOptions{.tokenizer = plain}),
                     "");
  }
  // Each field reaches its own member.
  const auto read =
      eg::io::from_json<models::VisionTransformerOptions>(eg::io::to_json(unusual(kPatches)));
  const auto patches = std::get<models::PatchEmbeddingOptions>(read.tokenizer);
  CHECK(patches.stride == 3);
  CHECK(patches.padding == 1);
  CHECK(patches.init.rule == nn::Init::kXavierUniform);
  CHECK(read.layer.head_dim == 4);
  CHECK(read.layer.norm_eps == 1e-3);
  CHECK(read.layer.attention_dropout == 0.2);
  CHECK(read.layer.stochastic_depth == 0.4);
  CHECK(read.layer.output_scale == 0.5);
  CHECK(read.positions == models::Positions::kSinCos2d);
  CHECK(read.position_dropout == 0.15);
  CHECK(read.patch_dropout == 0.25);
  CHECK(read.rotary_base == 20);
  CHECK(read.stochastic_depth == 0.3);
  CHECK(read.norm_eps == 1e-4);
}

TEST_CASE("save_model: a model comes back with its weights and running statistics") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  eg::Generator rng(1);
  auto options = unusual(convolutions());
  options.distilled = false;  // excluded by the pooling
  options.stochastic_depth = 0;  // excluded with layer.stochastic_depth and with shared layers
  options.layer.init = {};
  const models::VisionTransformer<float> model(options, rng);
  model.whitening()->set_filters(test::random<float>({16, 2, 2, 2}));
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

TEST_CASE("save_model: a model in several files loads by its index") {
  const test::TemporaryFolder folder;
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.image_size = 4, .classes = 2, .dim = 4, .depth = 1, .layer = {.heads = 2}}, rng);
  models::save_model(folder / "whole.safetensors", model);
  const eg::io::SafetensorsFile whole(folder / "whole.safetensors");
  eg::io::SafetensorsWriter parts[2];
  eg::io::Json index;
  for (const std::string& name : whole.names()) {
    const std::size_t part = name.starts_with("blocks.") ? 0 : 1;
    parts[part].add(name, whole.get<float>(name));
    index["weight_map"][name] = part == 0 ? "0.safetensors" : "1.safetensors";
  }
  for (const auto& [key, value] : whole.metadata()) parts[1].add_metadata(key, value);
  parts[0].write(folder / "0.safetensors");
  parts[1].write(folder / "1.safetensors");
  const std::string path = folder.write("model.safetensors.index.json", index.dump());

  const auto again = models::load_vision_transformer<float>(path);
  const Tensor<float> images(test::random<float>({1, 3, 4, 4}));
  CHECK_SAME(again(images).value(), model(images).value());
}

TEST_CASE("save_model: a language model, all of its options too") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  const models::LanguageModelOptions options{.vocabulary = 7,
                                             .context = 5,
                                             .dim = 4,
                                             .depth = 2,
                                             .layer = {.heads = 2, .mlp_ratio = 3},
                                             .dropout = 0.25,
                                             .tie_weights = false,
                                             .init_stddev = 0.5};
  eg::io::Json json = eg::io::to_json(options);
  const eg::io::Json plain = eg::io::to_json(models::LanguageModelOptions{});
  json["layer"] = eg::io::Json::object();  // its fields are tested above
  check_all_differ(json, plain, "");
  eg::Generator rng(1);
  const models::LanguageModel<float> model(options, rng);
  eg::models::save_model(path, model, {{"note", "mine"}});
  const auto again = eg::models::load_language_model<float>(path);
  CHECK(eg::io::to_json(again.options()) == eg::io::to_json(options));
  model.eval();
  again.eval();
  const NdArray<eg::Index> tokens({2, 3}, {0, 1, 2, 6, 5, 4});
  CHECK_SAME(again(tokens).value(), model(tokens).value());
  CHECK_ERROR(eg::models::load_vision_transformer<float>(path), eg::IoError,
              "[load_vision_transformer] " + path +
                  " holds a model of type LanguageModel, not a VisionTransformer");
  eg::io::save_safetensors(
      path, model.state_dict(),
      {{"eigengrad.model", "LanguageModel"}, {"eigengrad.options", R"({"vocabulary": 7})"}});
  CHECK_ERROR(eg::models::load_language_model<float>(path), eg::IoError,
              "[load_language_model] " + path + ": [json] field 'context' is missing");
}

TEST_CASE("save_model: an encoder-decoder, all of its options too") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  const models::Seq2SeqTransformerOptions options{.source_vocabulary = 7,
                                                  .target_vocabulary = 6,
                                                  .dim = 4,
                                                  .encoder_depth = 1,
                                                  .decoder_depth = 2,
                                                  .layer = {.heads = 2, .mlp_ratio = 3},
                                                  .dropout = 0.25,
                                                  .max_length = 5,
                                                  .padding = 3,
                                                  .tie_weights = true};
  eg::io::Json json = eg::io::to_json(options);
  models::Seq2SeqTransformerOptions other;
  other.padding = 0;  // an optional is written when it has a value
  const eg::io::Json plain = eg::io::to_json(other);
  json["layer"] = eg::io::Json::object();  // its fields are tested above
  check_all_differ(json, plain, "");
  eg::Generator rng(1);
  const models::Seq2SeqTransformer<float> model(options, rng);
  eg::models::save_model(path, model);
  const auto again = eg::models::load_seq2seq_transformer<float>(path);
  CHECK(eg::io::to_json(again.options()) == eg::io::to_json(options));
  model.eval();
  again.eval();
  const NdArray<eg::Index> source({1, 3}, {0, 6, 3}), target({1, 2}, {1, 5});
  CHECK_SAME(again(source, target).value(), model(source, target).value());
  CHECK_ERROR(eg::models::load_language_model<float>(path), eg::IoError,
              "[load_language_model] " + path +
                  " holds a model of type Seq2SeqTransformer, not a LanguageModel");
}

TEST_CASE("save_model: error") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.image_size = 8, .classes = 2, .dim = 4, .depth = 1, .layer = {.heads = 1}}, rng);
  CHECK_ERROR((eg::models::save_model(path, model, {{"eigengrad.options", ""}}), 0), eg::ValueError,
              "[save_model] the metadata's name is taken: eigengrad.options");
  const auto load = [&] { return eg::models::load_vision_transformer<float>(path); };
  const auto save = [&](const std::map<std::string, std::string>& metadata) {
    eg::io::save_safetensors(path, model.state_dict(), metadata);
  };
  save({});
  CHECK_ERROR(load(), eg::IoError,
              "[load_vision_transformer] " + path +
                  " does not say which model its weights belong to; save it with save_model");
  save({{"eigengrad.model", "Mlp"}, {"eigengrad.options", "{}"}});
  CHECK_ERROR(
      load(), eg::IoError,
      "[load_vision_transformer] " + path + " holds a model of type Mlp, not a VisionTransformer");
  save({{"eigengrad.model", "VisionTransformer"}, {"eigengrad.options", "{}"}});
  CHECK_ERROR(load(), eg::IoError,
              "[load_vision_transformer] " + path + ": [json] field 'image_size' is missing");
  eg::io::Json json = eg::io::to_json(model.options());
  const auto save_options = [&] {
    save({{"eigengrad.model", "VisionTransformer"}, {"eigengrad.options", json.dump()}});
  };
  const eg::io::Json good = json;
  json["tokenizer"] = eg::io::Json::parse(R"({"kind": "patch", "side": 4})");
  save_options();
  CHECK_ERROR(
      load(), eg::IoError,
      "[load_vision_transformer] " + path + ": [json] field 'tokenizer.channels_in' is missing");
  json["tokenizer"] = eg::io::Json::parse(R"({"kind": "pixels"})");
  save_options();
  CHECK_ERROR(
      load(), eg::IoError,
      "[load_vision_transformer] " + path +
          ": [json] field 'tokenizer.kind' must be one of patch, shifted, conv: \"pixels\"");
  json = good;
  json["layer"]["heads"] = 3;
  save_options();
  CHECK_ERROR(load(), eg::IoError,
              "[load_vision_transformer] " + path +
                  " does not hold the model that it describes: [vision_transformer] dim must be "
                  "divisible by heads: dim 4, heads 3");
  json = good;
  json["classes"] = 3;
  save_options();
  CHECK_ERROR(load(), eg::IoError,
              "[load_vision_transformer] " + path +
                  " does not hold the model that it describes: [load_state_dict] names and shapes "
                  "must be the module's: 2 of another shape\n"
                  "  of another shape: head.weight (2, 4), the module's is (3, 4)\n"
                  "  of another shape: head.bias (2), the module's is (3)");
}
