// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/utf8.hpp>

/// Values of JSON, and how they are written.
///
/// **Source** https://www.rfc-editor.org/rfc/rfc8259
namespace eigengrad::io {

namespace detail {
using eigengrad::detail::concat;
}  // namespace detail

/// A JSON value: null, true or false, a number, a string, an array or an object.
///
/// Objects keep the order in which their names were set. Whole numbers that fit 64 bits stay exact.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  /// Arrays and objects nested deeper than this are refused.
  static constexpr int kMaxDepth = 100;

  Json() = default;
  Json(std::nullptr_t) {}  // NOLINT: implicit by intent, as all below
  Json(bool value) : value_(value) {}
  template <std::integral I>
  requires(!std::same_as<I, bool> && !std::same_as<I, char>) Json(I value)
      : value_(static_cast<std::int64_t>(value)) {}
  template <std::floating_point F>
  Json(F value) : value_(static_cast<double>(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  template <class T>
  Json(const std::vector<T>& values) : value_(Array(values.begin(), values.end())) {}

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  bool is_null() const { return is<std::monostate>(); }
  bool is_bool() const { return is<bool>(); }
  bool is_integer() const { return is<std::int64_t>(); }
  bool is_number() const { return is_integer() || is<double>(); }
  bool is_string() const { return is<std::string>(); }
  bool is_array() const { return is<Array>(); }
  bool is_object() const { return is<Object>(); }
  const char* kind() const {
    constexpr const char* names[] = {"null",     "a boolean", "an integer", "a number",
                                     "a string", "an array",  "an object"};
    return names[value_.index()];
  }

  /// The value as one kind. **Throws** IoError when it is of another.
  bool as_bool() const { return get<bool>("a boolean"); }
  std::int64_t as_integer() const { return get<std::int64_t>("an integer"); }
  double as_number() const {
    return is_integer() ? static_cast<double>(as_integer()) : get<double>("a number");
  }
  const std::string& as_string() const { return get<std::string>("a string"); }
  const Array& items() const { return get<Array>("an array"); }
  const Object& members() const { return get<Object>("an object"); }

  /// The member of that name, or nullptr. **Throws** IoError when this is no object.
  const Json* find(std::string_view name) const {
    for (const auto& [key, value] : members()) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// The member of that name. **Throws** IoError when there is none.
  const Json& at(std::string_view name) const {
    if (const Json* value = find(name)) return *value;
    throw IoError(detail::concat("[json] no member is called '", name, "'"));
  }

  /// For writing: the member of that name, made (as null) when there is none. Null becomes an
  /// object.
  Json& operator[](std::string_view name) {
    if (is_null()) value_ = Object{};
    members();
    auto& object = std::get<Object>(value_);
    for (auto& [key, value] : object) {
      if (key == name) return value;
    }
    return object.emplace_back(std::string(name), Json()).second;
  }
  /// Appends to an array. Null becomes an array.
  void push_back(Json value) {
    if (is_null()) value_ = Array{};
    items();
    std::get<Array>(value_).push_back(std::move(value));
  }

  friend bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

  /// Reads one value that fills `text`; `name` (a path) goes into the messages.
  /// Defined in io/json.hpp.
  /// **Throws** IoError with line and column of what is wrong.
  static Json parse(std::string_view text, std::string_view name = "text");

  /// The value as text: on one line, or with each member on its own when `indent` > 0.
  ///
  /// JSON cannot express NaN and infinities, they become null; bytes that are not UTF-8 become
  /// U+FFFD.
  std::string dump(int indent = 0) const {
    std::string out;
    write(out, indent, 0);
    return out;
  }

 private:
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(value_);
  }
  template <class T>
  const T& get(const char* wanted) const {
    if (const T* value = std::get_if<T>(&value_)) return *value;
    throw IoError(detail::concat("[json] ", wanted, " was expected, this is ", kind()));
  }

  static void write_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = detail::utf8_length(text, at);
      const char c = text[at];
      if (n == 0) {
        out += "\xEF\xBF\xBD";
      } else if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else if (n == 1 && static_cast<unsigned char>(c) < 0x20) {
        constexpr char digits[] = "0123456789abcdef";
        out += "\\u00";
        out += digits[c >> 4];
        out += digits[c & 15];
      } else {
        out += text.substr(at, n);
      }
      at += std::max<std::size_t>(n, 1);
    }
    out += '"';
  }

  static void write_number(std::string& out, double x) {
    if (!std::isfinite(x)) {
      out += "null";
      return;
    }
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
    const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
    out += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";  // stays no integer
  }

  /// `begin item, item end`, with line breaks when indenting.
  template <class List, class Write>
  static void write_list(std::string& out, char begin, char end, const List& list, int indent,
                         int depth, Write write) {
    const auto line = [&](int level) {
      if (indent > 0) out += '\n' + std::string(static_cast<std::size_t>(indent * level), ' ');
    };
    out += begin;
    bool first = true;
    for (const auto& item : list) {
      if (!first) out += indent > 0 ? "," : ", ";
      first = false;
      line(depth + 1);
      write(item);
    }
    if (!list.empty()) line(depth);
    out += end;
  }

  void write(std::string& out, int indent, int depth) const {
    if (is_null()) {
      out += "null";
    } else if (is_bool()) {
      out += as_bool() ? "true" : "false";
    } else if (is_integer()) {
      out += std::to_string(as_integer());
    } else if (is_number()) {
      write_number(out, as_number());
    } else if (is_string()) {
      write_string(out, as_string());
    } else if (is_array()) {
      write_list(out, '[', ']', items(), indent, depth,
                 [&](const Json& item) { item.write(out, indent, depth + 1); });
    } else {
      write_list(out, '{', '}', members(), indent, depth, [&](const auto& member) {
        write_string(out, member.first);
        out += ": ";
        member.second.write(out, indent, depth + 1);
      });
    }
  }

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

}  // namespace eigengrad::io
