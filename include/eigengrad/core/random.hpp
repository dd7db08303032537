// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad {

namespace detail {

/// Philox4x32-10: four random words from a counter and a key.
///
/// **Source** J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
inline std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t high,
                                           std::uint64_t low) {
  std::uint32_t c0 = static_cast<std::uint32_t>(low);
  std::uint32_t c1 = static_cast<std::uint32_t>(low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(high);
  std::uint32_t c3 = static_cast<std::uint32_t>(high >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

}  // namespace detail

/// Seeded random numbers. The state is three words, so it can be saved, restored and forked.
///
/// A draw is a function of (seed, stream, counter) alone: the same on every machine with the same
/// `libm`, whatever the number of threads.
class Generator {
 public:
  struct State {
    std::uint64_t seed = 0;
    std::uint64_t stream = 0;
    std::uint64_t counter = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  explicit Generator(std::uint64_t seed = 0, std::uint64_t stream = 0) : state_{seed, stream, 0} {}
  explicit Generator(const State& state) : state_(state) {}

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

  /// An independent generator for a numbered part of the work, such as (epoch, image).
  /// Does not advance this one.
  Generator fork(std::uint64_t a, std::uint64_t b = 0) const {
    // Seed and stream make the key: mixed into a or b, one stream's forks would be another's.
    const auto k = detail::philox(state_.seed ^ 0x5851F42D4C957F2Dull, state_.stream, 0);
    const auto w = detail::philox(join(k[0], k[1]), a, b);
    return Generator(join(w[0], w[1]), join(w[2], w[3]));
  }

  /// 64 random bits.
  std::uint64_t next() {
    const auto w = detail::philox(state_.seed, state_.stream, state_.counter++);
    return join(w[0], w[1]);
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Standard normal by Box and Muller's transform.
  double normal() {
    const auto w = detail::philox(state_.seed, state_.stream, state_.counter++);
    const double u = (static_cast<double>(join(w[0], w[1]) >> 11) + 0.5) * 0x1.0p-53;
    const double v = static_cast<double>(join(w[2], w[3]) >> 11) * 0x1.0p-53;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

  /// Uniform integer in [0, n), without bias. **Throws** ValueError unless n > 0.
  Index integer(Index n) {
    if (n <= 0) throw ValueError(detail::concat("[integer] n must be positive: ", n));
    const auto range = static_cast<std::uint64_t>(n);
    const std::uint64_t limit = (~std::uint64_t{0}) / range * range;
    std::uint64_t x = next();
    while (x >= limit) x = next();
    return static_cast<Index>(x % range);
  }

  template <class T = float>
  NdArray<T> uniform(const Shape& shape, T low = T(0), T high = T(1)) {
    NdArray<T> out(shape);
    for (T& x : out) {
      x = static_cast<T>(uniform(double(low), double(high)));
      if (x >= high) x = std::nextafter(high, low);  // rounding to T must not reach the end
    }
    return out;
  }

  template <class T = float>
  NdArray<T> normal(const Shape& shape, T mean = T(0), T stddev = T(1)) {
    NdArray<T> out(shape);
    for (T& x : out) x = static_cast<T>(double(mean) + double(stddev) * normal());
    return out;
  }

  /// The numbers 0 to n-1 in random order (Fisher and Yates).
  NdArray<Index> permutation(Index n) {
    NdArray<Index> out = NdArray<Index>::arange(n);
    for (Index i = n - 1; i > 0; --i) std::swap(out.data()[i], out.data()[integer(i + 1)]);
    return out;
  }

 private:
  static std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return (static_cast<std::uint64_t>(high) << 32) | low;
  }

  State state_;
};

/// Generators that belong together: those of a module.
using GeneratorList = std::vector<Generator*, detail::CacheAllocator<Generator*>>;

}  // namespace eigengrad
