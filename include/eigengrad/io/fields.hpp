// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/json.hpp>

/// Structs as JSON objects, written and read by one list of their fields, which stands right after
/// the struct:
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
/// A field is a boolean, a number, a string, an enumeration with names, a struct with fields of its
/// own, a variant of such structs, a Json value, or a vector or an optional of these. Each struct
/// of a variant has a name, `static constexpr const char* kKind = "circle";`, which the object
/// gives first:
/// {"kind": "circle", "radius": 1.0}.
///
/// Reading is strict: every field must be there, and no other. Only an optional may be missing: it
/// is written when it has a value. A field that was added when files without it existed is visited
/// with a third argument, `visit("size", o.size, true)`, and keeps its default where it is missing.
/// Records that other versions of a program wrote, to be shown and not obeyed, are read with
/// `from_json<Record>(json, {.lenient = true})`.
namespace eigengrad::io {

struct FromJsonOptions {
  /// A field that is missing or null keeps its default, and unknown members are ignored.
  bool lenient = false;
  /// The value's place in a larger document, with which the names in messages begin: "data".
  std::string path = {};
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
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsVariant : std::false_type {};
template <class... Ts>
struct IsVariant<std::variant<Ts...>> : std::true_type {};

/// `path` says where a value stands: "stages[1].channels", nothing for the whole.
[[noreturn]] inline void fail_field(const std::string& path, std::string_view problem) {
  if (path.empty()) throw IoError(concat("[json] the value ", problem));
  throw IoError(concat("[json] field '", path, "' ", problem));
}

inline std::string member_path(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

inline const Json& check_kind(const Json& json, bool right, const char* wanted,
                              const std::string& path) {
  if (!right) fail_field(path, concat("must be ", wanted, ", it is ", json.kind()));
  return json;
}

/// The place of a word in the list of those that are allowed.
inline std::size_t read_word(const Json& json, const std::string& path,
                             std::span<const char* const> words) {
  const std::string& word = check_kind(json, json.is_string(), "a string", path).as_string();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    std::string list;
    for (const char* each : words) list += (list.empty() ? "" : ", ") + std::string(each);
    fail_field(path, concat("must be one of ", list, ": \"", word, "\""));
  }
  return static_cast<std::size_t>(found - words.begin());
}

template <class T>
void read_value(const Json& json, const std::string& path, bool lenient, T& out);

/// `known` are members that are no fields of the struct.
template <class T>
void read_object(const Json& json, const std::string& path, bool lenient, T& out,
                 std::vector<std::string_view> known = {}) {
  check_kind(json, json.is_object(), "an object", path);
  visit_fields(out, [&]<class Field>(const char* name, Field& value, bool added_later = false) {
    known.push_back(name);
    const Json* found = json.find(name);
    if (lenient && found != nullptr && found->is_null()) return;
    if (found != nullptr) {
      read_value(*found, member_path(path, name), lenient, value);
    } else if (!IsOptional<Field>::value && !added_later && !lenient) {
      fail_field(member_path(path, name), "is missing");
    }
  });
  if (lenient) return;
  for (const auto& member : json.members()) {
    if (std::find(known.begin(), known.end(), member.first) == known.end()) {
      fail_field(member_path(path, member.first), "is unknown");
    }
  }
}

template <class... Ts>
void read_variant(const Json& json, const std::string& path, bool lenient,
                  std::variant<Ts...>& out) {
  check_kind(json, json.is_object(), "an object", path);
  const Json* kind = json.find("kind");
  if (kind == nullptr) fail_field(member_path(path, "kind"), "is missing");
  static constexpr const char* kKinds[] = {Ts::kKind...};
  const std::size_t chosen = read_word(*kind, member_path(path, "kind"), kKinds);
  std::size_t i = 0;
  const auto read_if_chosen = [&]<class T>(std::type_identity<T>) {
    if (i++ == chosen) read_object(json, path, lenient, out.template emplace<T>(), {"kind"});
  };
  (read_if_chosen(std::type_identity<Ts>()), ...);
}

template <class T>
void read_value(const Json& json, const std::string& path, bool lenient, T& out) {
  if constexpr (std::same_as<T, bool>) {
    out = check_kind(json, json.is_bool(), "a boolean", path).as_bool();
  } else if constexpr (std::integral<T>) {
    const std::int64_t value = check_kind(json, json.is_integer(), "an integer", path).as_integer();
    if (!std::in_range<T>(value)) fail_field(path, concat("is out of range: ", value));
    out = static_cast<T>(value);
  } else if constexpr (std::floating_point<T>) {
    out = static_cast<T>(check_kind(json, json.is_number(), "a number", path).as_number());
  } else if constexpr (std::same_as<T, std::string>) {
    out = check_kind(json, json.is_string(), "a string", path).as_string();
  } else if constexpr (std::same_as<T, Json>) {
    out = json;
  } else if constexpr (HasNames<T>) {
    out = static_cast<T>(read_word(json, path, enum_names(T())));
  } else if constexpr (HasFields<T>) {
    read_object(json, path, lenient, out);
  } else if constexpr (IsVariant<T>::value) {
    read_variant(json, path, lenient, out);
  } else if constexpr (IsOptional<T>::value) {
    out.reset();
    if (!json.is_null()) read_value(json, path, lenient, out.emplace());
  } else {
    check_kind(json, json.is_array(), "an array", path);
    out.clear();
    for (std::size_t i = 0; i < json.items().size(); ++i) {
      typename T::value_type item{};
      read_value(json.items()[i], concat(path, "[", i, "]"), lenient, item);
      out.push_back(std::move(item));
    }
  }
}

}  // namespace detail

/// A struct's fields as an object, in their order; or the value of a single field.
template <class T>
Json to_json(T value);

namespace detail {

template <class T>
void write_fields(T& value, Json& out) {
  visit_fields(value, [&]<class Field>(const char* name, Field& field, bool = false) {
    if constexpr (IsOptional<Field>::value) {
      if (!field.has_value()) return;
    }
    out[name] = to_json(field);
  });
}

}  // namespace detail

template <class T>
Json to_json(T value) {
  if constexpr (detail::HasNames<T>) {
    return Json(enum_names(value)[static_cast<std::size_t>(value)]);
  } else if constexpr (detail::HasFields<T>) {
    Json out = Json::object();
    detail::write_fields(value, out);
    return out;
  } else if constexpr (detail::IsVariant<T>::value) {
    return std::visit(
        []<class Choice>(Choice& choice) {
          Json out = Json::object();
          out["kind"] = Choice::kKind;
          detail::write_fields(choice, out);
          return out;
        },
        value);
  } else if constexpr (detail::IsOptional<T>::value) {
    return value.has_value() ? to_json(*value) : Json();
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

/// Reads what `to_json` wrote: a struct, or a value such as a vector of numbers.
/// **Throws** IoError that names the field if one is missing, unknown, of another kind or out of
/// range: "[json] field 'tokenizer.patch_size' is missing".
template <class T>
T from_json(const Json& json, const FromJsonOptions& options = {}) {
  T out{};
  detail::read_value(json, options.path, options.lenient, out);
  return out;
}

}  // namespace eigengrad::io
