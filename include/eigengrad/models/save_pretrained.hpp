// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs save weights for other libraries.
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/models/pretrained/pretrained_file.hpp>
#include <eigengrad/models/pretrained/vit_names.hpp>
#include <eigengrad/models/pretrained/weight_names.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// Vision transformers for timm, Hugging Face's transformers and torchvision.
namespace eigengrad {

namespace models {

struct SavePretrainedOptions {
  /// Names of the classes for Hugging Face's id2label; none means LABEL_0, LABEL_1 ...
  std::vector<std::string> class_names = {};
  /// What was subtracted from each channel of images in [0, 1], and what they were then divided by;
  /// unset leaves both out.
  std::vector<double> mean = {};
  std::vector<double> stddev = {};
};

}  // namespace models

namespace detail {

/// **Throws** ValueError unless `fits`: a setting that the other library does not have.
inline void need_setting(bool fits, const char* library, const char* setting) {
  if (fits) return;
  throw ValueError(concat("[save_pretrained] ", library, "'s VisionTransformer needs ", setting));
}

/// What none of the three libraries has.
inline const models::PatchEmbeddingOptions& check_saved_vit(
    const models::VisionTransformerOptions& o, const char* library) {
  const auto* patches = std::get_if<models::PatchEmbeddingOptions>(&o.tokenizer);
  need_setting(patches != nullptr && patches->tiles(), library, "patches that touch");
  need_setting(
      o.positions == models::Positions::kLearned && o.position_count == 0 && o.rotary_base == 0,
      library, "learned positions alone, position_count 0");
  need_setting(o.layer.norm_first && !o.layer.activate_output && !o.layer.locality, library,
               "layer.norm_first, and neither activate_output nor locality");
  need_setting(o.layer.head_dim == 0 || o.layer.head_dim * o.layer.heads == o.dim, library,
               "layer.head_dim dim / heads");
  need_setting(!o.layer.norm_eps || *o.layer.norm_eps == o.norm_eps, library,
               "one norm_eps in all norms");
  need_setting(!o.shared_layers, library, "a layer of its own at each depth, no shared_layers");
  return *patches;
}

/// What Hugging Face's and torchvision's models have less than timm's.
inline void check_plain_vit(const models::VisionTransformerOptions& o,
                            const models::PatchEmbeddingOptions& patches, const char* library) {
  need_setting(o.pooling == models::Pooling::kClassToken && !o.distilled && o.registers == 0,
               library, "pooling kClassToken, neither distilled nor registers");
  need_setting(o.final_norm == models::FinalNorm::kBeforePooling && !o.initial_norm, library,
               "final_norm kBeforePooling, no initial_norm");
  need_setting(!o.layer.layer_scale && patches.bias && o.prefix_positions, library,
               "no layer.layer_scale, a bias of the patches, and prefix_positions");
  need_setting(o.head_hidden.empty() || (o.head_tanh && o.head_hidden.size() == 1), library,
               "at most one layer in head_hidden, with head_tanh");
}

/// timm's config.json.
inline io::Json timm_config(const models::VisionTransformerOptions& o,
                            const models::SavePretrainedOptions& options) {
  const models::PatchEmbeddingOptions& patches = check_saved_vit(o, "timm");
  const bool mean = o.pooling == models::Pooling::kMean;
  need_setting(mean || o.pooling == models::Pooling::kClassToken, "timm",
               "pooling kClassToken or kMean");
  need_setting(o.head_hidden.empty(), "timm", "no head_hidden");
  need_setting(o.norm_eps == 1e-6 || (o.norm_eps == 1e-5 && !o.distilled), "timm",
               "norm_eps 1e-6, or 1e-5 unless distilled");
  need_setting(patches.bias == !o.initial_norm, "timm",
               "a bias of the patches, or an initial_norm and no bias");
  need_setting(o.final_norm != models::FinalNorm::kNone, "timm", "a final_norm");
  need_setting(!o.distilled || (o.registers == 0 && o.prefix_positions), "timm",
               "prefix_positions and no registers where distilled");
  io::Json arguments = io::Json::object();
  arguments["img_size"] = o.image_size;
  arguments["patch_size"] = patches.patch_size;
  arguments["in_chans"] = o.channels_in;
  arguments["embed_dim"] = o.dim;
  arguments["depth"] = o.depth;
  arguments["num_heads"] = o.layer.heads;
  arguments["mlp_ratio"] = o.layer.mlp_ratio;
  arguments["qkv_bias"] = o.layer.qkv_bias;
  if (o.layer.layer_scale) arguments["init_values"] = *o.layer.layer_scale;
  if (o.layer.activation != Activation::kGelu) {
    arguments["act_layer"] = activation_word("save_pretrained", o.layer.activation, "gelu_tanh");
  }
  if (!o.distilled) {
    arguments["global_pool"] = mean ? "avg" : "token";
    arguments["class_token"] = !mean;
    arguments["no_embed_class"] = !o.prefix_positions;
    arguments["reg_tokens"] = o.registers;
    arguments["pre_norm"] = o.initial_norm;
    arguments["fc_norm"] = o.final_norm == models::FinalNorm::kAfterPooling;
  }
  io::Json config = io::Json::object();
  config["architecture"] = o.distilled          ? "deit_base_distilled_patch16_224"
                           : o.norm_eps == 1e-5 ? "vit_base_patch16_clip_224"
                                                : "vit_base_patch16_224";
  config["num_classes"] = o.classes;
  config["num_features"] = o.dim;
  config["global_pool"] = mean ? "avg" : "token";
  config["model_args"] = std::move(arguments);
  io::Json pretrained = io::Json::object();
  pretrained["input_size"] = std::vector<Index>{o.channels_in, o.image_size, o.image_size};
  pretrained["num_classes"] = o.classes;
  pretrained["first_conv"] = "patch_embed.proj";
  if (o.distilled)
    pretrained["classifier"] = std::vector<std::string>{"head", "head_dist"};
  else
    pretrained["classifier"] = "head";
  if (!options.mean.empty()) pretrained["mean"] = options.mean;
  if (!options.stddev.empty()) pretrained["std"] = options.stddev;
  config["pretrained_cfg"] = std::move(pretrained);
  return config;
}

/// Hugging Face's preprocessor_config.json.
inline io::Json huggingface_preprocessor(const models::VisionTransformerOptions& o,
                                         const models::SavePretrainedOptions& options) {
  io::Json size = io::Json::object();
  size["height"] = o.image_size;
  size["width"] = o.image_size;
  io::Json out = io::Json::object();
  out["image_processor_type"] = "ViTImageProcessor";
  out["do_resize"] = true;
  out["size"] = std::move(size);
  out["do_rescale"] = true;
  out["rescale_factor"] = 1. / 255;
  out["do_normalize"] = true;
  out["image_mean"] = options.mean;
  out["image_std"] = options.stddev;
  return out;
}

/// Hugging Face's config.json.
inline io::Json huggingface_config(const models::VisionTransformerOptions& o,
                                   const std::vector<std::string>& class_names) {
  const models::PatchEmbeddingOptions& patches = check_saved_vit(o, "Hugging Face");
  check_plain_vit(o, patches, "Hugging Face");
  need_setting(o.head_hidden.empty() || o.classes == 0, "Hugging Face",
               "a head without hidden layers, or hidden layers (the pooler) and classes 0");
  if (!class_names.empty() && static_cast<Index>(class_names.size()) != o.classes) {
    throw ValueError(concat("[save_pretrained] class_names must be one for each class: ",
                            class_names.size(), " for ", o.classes));
  }
  io::Json config = io::Json::object();
  config["model_type"] = "vit";
  config["architectures"] =
      std::vector<io::Json>{io::Json(o.classes > 0 ? "ViTForImageClassification" : "ViTModel")};
  config["hidden_size"] = o.dim;
  config["num_hidden_layers"] = o.depth;
  config["num_attention_heads"] = o.layer.heads;
  config["intermediate_size"] = mlp_of("save_pretrained", layer_options(o, 0)).hidden;
  config["hidden_act"] = activation_word("save_pretrained", o.layer.activation, "gelu_new");
  config["layer_norm_eps"] = o.norm_eps;
  config["image_size"] = o.image_size;
  config["patch_size"] = patches.patch_size;
  config["num_channels"] = o.channels_in;
  config["qkv_bias"] = o.layer.qkv_bias;
  config["hidden_dropout_prob"] = o.layer.dropout;
  config["attention_probs_dropout_prob"] = o.layer.attention_dropout;
  if (!o.head_hidden.empty()) config["pooler_output_size"] = o.head_hidden[0];
  io::Json labels = io::Json::object(), numbers = io::Json::object();
  for (Index k = 0; k < o.classes; ++k) {
    const std::string label =
        class_names.empty() ? concat("LABEL_", k) : class_names[static_cast<std::size_t>(k)];
    labels[std::to_string(k)] = label;
    numbers[label] = k;
  }
  if (o.classes > 0) {
    config["id2label"] = std::move(labels);
    config["label2id"] = std::move(numbers);
  }
  return config;
}

inline void check_torchvision(const models::VisionTransformerOptions& o) {
  check_plain_vit(o, check_saved_vit(o, "torchvision"), "torchvision");
  need_setting(o.norm_eps == 1e-6 && o.layer.qkv_bias && o.layer.activation == Activation::kGelu,
               "torchvision", "norm_eps 1e-6, qkv_bias, and layer.activation kGelu");
}

}  // namespace detail

namespace models {

/// Writes a model for another library: model.safetensors in `folder`, with that library's names,
/// and its config.json (which torchvision does not have). In Python:
///
///     timm.create_model("local-dir:FOLDER")
///     ViTForImageClassification.from_pretrained("FOLDER")   # ViTModel without a head
///     VisionTransformer(...).load_state_dict(load_file("FOLDER/model.safetensors"))  # torchvision
///
/// **Throws** ValueError for a setting that the library's model does not have, before anything is
/// written; IoError when the files cannot be.
template <class T>
void save_pretrained(const std::string& folder, const VisionTransformer<T>& model,
                     PretrainedFormat format, const SavePretrainedOptions& options = {}) {
  const VisionTransformerOptions& o = model.options();
  const nn::StateDict<T> own = model.state_dict();
  const auto channels = static_cast<std::size_t>(o.channels_in);
  if (options.mean.size() != options.stddev.size() ||
      (!options.mean.empty() && options.mean.size() != channels)) {
    throw ValueError(detail::concat("[save_pretrained] mean and stddev must both be unset or have ",
                                    channels, " numbers: ", options.mean.size(), " and ",
                                    options.stddev.size()));
  }
  nn::StateDict<T> theirs;
  io::Json config;
  if (format == PretrainedFormat::kTimm) {
    config = detail::timm_config(o, options);
    theirs = detail::to_their_names<T>(own, detail::kTimmNames, "", "");
  } else if (format == PretrainedFormat::kHuggingFace) {
    config = detail::huggingface_config(o, options.class_names);
    theirs = detail::to_their_names<T>(own, detail::kHuggingFaceNames, o.classes > 0 ? "vit." : "",
                                       "classifier");
  } else {
    detail::check_torchvision(o);
    theirs = detail::to_their_names<T>(own, detail::kTorchvisionNames, "", "");
  }
  detail::write_pretrained(folder, theirs, config);
  if (format == PretrainedFormat::kHuggingFace && !options.mean.empty()) {
    io::write_file(folder + "/preprocessor_config.json",
                   detail::huggingface_preprocessor(o, options).dump() + "\n");
  }
}

}  // namespace models
}  // namespace eigengrad
