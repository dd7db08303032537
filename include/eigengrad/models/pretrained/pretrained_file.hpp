// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: few programs load weights of other libraries.
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/io/safetensors_file.hpp>
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/nn/load_state_dict.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// What other libraries save: weights, and a config.json with them.
namespace eigengrad::detail {

template <class T>
struct PretrainedFile {
  std::string path;
  nn::StateDict<T> weights;
  io::Json config;  ///< an empty object if there is no config.json
};

/// The weights in a folder, in one file or by the index of several; a file as it is. `loader` is
/// the function that messages name. **Throws** IoError where there are none.
inline std::string weights_path(const char* loader, const std::string& path) {
  if (!io::is_folder(path)) return path;
  for (const char* name : {"/model.safetensors", "/model.safetensors.index.json"}) {
    if (io::is_file(path + name)) return path + name;
  }
  const bool pickle = io::is_file(path + "/pytorch_model.bin");
  throw IoError(concat("[", loader, "] ", path, " has no model.safetensors",
                       pickle ? "; pytorch_model.bin is not read, save the model with "
                                "safe_serialization=True"
                              : ""));
}

/// Reads weights and configuration. **Throws** IoError when it cannot.
template <class T>
PretrainedFile<T> read_pretrained(const char* loader, const std::string& path) {
  PretrainedFile<T> out;
  out.path = weights_path(loader, path);
  const io::SafetensorsFile file(out.path);
  for (const std::string& name : file.names()) out.weights.emplace(name, file.get<T>(name));
  const std::string config = out.path.substr(0, out.path.rfind('/') + 1) + "config.json";
  out.config =
      io::is_file(config) ? io::Json::parse(io::read_file(config), config) : io::Json::object();
  if (!out.config.is_object()) {
    throw IoError(
        concat("[", loader, "] ", config, " must hold an object, it is ", out.config.kind()));
  }
  return out;
}

/// build(what `path` holds); what is wrong with its weights becomes an IoError that names the file.
template <class T, class Build>
auto load_with(const char* loader, const std::string& path, const Build& build) {
  const PretrainedFile<T> file = read_pretrained<T>(loader, path);
  try {
    return build(file);
  } catch (const std::invalid_argument& error) {  // a ValueError or a ShapeError
    throw IoError(concat("[", loader, "] ", file.path, ": ", error.what()));
  }
}

/// Writes model.safetensors, and config.json unless it is null, into `folder`.
template <class T>
void write_pretrained(const std::string& folder, const nn::StateDict<T>& weights,
                      const io::Json& config) {
  io::make_folder(folder);
  io::save_safetensors(folder + "/model.safetensors", weights, {{"format", "pt"}});
  if (!config.is_null()) io::write_file(folder + "/config.json", config.dump() + "\n");
}

/// **Throws** ValueError unless every weight found a place.
inline void check_represented(const char* model, const std::vector<std::string>& unknown) {
  if (unknown.empty()) return;
  std::string lines;
  append_lines(lines, "weight", unknown);
  throw ValueError(concat(model, " has no place for ", unknown.size(), " weights", lines));
}

/// A member that may be missing or null. **Throws** ValueError when it is of another kind.
inline std::optional<Index> integer_member(const io::Json& json, const char* name) {
  const io::Json* found = json.find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  if (!found->is_integer()) {
    throw ValueError(concat("config.json: ", name, " must be an integer, it is ", found->kind()));
  }
  return found->as_integer();
}
/// The side of squares, which may be given as height and width. **Throws** ValueError for others.
inline std::optional<Index> side_member(const io::Json& json, const char* name) {
  const io::Json* found = json.find(name);
  if (found == nullptr || !found->is_array()) return integer_member(json, name);
  const io::Json::Array& sides = found->items();
  const bool square = sides.size() == 2 && sides[0].is_integer() && sides[1].is_integer() &&
                      sides[0].as_integer() == sides[1].as_integer();
  if (!square) {
    throw ValueError(concat("config.json: ", name, " ", found->dump(), " is not represented, ",
                            "images must be square"));
  }
  return sides[0].as_integer();
}
inline std::optional<double> number_member(const io::Json& json, const char* name) {
  const io::Json* found = json.find(name);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->as_number();
}
inline std::string string_member(const io::Json& json, const char* name) {
  const io::Json* found = json.find(name);
  return found != nullptr && found->is_string() ? found->as_string() : "";
}

/// The activation of a configuration; GELU where it names none.
/// **Throws** ValueError for one that the library does not have.
inline Activation activation_of(const std::string& name) {
  constexpr std::pair<const char*, Activation> kNames[] = {
      {"", Activation::kGelu},
      {"gelu", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"gelu_tanh", Activation::kGeluTanh},
      {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu}};
  for (const auto& [known, activation] : kNames) {
    if (name == known) return activation;
  }
  throw ValueError(concat("config.json: the activation '", name,
                          "' is not represented; gelu, gelu_new, relu and silu are"));
}

/// The name of an activation in a configuration. **Throws** ValueError, in the name of `saver`, for
/// none.
inline const char* activation_word(const char* saver, Activation activation,
                                   const char* gelu_tanh) {
  switch (activation) {
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return gelu_tanh;
    case Activation::kRelu:
      return "relu";
    case Activation::kSilu:
      return "silu";
    default:
      throw ValueError(concat("[", saver, "] the layers need an activation"));
  }
}

}  // namespace eigengrad::detail
