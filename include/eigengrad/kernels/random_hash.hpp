// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Random bits as a function of (key, index), and the dropout masks made of them.
///
/// A mask is computed again each time that it is needed, forward and backward, and never stored. It
/// is the same for every vector width, and whatever thread computes it.
namespace eigengrad::kernels {

namespace detail {

/// A bijection of 32 bits in which every bit of x moves every bit of the result.
///
/// **Source** C. Wellons, "Prospecting for hash functions", 2018 (`lowbias32`).
template <class U>
EIGENGRAD_INLINE U mix_bits(const U& bits) {
  U x = bits;
  x ^= x >> 16;
  x *= std::uint32_t{0x7feb352d};
  x ^= x >> 15;
  x *= std::uint32_t{0x846ca68b};
  x ^= x >> 16;
  return x;
}

}  // namespace detail

/// 32 random bits from the lower word of an index, its upper word and a key. Two rounds, each
/// after one half of the key is mixed in: with one, the words of two keys would be the same in
/// another order.
template <class U>
EIGENGRAD_INLINE U random_hash(const U& low, std::uint32_t high, std::uint64_t key) {
  const auto first = static_cast<std::uint32_t>(key);
  const auto second = static_cast<std::uint32_t>(key >> 32) + high * 0x9E3779B9u;
  return detail::mix_bits<U>(detail::mix_bits<U>(low ^ first) ^ second);
}

/// Keeps an element with probability 1 - p and then scales it by 1 / (1 - p), so that its
/// expectation stays.
class DropoutMask {
 public:
  DropoutMask() = default;
  DropoutMask(std::uint64_t key, double p)
      : key_(key),
        keep_below_(static_cast<std::uint32_t>(std::min((1 - p) * 0x1p32, 0x1p32 - 1))),
        scale_(p < 1 ? 1 / (1 - p) : 0) {}

  bool keeps(Index i) const {
    const auto u = static_cast<std::uint64_t>(i);
    return random_hash(static_cast<std::uint32_t>(u), static_cast<std::uint32_t>(u >> 32), key_) <
           keep_below_;
  }
  double scale() const { return scale_; }

  /// Applies the mask to the elements i, i + 1, ... ; i is a multiple of the number of lanes.
  template <class V>
  EIGENGRAD_INLINE V apply(const V& x, Index i) const {
    using T = simd::Element<V>;
    constexpr int kLanes = static_cast<int>(simd::kSize<V>);
    using U = typename simd::detail::VecOf<std::uint32_t, 4 * kLanes>::type;
    using Narrow = typename simd::detail::VecOf<std::int32_t, 4 * kLanes>::type;
    using Wide = typename simd::detail::VecOf<std::int64_t, 8 * kLanes>::type;
    const auto u = static_cast<std::uint64_t>(i);
    U low;
    EIGENGRAD_UNROLL
    for (int lane = 0; lane < kLanes; ++lane) low[lane] = static_cast<std::uint32_t>(lane);
    low += static_cast<std::uint32_t>(u);
    const Narrow keep =
        (Narrow)(random_hash<U>(low, static_cast<std::uint32_t>(u >> 32), key_) < keep_below_);
    const V scaled = x * static_cast<T>(scale_);
    if constexpr (sizeof(T) == 4) {
      return keep ? scaled : V{};
    } else {
      return __builtin_convertvector(keep, Wide) ? scaled : V{};
    }
  }

 private:
  std::uint64_t key_ = 0;
  std::uint32_t keep_below_ = 0xFFFFFFFFu;
  double scale_ = 1;
};

namespace detail {

template <class T>
struct DropoutElements {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, Index begin, Index end, DropoutMask mask) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      at.store(y + begin, mask.apply(at.load(x + begin), begin + at.i));
    });
  }
};

template <class T>
struct ScaleElements {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, Index n, T scale) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n,
                       [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(y, at.load(x) * scale); });
  }
};

}  // namespace detail

/// y[i] = x[i] under the mask of element i; y may be x.
template <class T>
void dropout(T* y, const T* x, Index n, const DropoutMask& mask) {
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {
    simd::dispatch<detail::DropoutElements<T>>(y, x, begin, end, mask);
  });
}

/// The same with one decision for each of `samples` rows of `size` elements.
template <class T>
void dropout_samples(T* y, const T* x, Index samples, Index size, const DropoutMask& mask) {
  parallel_for(samples, row_grain(size), [&](Index begin, Index end) {
    for (Index s = begin; s < end; ++s) {
      if (mask.keeps(s)) {
        simd::dispatch<detail::ScaleElements<T>>(y + s * size, x + s * size, size,
                                                 static_cast<T>(mask.scale()));
      } else {
        std::fill(y + s * size, y + (s + 1) * size, T(0));
      }
    }
  });
}

EIGENGRAD_INSTANTIATE(void dropout(float*, const float*, Index, const DropoutMask&))
EIGENGRAD_INSTANTIATE(void dropout(double*, const double*, Index, const DropoutMask&))
EIGENGRAD_INSTANTIATE(void dropout_samples(float*, const float*, Index, Index, const DropoutMask&))
EIGENGRAD_INSTANTIATE(void dropout_samples(double*, const double*, Index, Index,
                                           const DropoutMask&))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
