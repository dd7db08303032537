// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/io/safetensors_file.hpp>

/// Weights from safetensors files, under the names that a model here gives them:
///
///     model.load_state_dict(io::load_safetensors<float>(
///         "model.safetensors", {.replace = {{"vit", ""}, {"encoder.layer", "blocks"}}}));
namespace eigengrad::io {

/// Which arrays of a file get which names.
struct LoadSafetensorsArguments {
  /// Pairs of what to replace and what by, applied one after the other. Both are one or more whole
  /// parts of a dotted name, which may be anywhere in it: {"encoder.layer", "blocks"} makes
  /// "vit.blocks.0.bias" of "vit.encoder.layer.0.bias" and leaves "encoder.layers" alone. By
  /// nothing ("") means that the parts are left out.
  std::vector<std::pair<std::string, std::string>> replace = {};
  /// The new name for what `replace` has made of an old one; none for an array that is not wanted.
  std::function<std::optional<std::string>(const std::string&)> rename = nullptr;
};

namespace detail {

/// ".a.b." for "a.b", so that whole parts are found; "." for "".
inline std::string with_dots(std::string_view name) {
  while (name.starts_with('.')) name.remove_prefix(1);
  while (name.ends_with('.')) name.remove_suffix(1);
  return name.empty() ? "." : concat(".", name, ".");
}

/// Replaces whole parts of a dotted name.
inline std::string replace_parts(const std::string& name, std::string_view from,
                                 std::string_view to) {
  const std::string old_parts = with_dots(from);
  const std::string new_parts = with_dots(to);
  std::string out = "." + name + ".";
  for (std::size_t at = out.find(old_parts); at != out.npos; at = out.find(old_parts, at)) {
    out.replace(at, old_parts.size(), new_parts);
    at += new_parts.size() - 1;  // its last dot may begin the next one
  }
  return out.size() < 2 ? "" : out.substr(1, out.size() - 2);
}

/// Old names by new ones. **Throws** ValueError as `load_safetensors` does.
inline std::map<std::string, std::string> new_names(const SafetensorsFile& file,
                                                    const LoadSafetensorsArguments& arguments) {
  for (const auto& rule : arguments.replace) {
    if (with_dots(rule.first) == ".") {
      throw ValueError(concat("[load_safetensors] what to replace by '", rule.second,
                              "' must not be empty; rename can add a prefix"));
    }
  }
  std::map<std::string, std::string> out;
  for (const std::string& old_name : file.names()) {
    const std::string& dtype = file.dtype(old_name);
    if (!dtype.starts_with("F") && !dtype.starts_with("BF")) continue;
    std::optional<std::string> name = old_name;
    for (const auto& [from, to] : arguments.replace) name = replace_parts(*name, from, to);
    if (arguments.rename) name = arguments.rename(*name);
    if (!name) continue;
    if (name->empty()) {
      throw ValueError(concat("[load_safetensors] ", file.path(), ": nothing is left of the name '",
                              old_name, "'"));
    }
    const auto [twin, is_new] = out.emplace(*name, old_name);
    if (!is_new) {
      throw ValueError(concat("[load_safetensors] ", file.path(), ": '", twin->second, "' and '",
                              old_name, "' would both be called '", *name, "'"));
    }
  }
  return out;
}

}  // namespace detail

/// All arrays of real numbers in a file (or in those of an index), converted to `T`; integers,
/// such as counters and tables of positions, are left out. The result is a state dict.
///
/// **Throws** IoError when the file cannot be read or holds real numbers of a type that is not
/// supported; ValueError when two arrays get one name, or one gets none.
template <std::floating_point T>
std::map<std::string, NdArray<T>> load_safetensors(const SafetensorsFile& file,
                                                   const LoadSafetensorsArguments& arguments = {}) {
  std::map<std::string, NdArray<T>> out;
  for (const auto& [name, old_name] : detail::new_names(file, arguments)) {
    out.emplace(name, file.get<T>(old_name));
  }
  return out;
}
template <std::floating_point T>
std::map<std::string, NdArray<T>> load_safetensors(const std::string& path,
                                                   const LoadSafetensorsArguments& arguments = {}) {
  return load_safetensors<T>(SafetensorsFile(path), arguments);
}

}  // namespace eigengrad::io
