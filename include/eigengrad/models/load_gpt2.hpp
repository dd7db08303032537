// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/models/language_model.hpp>
#include <eigengrad/models/pretrained/pretrained_file.hpp>
#include <eigengrad/models/pretrained/weight_names.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// GPT-2 as Hugging Face saves it (GPT2LMHeadModel), read and written.
namespace eigengrad {

namespace detail {

inline constexpr WeightName kGpt2Names[] = {
    {"token_embedding", {"wte"}},
    {"position_embedding", {"wpe.weight"}},
    {"encoder.layers.#.norm1", {"h.#.ln_1"}},
    {"encoder.layers.#.attn.qkv", {"h.#.attn.c_attn"}, true},
    {"encoder.layers.#.attn.proj", {"h.#.attn.c_proj"}, true},
    {"encoder.layers.#.norm2", {"h.#.ln_2"}},
    {"encoder.layers.#.mlp.fc1", {"h.#.mlp.c_fc"}, true},
    {"encoder.layers.#.mlp.fc2", {"h.#.mlp.c_proj"}, true},
    {"encoder.norm", {"ln_f"}},
    {"head", {"lm_head"}},
    {"", {"h.#.attn.bias"}},  // masks, in old files
    {"", {"h.#.attn.masked_bias"}},
};

/// **Throws** ValueError for a setting that LanguageModel does not have.
inline void check_gpt2_config(const io::Json& config) {
  const auto is = [&](const char* name, bool usual) {
    const io::Json* found = config.find(name);
    if (found != nullptr && found->is_bool() && found->as_bool() != usual) {
      throw ValueError(
          concat("config.json: ", name, " ", usual ? "false" : "true", " is not represented"));
    }
  };
  is("scale_attn_weights", true);
  is("scale_attn_by_inverse_layer_idx", false);
}

/// The options of the model that has these weights, which have our names.
template <class T>
models::LanguageModelOptions gpt2_options(const nn::StateDict<T>& weights, const io::Json& config) {
  models::LanguageModelOptions o;
  const Shape tokens = need_weight(weights, "token_embedding.weight", 2).shape();
  o.vocabulary = tokens[0];
  o.dim = tokens[1];
  o.context = need_weight(weights, "position_embedding", 2).dim(0);
  while (weights.contains(concat("encoder.layers.", o.depth, ".norm1.weight"))) ++o.depth;
  // 64 in all published sizes
  o.layer.heads = integer_member(config, "n_head").value_or(o.dim % 64 == 0 ? o.dim / 64 : 0);
  if (o.layer.heads == 0) {
    throw ValueError(concat("the number of heads follows neither from a config.json nor from the ",
                            "width ", o.dim, "; put config.json next to the file"));
  }
  const std::string activation = string_member(config, "activation_function");
  o.layer.activation = activation_of(activation.empty() ? "gelu_new" : activation);
  o.layer.norm_eps = number_member(config, "layer_norm_epsilon").value_or(1e-5);
  if (o.depth > 0) {
    const Index hidden = need_weight(weights, "encoder.layers.0.mlp.fc1.weight", 2).dim(0);
    o.layer.mlp_ratio = static_cast<double>(hidden) / static_cast<double>(o.dim);
  }
  o.tie_weights = !weights.contains("head.weight");
  return o;
}

template <class T>
models::LanguageModel<T> build_gpt2(const PretrainedFile<T>& file) {
  const auto prefix = prefix_before(file.weights, "wte.weight");
  if (!prefix) throw ValueError("its names are not GPT-2's: no wte.weight");
  check_gpt2_config(file.config);
  OwnWeights<T> own = to_own_names<T>(file.weights, kGpt2Names, *prefix);
  check_represented("LanguageModel", own.unknown);
  const auto head = own.dict.find("head.weight"), tied = own.dict.find("token_embedding.weight");
  if (head != own.dict.end() && tied != own.dict.end() &&
      head->second.shape() == tied->second.shape() &&
      std::equal(head->second.begin(), head->second.end(), tied->second.begin())) {
    own.dict.erase(head);
  }
  Generator rng(0);  // all weights are replaced
  models::LanguageModel<T> model(gpt2_options(own.dict, file.config), rng);
  model.load_state_dict(own.dict);
  return model;
}

/// Hugging Face's config.json. **Throws** ValueError for a setting that its GPT-2 does not have.
inline io::Json gpt2_config(const models::LanguageModelOptions& o) {
  const nn::TransformerLayerOptions& layer = o.layer;
  if (!layer.norm_first || !layer.qkv_bias || layer.activate_output || layer.locality ||
      layer.layer_scale || (layer.head_dim != 0 && layer.head_dim * layer.heads != o.dim)) {
    throw ValueError(
        "[save_gpt2] GPT-2 has layers with norm_first, qkv_bias, heads of dim / heads, and no "
        "activate_output, locality or layer_scale");
  }
  io::Json config = io::Json::object();
  config["model_type"] = "gpt2";
  config["architectures"] = std::vector<io::Json>{io::Json("GPT2LMHeadModel")};
  config["vocab_size"] = o.vocabulary;
  config["n_positions"] = o.context;
  config["n_embd"] = o.dim;
  config["n_layer"] = o.depth;
  config["n_head"] = layer.heads;
  config["n_inner"] = std::llround(layer.mlp_ratio * static_cast<double>(o.dim));
  config["activation_function"] = activation_word("save_gpt2", layer.activation, "gelu_new");
  config["layer_norm_epsilon"] = layer.norm_eps.value_or(nn::LayerNormOptions().eps);
  config["embd_pdrop"] = o.dropout;
  config["resid_pdrop"] = layer.dropout == 0 ? o.dropout : layer.dropout;
  config["attn_pdrop"] = layer.attention_dropout == 0 ? o.dropout : layer.attention_dropout;
  config["tie_word_embeddings"] = o.tie_weights;
  config["bos_token_id"] = io::Json();
  config["eos_token_id"] = io::Json();
  return config;
}

}  // namespace detail

namespace models {

/// The GPT-2 in a file of Hugging Face (GPT2LMHeadModel or GPT2Model), in training mode; see
/// `load_pretrained`. Its text is tokens of Hugging Face's tokenizer, which the library lacks.
///
/// **Throws** IoError for what it cannot read, and for weights or settings that LanguageModel does
/// not represent.
template <class T>
LanguageModel<T> load_gpt2(const std::string& path) {
  return detail::load_with<T>("load_gpt2", path, detail::build_gpt2<T>);
}

/// Writes a language model for Hugging Face: model.safetensors and config.json in `folder`.
///
///     GPT2LMHeadModel.from_pretrained("FOLDER")
///
/// **Throws** ValueError for a setting that GPT-2 does not have, before anything is written;
/// IoError when the files cannot be.
template <class T>
void save_gpt2(const std::string& folder, const LanguageModel<T>& model) {
  const io::Json config = detail::gpt2_config(model.options());
  const nn::StateDict<T> theirs =
      detail::to_their_names<T>(model.state_dict(), detail::kGpt2Names, "transformer.", "lm_head");
  detail::write_pretrained(folder, theirs, config);
}

}  // namespace models
}  // namespace eigengrad
