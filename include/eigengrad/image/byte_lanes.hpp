// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

namespace eigengrad::image::detail {

/// Vectors with a byte for each 32-bit number that a register holds.
///
/// By way of 16 bits: GCC 12 converts lane by lane from 8 bits to 32.
template <class Arch>
struct ByteLanes {
  static constexpr Index kLanes = Arch::kBytes / 4;
  using Bytes = typename simd::detail::VecOf<std::uint8_t, Arch::kBytes / 4>::type;
  using Shorts = typename simd::detail::VecOf<std::int16_t, Arch::kBytes / 2>::type;
  using Ints = simd::Vec<std::int32_t, Arch>;
  using Floats = simd::Vec<float, Arch>;

  static EIGENGRAD_INLINE Shorts load_shorts(const std::uint8_t* p) {
    return __builtin_convertvector(simd::load<Bytes>(p), Shorts);
  }
  static EIGENGRAD_INLINE Ints load(const std::uint8_t* p) {
    return __builtin_convertvector(load_shorts(p), Ints);
  }
  /// Stores numbers that fit into bytes.
  static EIGENGRAD_INLINE void store(std::uint8_t* p, const Ints& v) {
    simd::store<Bytes>(p, __builtin_convertvector(__builtin_convertvector(v, Shorts), Bytes));
  }
  /// Stores any numbers, cut off at 0 and 255.
  static EIGENGRAD_INLINE void store_clamped(std::uint8_t* p, const Ints& v) {
    store(p, simd::min(simd::max(v, Ints{}), simd::broadcast<Ints>(255)));
  }
};

}  // namespace eigengrad::image::detail

EIGENGRAD_END_VECTORS
