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

/// JSON, strictly as RFC 8259 has it: no comments, no trailing commas, no duplicate names, UTF-8.
///
/// **Source** https://www.rfc-editor.org/rfc/rfc8259
namespace eigengrad::io {

namespace detail {

using eigengrad::detail::concat;

/// Bytes of the UTF-8 character at `text[at]`; 0 if it is not one.
inline std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  // Second bytes outside these bounds would make an overlong form, a surrogate or > U+10FFFF.
  const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  const std::size_t n = first >= 0xC2 && first <= 0xDF   ? 2
                        : first >= 0xE0 && first <= 0xEF ? 3
                        : first >= 0xF0 && first <= 0xF4 ? 4
                                                         : 0;
  if (n == 0 || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return n;
}

inline bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = utf8_length(text, at);
    if (n == 0) return false;
    at += n;
  }
  return true;
}

inline void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

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
  /// **Throws** IoError with line and column of what is wrong.
  static Json parse(std::string_view text, std::string_view name = "text");

  /// The value as text: on one line, or with each member on its own when `indent` > 0.
  ///
  /// JSON has no word for NaN and infinities, they become null; bytes that are not UTF-8 become
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

namespace detail {

/// Recursive descent over the text; depth is bounded, so a hostile file cannot use up the stack.
class JsonParser {
 public:
  JsonParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Json document() {
    Json out = value(0);
    skip_space();
    if (at_ < text_.size()) fail("nothing may follow the value");
    return out;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n');
    const std::size_t column = at_ - (start == std::string_view::npos ? 0 : start + 1) + 1;
    throw IoError(concat("[json] ", name_, ", line ", line, ", column ", column, ": ", what));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Json value(int depth) {
    skip_space();
    if (at_ >= text_.size()) fail("the text ends where a value was expected");
    const char c = peek();
    if ((c == '{' || c == '[') && depth >= Json::kMaxDepth) fail("nested too deeply");
    if (c == '{') return object(depth);
    if (c == '[') return array(depth);
    if (c == '"') return Json(string());
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    if (take_word("true")) return Json(true);
    if (take_word("false")) return Json(false);
    if (take_word("null")) return Json();
    fail("a value was expected");
  }

  Json array(int depth) {
    Json::Array out;
    take('[');
    skip_space();
    if (take(']')) return Json(std::move(out));
    do {
      out.push_back(value(depth + 1));
      skip_space();
    } while (take(','));
    if (!take(']')) fail("',' or ']' was expected");
    return Json(std::move(out));
  }

  Json object(int depth) {
    Json::Object members;
    take('{');
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        if (peek() != '"') fail("a name in quotes was expected");
        std::string key = string();
        skip_space();
        if (!take(':')) fail("':' was expected");
        members.emplace_back(std::move(key), value(depth + 1));
        skip_space();
      } while (take(','));
      if (!take('}')) fail("',' or '}' was expected");
    }
    check_unique(members);
    return Json(std::move(members));
  }

  void check_unique(const Json::Object& members) const {
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& member : members) names.push_back(member.first);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end()) fail(concat("the object before has two members '", *twice, "'"));
  }

  std::string string() {
    std::string out;
    ++at_;
    while (true) {
      if (at_ >= text_.size()) fail("the text ends inside a string");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) fail("control characters must be escaped");
      if (c == '\\') {
        ++at_;
        escape(out);
        continue;
      }
      const std::size_t n = utf8_length(text_, at_);
      if (n == 0) fail("this is not UTF-8");
      out += text_.substr(at_, n);
      at_ += n;
    }
  }

  void escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meaning = "\"\\/\b\f\n\r\t";
    const std::size_t i = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
    if (i != std::string_view::npos) {
      out += meaning[i];
      ++at_;
      return;
    }
    if (!take('u')) fail("unknown escape");
    std::uint32_t code = hex4();
    if (code >= 0xD800 && code <= 0xDBFF && take_word("\\u")) {
      const std::uint32_t low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xD800 && code <= 0xDFFF) {
      fail("half of a surrogate pair");
    }
    append_utf8(out, code);
  }

  std::uint32_t hex4() {
    std::uint32_t code = 0;
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + std::min(at_ + 4, text_.size());
    const auto read = std::from_chars(begin, end, code, 16);
    if (read.ptr != begin + 4) fail("four hexadecimal digits were expected");
    at_ += 4;
    return code;
  }

  void digits() {
    if (peek() < '0' || peek() > '9') fail("a digit was expected");
    while (peek() >= '0' && peek() <= '9') ++at_;
  }

  Json number() {
    const std::size_t start = at_;
    bool whole = true;
    take('-');
    if (!take('0')) digits();
    if (take('.')) {
      whole = false;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (!take('+')) take('-');
      digits();
    }
    const char* begin = text_.data() + start;
    const char* end = text_.data() + at_;
    if (whole) {
      std::int64_t integer = 0;
      if (std::from_chars(begin, end, integer).ec == std::errc()) return Json(integer);
    }
    double x = 0;
    if (std::from_chars(begin, end, x).ec != std::errc()) fail("the number is out of range");
    return Json(x);
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace detail

inline Json Json::parse(std::string_view text, std::string_view name) {
  return detail::JsonParser(text, name).document();
}

}  // namespace eigengrad::io
