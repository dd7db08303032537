// SPDX-License-Identifier: MIT
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/models/load_gpt2.hpp>
#include <eigengrad/models/load_pretrained.hpp>
#include <eigengrad/models/save_pretrained.hpp>

// Loads a model of another library, runs it and saves it again; see reference/pretrained.py.
//     pretrained_check MODEL INPUTS RESULTS [--heads N] [--save FOLDER] [--format NAME]
namespace eg = eigengrad;
namespace models = eg::models;

namespace {

using Options = std::map<std::string, std::string>;

models::PretrainedFormat format_of(const std::string& name) {
  return eg::io::from_json<models::PretrainedFormat>(eg::io::Json(name));
}

eg::NdArray<float> run_vit(const std::string& path, const eg::io::SafetensorsFile& inputs,
                           Options& options) {
  const auto vit = models::load_pretrained<float>(
      path, {.heads = options.contains("--heads") ? std::stol(options["--heads"]) : 0});
  vit.eval();
  if (options.contains("--save")) {
    models::save_pretrained(options["--save"], vit, format_of(options["--format"]));
  }
  return vit(eg::Tensor<float>(inputs.get<float>("inputs"))).value();
}

eg::NdArray<float> run_gpt2(const std::string& path, const eg::io::SafetensorsFile& inputs,
                            Options& options) {
  const auto model = models::load_gpt2<float>(path);
  model.eval();
  if (options.contains("--save")) models::save_gpt2(options["--save"], model);
  return model(inputs.get<eg::Index>("inputs")).value();
}

}  // namespace

int main(int count, char** words) try {
  if (count < 4) {
    std::fputs("usage: pretrained_check MODEL INPUTS RESULTS [--heads N] [--save FOLDER]\n",
               stderr);
    return 2;
  }
  Options options;
  for (int i = 4; i + 1 < count; i += 2) options[words[i]] = words[i + 1];
  const eg::io::SafetensorsFile inputs(words[2]);
  const eg::NoGrad no_grad;
  const bool tokens = inputs.dtype("inputs") == "I64";
  const eg::NdArray<float> outputs =
      tokens ? run_gpt2(words[1], inputs, options) : run_vit(words[1], inputs, options);
  eg::io::save_safetensors<float>(words[3], {{"outputs", outputs}});
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
