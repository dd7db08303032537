// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>

#include <eigengrad/core/shape.hpp>

/// What numbers a safetensors file holds and how they are stored.
///
/// **Source** https://github.com/huggingface/safetensors#format
namespace eigengrad::io {

/// What can be stored: real numbers, Index, bool, and bytes such as pixels.
template <class T>
concept Storable = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, Index> ||
    std::same_as<T, bool> || std::same_as<T, std::uint8_t>;

namespace detail {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

template <Storable T>
constexpr const char* dtype_name() {
  return std::same_as<T, float>    ? "F32"
         : std::same_as<T, double> ? "F64"
         : std::same_as<T, Index>  ? "I64"
         : std::same_as<T, bool>   ? "BOOL"
                                   : "U8";
}

/// Bytes of one element; 0 for a dtype that this reader does not know.
inline std::uint64_t dtype_bytes(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F16" || dtype == "BF16") return 2;
  if (dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

/// IEEE half precision: 1 sign, 5 exponent, 10 fraction bits.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    const std::uint32_t rest = bits & 0x7FFFu;
    if (rest >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F800000u | (rest << 13));
    if (rest < 0x0400u) {  // subnormal, exact in float
      const float x = static_cast<float>(rest) * 0x1p-24f;
      return sign ? -x : x;
    }
    return std::bit_cast<float>(sign | ((rest << 13) + 0x38000000u));
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

/// The upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

}  // namespace detail

}  // namespace eigengrad::io
