// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/json_value.hpp>
#include <eigengrad/io/utf8.hpp>

/// Reads JSON, strictly as RFC 8259 defines it: no comments, no trailing commas, no duplicate
/// names, UTF-8.
///
/// **Source** https://www.rfc-editor.org/rfc/rfc8259
namespace eigengrad::io {

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
