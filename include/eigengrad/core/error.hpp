// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

/// The four errors a caller can meet, and the helper that words them.
///
/// Every message reads `[op] rule: name value, name value; hint`, for example
/// `[matmul] inner dimensions must match: a (2, 3), b (4, 5)`.
namespace eigengrad {

/// Shapes that do not fit together; the caller's argument is wrong.
struct ShapeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A value outside its range; the caller's argument is wrong.
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A call that is not possible in the object's present state.
struct StateError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A file that cannot be read or written, or whose content is not what it should be.
struct IoError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

inline std::string to_text(std::string_view s) { return std::string(s); }
inline std::string to_text(const char* s) { return s; }
inline std::string to_text(const std::string& s) { return s; }
inline std::string to_text(char c) { return std::string(1, c); }
inline std::string to_text(bool b) { return b ? "true" : "false"; }

/// Shortest of the usual forms, without trailing zeros: 0.1, 2, 1e-05.
inline std::string to_text(double x) {
  char buffer[32];
  const int n = __builtin_snprintf(buffer, sizeof buffer, "%g", x);
  return std::string(buffer, static_cast<std::size_t>(n));
}
inline std::string to_text(float x) { return to_text(static_cast<double>(x)); }

template <class I>
requires(std::is_integral_v<I> && !std::is_same_v<I, bool> && !std::is_same_v<I, char>) std::string
    to_text(I x) {
  return std::to_string(x);
}

/// Anything that can word itself, such as a Shape.
template <class U>
requires requires(const U& u) { u.str(); }
std::string to_text(const U& u) { return u.str(); }

/// One part of a message: where it is, and what words it.
class MessagePart {
 public:
  MessagePart(const char* text) : part_(text), append_(append_chars) {}
  template <class Part>
  requires(!std::is_array_v<Part>) MessagePart(const Part& part)
      : part_(&part), append_(append_part<Part>) {}

  void append_to(std::string& out) const { append_(out, part_); }

 private:
  static void append_chars(std::string& out, const void* text) {
    out += static_cast<const char*>(text);
  }
  template <class Part>
  static void append_part(std::string& out, const void* part) {
    out += to_text(*static_cast<const Part*>(part));
  }

  const void* part_;
  void (*append_)(std::string&, const void*);
};

[[gnu::noinline, gnu::cold]] inline std::string join_message(
    std::initializer_list<MessagePart> parts) {
  std::string out;
  for (const MessagePart& part : parts) part.append_to(out);
  return out;
}

/// Joins text, numbers and shapes into one string. Only the kinds of parts are compiled each for
/// itself, not every list of them.
template <class... Parts>
inline std::string concat(const Parts&... parts) {
  return join_message({MessagePart(parts)...});
}

}  // namespace detail
}  // namespace eigengrad
