// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/core/tensor.hpp>

/// Arrays, tensors and shapes as text, in NumPy's form:
///
///     std::cout << NdArray<float>({2, 2}, {1, 2.5f, -3, 0});   // [[ 1.   2.5]
///                                                              //  [-3.   0. ]]
///
/// **Source** numpy.array2string,
/// https://numpy.org/doc/stable/reference/generated/numpy.array2string.html
namespace eigengrad {

/// How `to_string` writes an array.
struct PrintArguments {
  /// Digits after the point, at most. 4 as in PyTorch: columns are compared by eye; NumPy has 8.
  int precision = 4;
  /// An array of more elements is shortened to the first and last few along each axis.
  Index threshold = 1000;
  /// How many those are.
  Index edge_items = 3;
  /// Characters per line, where a word is not longer.
  Index line_width = 75;
};

namespace detail {

/// Calls f(i) for the elements of an axis of this size that are shown.
template <class F>
void for_each_shown(Index size, bool shortened, Index edge, F&& f) {
  const bool cut = shortened && size - edge > edge;
  for (Index i = 0; i < size; ++i) {
    if (cut && i == edge) i = size - edge;
    f(i);
  }
}

/// The places of all elements that are shown, in row-major order.
inline void append_shown(const Shape& shape, Index axis, Index at, bool shortened, Index edge,
                         std::vector<Index>& out) {
  if (axis == shape.rank()) {
    out.push_back(at);
    return;
  }
  for_each_shown(shape[axis], shortened, edge, [&](Index i) {
    append_shown(shape, axis + 1, at * shape[axis] + i, shortened, edge, out);
  });
}

/// The characters of one real number: sign and whole part, fraction, exponent with its sign.
struct RealText {
  std::string whole, fraction, exponent;
};

/// `value` with exactly this many digits after the point; without a count, with as many as tell it
/// from its neighbours in `T`.
template <std::floating_point T>
RealText real_text(T value, bool scientific, std::optional<int> digits) {
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  char buffer[512];
  char* const limit = buffer + sizeof buffer;
  const char* const end = (digits ? std::to_chars(buffer, limit, value, format, *digits)
                                  : std::to_chars(buffer, limit, value, format))
                              .ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = std::min(text.find('e'), text.size());
  const std::size_t point = std::min(text.find('.'), e);
  RealText out{std::string(text.substr(0, point)), "", std::string(text.substr(e))};
  if (point < e) out.fraction = text.substr(point + 1, e - point - 1);
  return out;
}

/// The fewest digits that tell `value` from its neighbours, at most `precision` after the point;
/// no zeros at the end.
template <std::floating_point T>
RealText short_text(T value, bool scientific, int precision) {
  RealText out = real_text(value, scientific, std::nullopt);
  if (static_cast<int>(out.fraction.size()) > precision) {
    out = real_text(value, scientific, precision);
  }
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  return out;
}

/// NumPy's rule: numbers that are large, tiny or more than a thousandfold apart.
template <std::floating_point T>
bool needs_exponent(const std::vector<T>& values) {
  T low = 0, high = 0;
  for (const T value : values) {
    const T size = std::abs(value);
    if (!std::isfinite(value) || value == 0) continue;
    low = low == 0 ? size : std::min(low, size);
    high = std::max(high, size);
  }
  constexpr T large = sizeof(T) == 4 ? T(1e6) : T(1e8);  // a float has no more digits
  return high != 0 && (high >= large || low < T(1e-4) || high / low > T(1000));
}

/// The numbers with their points in one column.
template <std::floating_point T>
std::vector<std::string> align(const std::vector<T>& values, int precision) {
  const bool scientific = needs_exponent(values);
  std::vector<RealText> texts;
  std::size_t left = 0, right = 0, power = 0;
  bool finite = true, minus = false;
  for (const T value : values) {
    minus = minus || (std::isinf(value) && value < 0);
    if (!std::isfinite(value)) {
      texts.push_back({std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf", "", ""});
      finite = false;
      continue;
    }
    const RealText& text = texts.emplace_back(short_text(value, scientific, precision));
    left = std::max(left, text.whole.size());
    right = std::max(right, text.fraction.size());
    power = std::max(power, text.exponent.size());
  }
  const std::size_t tail = 1 + right + power;  // the point and what follows
  if (!finite) left = std::max(left, std::max<std::size_t>(tail, 3 + minus) - tail);

  std::vector<std::string> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    RealText& text = texts[i];
    std::string word;
    if (std::isfinite(values[i])) {
      // NumPy fills up with blanks, or, where there is an exponent, with the digits that follow.
      if (scientific) text = real_text(values[i], true, static_cast<int>(right));
      text.fraction.resize(right, ' ');
      if (power > 0) text.exponent.insert(2, power - text.exponent.size(), '0');
      word = text.whole + "." + text.fraction + text.exponent;
    } else {
      word = text.whole;
    }
    word.insert(0, left + tail - word.size(), ' ');
    out.push_back(std::move(word));
  }
  return out;
}

/// The same for whole numbers and truth values.
template <std::integral T>
std::vector<std::string> align(const std::vector<T>& values, int) {
  std::vector<std::string> out;
  std::size_t width = std::same_as<T, bool> ? 5 : 0;
  for (const T value : values) {
    if constexpr (std::same_as<T, bool>) {
      out.emplace_back(value ? "True" : "False");
    } else {
      out.push_back(std::to_string(value));
      width = std::max(width, out.back().size());
    }
  }
  for (std::string& word : out) word.insert(0, width - word.size(), ' ');
  return out;
}

/// Sets words in brackets and lines.
class ArrayText {
 public:
  ArrayText(const Shape& shape, bool shortened, const PrintArguments& arguments,
            const std::vector<std::string>& words, std::string_view separator)
      : shape_(shape),
        shortened_(shortened),
        edge_(arguments.edge_items),
        words_(words),
        separator_(separator) {}

  /// `indent` is the column after the first bracket, `width` the end of a line.
  std::string str(Index axis, std::size_t indent, Index width) {
    if (axis == shape_.rank()) return words_[next_++];
    const bool cut = shortened_ && shape_[axis] - edge_ > edge_;
    const bool rows = axis + 1 == shape_.rank();
    std::string out;
    std::string line(indent, ' ');
    const auto add = [&](const std::string& word, bool last) {
      if (rows) {
        const Index length = static_cast<Index>(line.size() + word.size());
        if (length > width - 1 && line.size() > indent) {
          line.erase(line.find_last_not_of(' ') + 1);
          out += line + "\n";
          line.assign(indent, ' ');
        }
        line += word;
        if (!last) line += separator_;
      } else {
        out += std::string(indent, ' ') + word;
        if (last) return;
        out += separator_.substr(0, separator_.find(' '));
        out.append(static_cast<std::size_t>(shape_.rank() - axis - 1), '\n');
      }
    };
    for_each_shown(shape_[axis], shortened_, edge_, [&](Index i) {
      if (cut && i == shape_[axis] - edge_) add("...", false);
      add(str(axis + 1, indent + 1, width - 1), i + 1 == shape_[axis]);
    });
    if (rows) out += line;
    return "[" + out.substr(indent) + "]";
  }

 private:
  const Shape& shape_;
  bool shortened_;
  Index edge_;
  const std::vector<std::string>& words_;
  std::string_view separator_;
  std::size_t next_ = 0;
};

inline void check_print(const PrintArguments& a) {
  const auto fail = [](const char* field, Index value, const char* rule) {
    throw ValueError(concat("[to_string] ", field, " must be ", rule, ": ", value));
  };
  if (a.precision < 0 || a.precision > 100) fail("precision", a.precision, "in [0, 100]");
  if (a.threshold < 0) fail("threshold", a.threshold, "at least 0");
  if (a.edge_items < 1) fail("edge_items", a.edge_items, "at least 1");
}

/// The text of the numbers alone; lines after the first are indented by `indent`.
template <class T>
std::string array_text(const NdArray<T>& array, const PrintArguments& arguments, std::size_t indent,
                       std::string_view separator) {
  check_print(arguments);
  if (!array.defined()) return "undefined";
  if (array.numel() == 0) return "[]";
  const Shape& shape = array.shape();
  const bool shortened = array.numel() > arguments.threshold;
  std::vector<Index> places;
  append_shown(shape, 0, 0, shortened, arguments.edge_items, places);
  std::vector<T> values;
  for (const Index at : places) values.push_back(array.data()[at]);
  std::vector<std::string> words = align(values, arguments.precision);
  if (array.rank() == 0) words[0].erase(0, words[0].find_first_not_of(' '));
  return ArrayText(shape, shortened, arguments, words, separator)
      .str(0, indent + 1, arguments.line_width);
}

}  // namespace detail

/// The numbers as `numpy.array2string` writes them. An array without storage is "undefined".
/// **Throws** ValueError on an argument outside its range.
template <class T>
requires std::is_arithmetic_v<T> std::string to_string(const NdArray<T>& array,
                                                       const PrintArguments& arguments = {}) {
  return detail::array_text(array, arguments, 0, " ");
}

/// `tensor([1., 2.], requires_grad=True)`, or with the op that made it instead of
/// `requires_grad`, `tensor([3., 4.], op=add)`. The shape follows the numbers where they do not
/// show it.
/// **Throws** ValueError on an argument outside its range.
template <class T>
std::string to_string(const Tensor<T>& tensor, const PrintArguments& arguments = {}) {
  if (!tensor.defined()) return "tensor(undefined)";
  const std::string_view prefix = "tensor(";
  PrintArguments inner = arguments;
  inner.line_width -= 1;  // of the last bracket
  std::string out(prefix);
  out += detail::array_text(tensor.value(), inner, prefix.size(), ", ");
  std::string more;
  const Index n = tensor.numel();
  if ((n == 0 && tensor.rank() > 1) || n > arguments.threshold) {
    more += ", shape=" + tensor.shape().str();
  }
  if (!tensor.is_leaf()) {
    more += detail::concat(", op=", tensor.op_name());
  } else if (tensor.requires_grad()) {
    more += ", requires_grad=True";
  }
  if (more.empty()) return out + ")";
  const std::size_t line = out.size() - (out.rfind('\n') + 1);
  const bool fits = static_cast<Index>(line + more.size() + 1) <= arguments.line_width;
  const std::string space = fits ? " " : "\n" + std::string(prefix.size(), ' ');
  return out + "," + space + more.substr(2) + ")";
}

// Templates on the stream's traits, so that they need no more than the name of the stream; the
// program that prints includes <iostream>.
template <class Traits, class T>
requires std::is_arithmetic_v<T> std::basic_ostream<char, Traits>
&operator<<(std::basic_ostream<char, Traits>& out, const NdArray<T>& array) {
  return out << to_string(array);
}
template <class Traits, class T>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                             const Tensor<T>& tensor) {
  return out << to_string(tensor);
}
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                             const Shape& shape) {
  return out << shape.str();
}

}  // namespace eigengrad
