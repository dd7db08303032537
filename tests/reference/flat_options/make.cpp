// SPDX-License-Identifier: MIT
// Models as save_model wrote them when VisionTransformerOptions had 31 flat fields; load_test reads
// them. Compiled against the library of that time, before the commit that nests the options:
//     g++ -std=c++20 -O2 -fopenmp -I OLD/include -isystem /usr/include/eigen3 make.cpp -o make
//     ./make FOLDER
// Each model is built with seed 1. logits.safetensors holds what each makes of `images`: NAME.eval,
// and NAME.training of the model as it is loaded, which depends on the draws of its dropout.
#include <string>

#include <eigengrad/models/save.hpp>

namespace eg = eigengrad;
using namespace eg::nn;

namespace {

VisionTransformerOptions patch() {
  return {.image_size = 8,
          .channels_in = 2,
          .patch_size = 3,
          .patch_stride = 2,
          .patch_padding = 1,
          .classes = 3,
          .dim = 8,
          .depth = 2,
          .heads = 2,
          .head_dim = 3,
          .mlp_ratio = 1.5,
          .patch_method = PatchMethod::kConv2d,
          .activation = eg::Activation::kSilu,
          .qkv_bias = false,
          .dropout = 0.2,
          .attention_dropout = 0.3,
          .stochastic_depth = 0.4,
          .norm_eps = 1e-3,
          .init = {Init::kXavierNormal, 0.9},
          .output_scale = 0.5};
}

VisionTransformerOptions shifted() {
  return {.image_size = 8,
          .channels_in = 2,
          .patch_size = 4,
          .shifted_patches = true,
          .classes = 3,
          .dim = 4,
          .depth = 1,
          .heads = 2,
          .mlp_ratio = 2,
          .pooling = Pooling::kMean,
          .positions = Positions::kSinCos2d,
          .locality = true,
          .init = {Init::kTruncNormal, 0.5},
          .checkpoint = true};
}

VisionTransformerOptions conv() {
  return {.image_size = 8,
          .channels_in = 2,
          .classes = 3,
          .dim = 6,
          .depth = 1,
          .heads = 1,
          .mlp_ratio = 1,
          .pooling = Pooling::kSequence,
          .tokenizer_stages = {{.channels = 4,
                                .convs = 2,
                                .pool = 2,
                                .pool_padding = 0,
                                .batch_norm = true,
                                .activation = eg::Activation::kGelu,
                                .residual = true},
                               {.channels = 6, .kernel = 2, .stride = 1, .padding = 1}},
          .tokenizer_whitening = {.kernel = 2, .activation = eg::Activation::kRelu, .bias = false},
          .tokenizer_init = {Init::kDirac, 1},
          .init = {Init::kTruncNormal, 0.5}};
}

/// The simple form of convolutions, and no positions.
VisionTransformerOptions channels() {
  return {.image_size = 8,
          .channels_in = 2,
          .classes = 3,
          .dim = 6,
          .depth = 1,
          .heads = 1,
          .mlp_ratio = 1,
          .pooling = Pooling::kFlatten,
          .positions = Positions::kNone,
          .tokenizer_channels = {4},
          .init = {Init::kTruncNormal, 0.5}};
}

VisionTransformerOptions rotary() {
  return {.image_size = 8,
          .channels_in = 2,
          .patch_size = 2,
          .classes = 3,
          .dim = 8,
          .depth = 1,
          .heads = 2,
          .mlp_ratio = 1,
          .rotary_base = 20,
          .patch_dropout = 0.5,
          .init = {Init::kTruncNormal, 0.5}};
}

}  // namespace

int main(int, char** argv) {
  const std::string folder = argv[1];
  eg::Generator images_rng(7);
  const eg::Tensor<float> images(images_rng.normal<float>({3, 2, 8, 8}));
  std::map<std::string, eg::NdArray<float>> logits{{"images", images.value()}};
  const std::pair<std::string, VisionTransformerOptions> all[] = {{"patch", patch()},
                                                                  {"shifted", shifted()},
                                                                  {"conv", conv()},
                                                                  {"channels", channels()},
                                                                  {"rotary", rotary()}};
  for (const auto& [name, options] : all) {
    eg::Generator rng(1);
    const VisionTransformer<float> model(options, rng);
    if (name == "conv") {
      const auto& whiten = *model.tokenizer()->whiten();
      whiten.set_filters(images_rng.normal<float>({16, 2, 2, 2}));
      (void)model(images);  // moves the running statistics
    }
    const std::string path = folder + "/" + name + ".safetensors";
    eg::models::save_model(path, model);
    const auto loaded = eg::models::load_vision_transformer<float>(path);
    logits[name + ".training"] = loaded(images).value();
    model.eval();
    logits[name + ".eval"] = model(images).value();
  }
  eg::io::save_safetensors(folder + "/logits.safetensors", logits);
}
