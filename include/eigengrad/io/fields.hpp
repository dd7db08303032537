// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <eigengrad/io/json.hpp>

/// Options as JSON objects, there and back by one list of their fields:
///
///     namespace mine {
///     enum class Colour { kRed, kBlue };
///     inline std::span<const char* const> enum_names(Colour) {
///       static constexpr const char* kNames[] = {"red", "blue"};
///       return kNames;
///     }
///     struct Options { double rate = 0.1; std::vector<int> sizes; Colour colour{}; };
///     template <class Visit>
///     void visit_fields(Options& o, Visit&& visit) {
///       visit("rate", o.rate);
///       visit("sizes", o.sizes);
///       visit("colour", o.colour);
///     }
///     }
///     const io::Json json = io::to_json(options);
///     const auto again = io::from_json<mine::Options>(json);
///
/// A field is a boolean, a number, a string, an enumeration with names, an object with fields of
/// its own, a vector of these, a `std::optional` of one of them, which is left out while it is
/// empty, or a `Json` that is taken as it is. Reading is strict: every field must be there, and no
/// other. A field that was added when files without it existed is visited with `true` as a third
/// argument, and keeps its default where it is missing: `visit("size", o.size, true)`.
///
/// What other versions of a program wrote to be looked at, not to be obeyed, is read with
/// `from_json<Record>(json, {.lenient = true})`.
namespace eigengrad::io {

struct FromJsonOptions {
  /// A field that is missing or null keeps its default, and one that is unknown is passed over.
  bool lenient = false;
};

namespace detail {

struct AnyField {
  template <class T>
  void operator()(const char*, T&, bool = false) const {}
};

template <class T>
concept HasFields = requires(T& x) {
  visit_fields(x, AnyField());
};

template <class T>
concept HasNames = std::is_enum_v<T> && requires(T x) {
  { enum_names(x) } -> std::convertible_to<std::span<const char* const>>;
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Where in an object a value stands, for messages: "stages[1].channels".
[[noreturn]] inline void fail_field(const std::string& path, std::string_view problem) {
  throw IoError(concat("[json] field '", path, "' ", problem));
}

inline const Json& check_kind(const Json& json, bool right, const char* wanted,
                              const std::string& path) {
  if (!right) fail_field(path, concat("must be ", wanted, ", it is ", json.kind()));
  return json;
}

template <class T>
void read_value(const Json& json, const std::string& path, const FromJsonOptions& options, T& out);

template <class T>
void read_object(const Json& json, const std::string& path, const FromJsonOptions& options,
                 T& out) {
  check_kind(json, json.is_object(), "an object", path);
  const std::string prefix = path.empty() ? "" : path + ".";
  std::vector<std::string_view> known;
  visit_fields(out, [&]<class Field>(const char* name, Field& value, bool added_later = false) {
    known.push_back(name);
    const Json* found = json.find(name);
    if (options.lenient && found != nullptr && found->is_null()) return;
    if (found == nullptr && (added_later || kIsOptional<Field> || options.lenient)) return;
    if (found == nullptr) fail_field(prefix + name, "is missing");
    read_value(*found, prefix + name, options, value);
  });
  if (options.lenient) return;
  for (const auto& member : json.members()) {
    if (std::find(known.begin(), known.end(), member.first) == known.end()) {
      fail_field(prefix + member.first, "is unknown");
    }
  }
}

template <class T>
void read_value(const Json& json, const std::string& path, const FromJsonOptions& options, T& out) {
  if constexpr (std::same_as<T, Json>) {
    out = json;
  } else if constexpr (kIsOptional<T>) {
    read_value(json, path, options, out.emplace());
  } else if constexpr (std::same_as<T, bool>) {
    out = check_kind(json, json.is_bool(), "a boolean", path).as_bool();
  } else if constexpr (std::integral<T>) {
    const std::int64_t value = check_kind(json, json.is_integer(), "an integer", path).as_integer();
    if (static_cast<std::int64_t>(static_cast<T>(value)) != value ||
        (std::is_unsigned_v<T> && value < 0)) {
      fail_field(path, concat("is out of range: ", value));
    }
    out = static_cast<T>(value);
  } else if constexpr (std::floating_point<T>) {
    out = static_cast<T>(check_kind(json, json.is_number(), "a number", path).as_number());
  } else if constexpr (std::same_as<T, std::string>) {
    out = check_kind(json, json.is_string(), "a string", path).as_string();
  } else if constexpr (HasNames<T>) {
    const std::string& word = check_kind(json, json.is_string(), "a string", path).as_string();
    const std::span<const char* const> names = enum_names(T());
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
      std::string list;
      for (const char* name : names) list += (list.empty() ? "" : ", ") + std::string(name);
      fail_field(path, concat("must be one of ", list, ": \"", word, "\""));
    }
    out = static_cast<T>(found - names.begin());
  } else if constexpr (HasFields<T>) {
    read_object(json, path, options, out);
  } else {
    check_kind(json, json.is_array(), "an array", path);
    out.clear();
    for (std::size_t i = 0; i < json.items().size(); ++i) {
      read_value(json.items()[i], concat(path, "[", i, "]"), options, out.emplace_back());
    }
  }
}

}  // namespace detail

/// The object of an aggregate's fields, in their order; or the value of a single field.
template <class T>
Json to_json(T value) {
  if constexpr (detail::HasNames<T>) {
    return Json(enum_names(value)[static_cast<std::size_t>(value)]);
  } else if constexpr (detail::HasFields<T>) {
    Json out = Json::object();
    visit_fields(value, [&]<class Field>(const char* name, Field& field, bool = false) {
      if constexpr (detail::kIsOptional<Field>) {
        if (field) out[name] = to_json(*field);
      } else {
        out[name] = to_json(field);
      }
    });
    return out;
  } else if constexpr (std::is_constructible_v<Json, T> && !requires { value.begin(); }) {
    return Json(value);
  } else if constexpr (std::same_as<T, std::string>) {
    return Json(value);
  } else {
    Json out = Json::array();
    for (const auto& item : value) out.push_back(to_json(item));
    return out;
  }
}

/// Reads what `to_json` wrote. **Throws** IoError that names the field if one is missing, unknown,
/// of another kind or out of range.
template <class T>
T from_json(const Json& json, const FromJsonOptions& options = {}) {
  if (!json.is_object()) {
    throw IoError(detail::concat("[json] the options must be an object, they are ", json.kind()));
  }
  T out;
  detail::read_object(json, "", options, out);
  return out;
}

}  // namespace eigengrad::io
