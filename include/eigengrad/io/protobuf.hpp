// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <eigengrad/core/shape.hpp>

/// Writing of protocol buffers, as far as event files need it.
///
/// **Source** https://protobuf.dev/programming-guides/encoding/
namespace eigengrad::io::detail {

static_assert(std::endian::native == std::endian::little, "fixed fields are little-endian");

/// The bytes of a number, the lowest first.
template <class T>
void append_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// Seven bits per byte, the lowest first; the top bit says that more follow.
inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Fields by number, in the order of the calls, which must be that of the numbers to give the bytes
/// of Google's library. As in proto3, plain numbers that are 0 are left out.
class Message {
 public:
  Message& integer(int field, Index value) {
    if (value == 0) return *this;
    key(field, 0);
    append_varint(bytes_, static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& real(int field, double value) {
    if (std::bit_cast<std::uint64_t>(value) == 0) return *this;
    key(field, 1);
    append_fixed(bytes_, value);
    return *this;
  }
  /// A float that is one choice of a `oneof`, and so is written even if it is 0.
  Message& single(int field, float value) {
    key(field, 5);
    append_fixed(bytes_, value);
    return *this;
  }
  /// A string, bytes or a message.
  Message& text(int field, std::string_view value) {
    key(field, 2);
    append_varint(bytes_, value.size());
    bytes_ += value;
    return *this;
  }
  /// A packed list of doubles.
  Message& reals(int field, const std::vector<double>& values) {
    std::string list;
    for (const double value : values) append_fixed(list, value);
    return list.empty() ? *this : text(field, list);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, unsigned wire_type) {
    append_varint(bytes_, static_cast<std::uint64_t>(field) << 3 | wire_type);
  }

  std::string bytes_;
};

}  // namespace eigengrad::io::detail
