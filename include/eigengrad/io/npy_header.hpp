// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>

/// The header of a .npy file: a Python dict in ASCII or UTF-8 that says what numbers follow.
///
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
namespace eigengrad::io::detail {

using eigengrad::detail::concat;

inline constexpr std::string_view kNpyMagic("\x93NUMPY", 6);

/// What a header says.
struct NpyHeader {
  std::string descr;  ///< the type in NumPy's words, such as "<f4"
  bool fortran_order = false;
  std::vector<Index> sizes;

  /// 'b', 'i', 'u' or 'f' for truth values, integers and real numbers; others are not read.
  char kind() const { return descr.size() == 3 ? descr[1] : '?'; }
  /// Bytes of one element; 0 for a type that this reader does not know.
  std::uint64_t bytes() const {
    if (descr.size() != 3 || std::string_view("<>|=").find(descr[0]) == std::string_view::npos) {
      return 0;
    }
    const std::string_view known = descr[1] == 'b'                      ? "1"
                                   : descr[1] == 'i' || descr[1] == 'u' ? "1248"
                                   : descr[1] == 'f'                    ? "248"
                                                                        : "";
    return known.find(descr[2]) == known.npos ? 0 : static_cast<std::uint64_t>(descr[2] - '0');
  }
  bool big_endian() const { return descr[0] == '>'; }
};

/// Reads the literal of a dict with the three keys that the format has, in any order.
class NpyHeaderParser {
 public:
  /// `name` is that of the file, for messages.
  NpyHeaderParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  /// **Throws** IoError when the text is something else.
  NpyHeader parse() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<Index>> sizes;
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !descr) {
        descr = type();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = truth();
      } else if (key == "shape" && !sizes) {
        sizes = tuple();
      } else {
        fail();
      }
      if (!take(',') && peek() != '}') fail();
    }
    if (peek() != '\0' || at_ < text_.size() || !descr || !fortran_order || !sizes) fail();
    return {*descr, *fortran_order, *sizes};
  }

 private:
  [[noreturn]] void fail() const {
    throw IoError(concat("[npy] ", name_,
                         ": the header must be a dict of descr, fortran_order and "
                         "shape; the file is damaged, save it again"));
  }

  /// The next character that is no space; '\0' at the end.
  char peek() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }

  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) fail();
    const std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  std::string type() {
    if (peek() == '[') {
      throw IoError(concat("[npy] ", name_,
                           " holds records with fields; save each field as an "
                           "array of its own"));
    }
    return string();
  }

  bool truth() {
    const bool yes = peek() == 'T';
    const std::string_view word = yes ? "True" : "False";
    if (text_.substr(at_, word.size()) != word) fail();
    at_ += word.size();
    return yes;
  }

  std::vector<Index> tuple() {
    std::vector<Index> out;
    expect('(');
    while (!take(')')) {
      peek();
      Index size = 0;
      const char* begin = text_.data() + at_;
      const auto read = std::from_chars(begin, text_.data() + text_.size(), size);
      if (read.ec != std::errc() || size < 0) fail();
      at_ += static_cast<std::size_t>(read.ptr - begin);
      take('L');  // Python 2 wrote 3L
      out.push_back(size);
      if (!take(',') && peek() != ')') fail();
    }
    return out;
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
};

template <Storable T>
constexpr const char* npy_descr() {
  return std::same_as<T, float>    ? "<f4"
         : std::same_as<T, double> ? "<f8"
         : std::same_as<T, Index>  ? "<i8"
         : std::same_as<T, bool>   ? "|b1"
                                   : "|u1";
}

/// All that comes before the numbers in a file of format 1.0, as NumPy writes it: the length is a
/// multiple of 64, with room for the first size to grow to 21 digits.
template <Storable T>
std::string npy_preamble(const Shape& shape) {
  std::string sizes;
  for (Index axis = 0; axis < shape.rank(); ++axis) {
    sizes += (axis > 0 ? ", " : "") + std::to_string(shape[axis]);
  }
  if (shape.rank() == 1) sizes += ",";
  std::string text =
      concat("{'descr': '", npy_descr<T>(), "', 'fortran_order': False, 'shape': (", sizes, "), }");
  if (shape.rank() > 0) text.append(21 - std::to_string(shape[0]).size(), ' ');
  text.resize(round_up(10 + text.size() + 1, 64) - 11, ' ');
  text += '\n';
  std::string out(kNpyMagic);
  for (const std::size_t byte :
       {std::size_t{1}, std::size_t{0}, text.size() % 256, text.size() / 256}) {
    out += static_cast<char>(byte);
  }
  return out + text;
}

}  // namespace eigengrad::io::detail
