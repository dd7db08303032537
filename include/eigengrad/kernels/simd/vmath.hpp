// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Elementary functions on vectors.
///
/// float: polynomials, about 1e-7 relative, without tables or calls. double: libm, lane by lane,
/// because gradient checks want its last digits and nobody trains in it.
namespace eigengrad::vmath {

namespace detail {

template <class V>
inline constexpr bool kFastFloat = sizeof(simd::Element<V>) == 4;

template <class V>
struct IntOf {
  typedef std::int32_t type __attribute__((vector_size(sizeof(V))));
};

template <class V, class F>
EIGENGRAD_INLINE V per_lane(const V& x, F f) {
  V y = x;
  for (Index i = 0; i < simd::kSize<V>; ++i) y[i] = f(x[i]);
  return y;
}

/// Horner's scheme: c0 + x (c1 + x (c2 + ...)).
template <class V>
EIGENGRAD_INLINE V poly(const V&, float c) {
  return simd::broadcast<V>(c);
}
template <class V, class... C>
EIGENGRAD_INLINE V poly(const V& x, float c, C... rest) {
  return poly(x, rest...) * x + c;
}

template <class V>
EIGENGRAD_INLINE V copy_sign(const V& magnitude, const V& sign) {
  using I = typename IntOf<V>::type;
  return (V)(((I)magnitude & 0x7fffffff) | ((I)sign & (std::int32_t)0x80000000));
}

}  // namespace detail

template <class V>
EIGENGRAD_INLINE V abs(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return x < V{} ? -x : x + V{};  // + 0 makes 0 of -0
  } else {
    return (V)((typename detail::IntOf<V>::type)x & 0x7fffffff);
  }
}

namespace detail {

inline constexpr float kExpHigh = 88.722839f;  // log of the largest float
inline constexpr float kExpLow = -87.336545f;  // log of the smallest normal float

/// e^x for x in [kExpLow, kExpHigh].
template <class V>
EIGENGRAD_INLINE V exp_in_range(const V& x) {
  using I = typename IntOf<V>::type;
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  const V shifted = x * 1.44269504f + 12582912.f;
  const V n = shifted - 12582912.f;
  V r = x - n * 0.693359375f;  // log 2 in two parts: the first product is exact
  r = r + n * 2.12194440e-4f;
  const V p = poly(r, 0.49999994f, 0.16666521f, 0.041668389f, 0.0083687166f, 0.0013814609f);
  const V e = p * (r * r) + r + 1.f;
  return (V)((I)e + ((I)shifted << 23));
}

}  // namespace detail

/// e^x. float: results below the smallest normal number are 0.
template <class V>
EIGENGRAD_INLINE V exp(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::exp(v); });
  } else {
    const V clamped = simd::min(simd::max(x, simd::broadcast<V>(detail::kExpLow)),
                                simd::broadcast<V>(detail::kExpHigh));
    V y = detail::exp_in_range(clamped);
    y = x < detail::kExpLow ? V{} : y;
    y = x > detail::kExpHigh ? simd::broadcast<V>(std::numeric_limits<float>::infinity()) : y;
    return x == x ? y : x;
  }
}

/// Natural logarithm; -inf at 0, NaN below.
///
/// **Source** float: the polynomial of S. Moshier's Cephes `logf`.
template <class V>
EIGENGRAD_INLINE V log(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::log(v); });
  } else {
    using I = typename detail::IntOf<V>::type;
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const auto tiny = x < 1.17549435e-38f;
    const V scaled = tiny ? x * 8388608.f : x;  // 2^23 makes subnormal numbers normal
    const V adjust = tiny ? simd::broadcast<V>(-23.f) : V{};
    // Mantissa in [sqrt(1/2), sqrt(2)).
    const I bits = (I)scaled - 0x3f3504f3;
    const I exponent = bits >> 23;
    const V m = (V)((bits & 0x007fffff) + 0x3f3504f3) - 1.f;
    const V e = __builtin_convertvector(exponent, V) + adjust;
    const V z = m * m;
    V y = detail::poly(m, 3.3333331174e-1f, -2.4999993993e-1f, 2.0000714765e-1f, -1.6668057665e-1f,
                       1.4249322787e-1f, -1.2420140846e-1f, 1.1676998740e-1f, -1.1514610310e-1f,
                       7.0376836292e-2f) *
          m * z;
    y = y - e * 2.12194440e-4f - z * 0.5f;
    y = m + y + e * 0.693359375f;
    y = x == V{} ? simd::broadcast<V>(-kInf) : y;
    y = x < V{} ? simd::broadcast<V>(std::numeric_limits<float>::quiet_NaN()) : y;
    // Not `x : y` again: two selects between the same values become one select by two joined masks,
    // which GCC 12 computes lane by lane in 64-byte vectors.
    y = x == kInf ? simd::broadcast<V>(kInf) : y;
    return x == x ? y : x;
  }
}

/// log(1 + x) with the digits of a small x: -inf at -1, NaN below.
template <class V>
EIGENGRAD_INLINE V log1p(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::log1p(v); });
  } else {
    const V w = x + 1.f;
    const V y = log(w);
    // What the rounding of w has lost, to first order: log(w + e) = log(w) + e / w.
    const V lost = (x - (w - 1.f)) / w;
    return lost == lost ? y + lost : y;  // NaN at both ends, where y is right
  }
}

/// log(1 + e^x) as max(x, 0) + log(1 + e^-|x|), which does not overflow.
template <class V>
EIGENGRAD_INLINE V softplus(const V& x) {
  const V positive = x > V{} ? x : V{};
  return positive + log1p(exp(-abs(x)));
}

namespace detail {

/// erfc(z) for z >= 0, given e = exp(-z z): e P(t), t = 1 / (1 + 0.4 z). The coefficients are a
/// minimax fit of the relative error (6e-8) over [0, 10].
template <class V>
EIGENGRAD_INLINE V erfc_positive(const V& z, const V& e) {
  const V t = 1.f / (z * 0.4f + 1.f);
  return e * t *
         poly(t, 0.225634247f, 0.226442948f, 0.20188877f, 0.193388402f, 0.079768151f, 0.0879468396f,
              0.0840028599f, -0.140326932f, 0.0412546508f);
}

}  // namespace detail

/// The error function.
template <class V>
EIGENGRAD_INLINE V erf(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::erf(v); });
  } else {
    const V z = abs(x);
    const V far = 1.f - detail::erfc_positive(z, exp(-(z * z)));
    // Near 0 a difference from 1 would lose the digits; erf(x) / x is a polynomial of x^2 there.
    const V near = detail::poly(z * z, 1.128379107f, -0.376126260f, 0.112835854f, -0.026853811f,
                                0.0051883268f, -0.00080101879f, 0.000078538425f) *
                   z;
    return detail::copy_sign(z < 1.f ? near : far, x);
  }
}

template <class V>
EIGENGRAD_INLINE V tanh(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::tanh(v); });
  } else {
    const V z = abs(x);
    const V far = 1.f - 2.f / (exp(z + z) + 1.f);
    // Cephes' `tanhf` below 0.625, where the form above loses digits.
    const V s = z * z;
    const V near = detail::poly(s, -3.33332819422e-1f, 1.33314422036e-1f, -5.37397155531e-2f,
                                2.06390887954e-2f, -5.70498872745e-3f) *
                       s * z +
                   z;
    return detail::copy_sign(z < 0.625f ? near : far, x);
  }
}

/// e^x - 1 with the digits of a small x.
template <class V>
EIGENGRAD_INLINE V expm1(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::expm1(v); });
  } else {
    const V t = tanh(x * 0.5f);
    return x < 1.f ? (t + t) / (1.f - t) : exp(x) - 1.f;
  }
}

/// Sine and cosine: libm, lane by lane, which is right for arguments of any size.
template <class V>
EIGENGRAD_INLINE V sin(const V& x) {
  return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::sin(v); });
}
template <class V>
EIGENGRAD_INLINE V cos(const V& x) {
  return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::cos(v); });
}

/// 1 / (1 + e^-x).
template <class V>
EIGENGRAD_INLINE V sigmoid(const V& x) {
  return simd::Element<V>(1) / (exp(-x) + simd::Element<V>(1));
}

/// Square root; NaN below 0. float: the last bit may differ from the rounded root.
///
/// A call of `std::sqrt` for each lane is a scalar loop, since it may have to set errno. Three
/// steps of Newton's on 1 / sqrt(x) and one correction of the root are a fifth of its time.
template <class V>
EIGENGRAD_INLINE V sqrt(const V& x) {
  if constexpr (!detail::kFastFloat<V>) {
    return detail::per_lane(x, [](auto v) EIGENGRAD_INLINE_LAMBDA { return std::sqrt(v); });
  } else {
    using I = typename detail::IntOf<V>::type;
    constexpr float kTiny = 1.17549435e-38f;  // the smallest normal number
    constexpr float kBig = 1e30f;
    constexpr float kScale = 16777216.f;  // 2^24 keeps subnormal numbers and overflow away
    const V one = simd::broadcast<V>(1.f);
    const V big_scale = x > kBig ? simd::broadcast<V>(1 / kScale) : one;
    const V scale = x < kTiny ? simd::broadcast<V>(kScale) : big_scale;
    const V big_unscale = x > kBig ? simd::broadcast<V>(4096.f) : one;
    const V unscale = x < kTiny ? simd::broadcast<V>(1 / 4096.f) : big_unscale;
    const V s = x * scale;
    const V half = s * 0.5f;
    V r = (V)(0x5f3759df - ((I)s >> 1));  // 1 / sqrt(s) to 4 %: halves and negates the exponent
    EIGENGRAD_UNROLL
    for (int step = 0; step < 3; ++step) r = r * (1.5f - half * r * r);
    V y = s * r;
    y = (y + (s - y * y) * (r * 0.5f)) * unscale;
    y = x > std::numeric_limits<float>::max()
            ? simd::broadcast<V>(std::numeric_limits<float>::infinity())
            : y;
    return x < V{} ? simd::broadcast<V>(std::numeric_limits<float>::quiet_NaN()) : y;
  }
}

/// 1 / sqrt(x): infinity at 0, NaN below.
template <class V>
EIGENGRAD_INLINE V rsqrt(const V& x) {
  return simd::Element<V>(1) / sqrt(x);
}

/// GELU, x Phi(x) with the normal distribution function Phi, and its derivative
/// Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi); at minus infinity both are 0.
///
/// By symmetry from the tail Phi(-a), a = |x|: gelu(x) = max(x, 0) - a Phi(-a), without a select.
/// float: the tail is e P(t) for e = exp(-a^2 / 2) and t = 1 / (1 + 0.3 a); the coefficients are a
/// minimax fit of the relative error (1.2e-7) over [0, 13.1]. e is 2^n 2^f with a power of two that
/// becomes 0, not small, where a is clamped. The rounding of a^2 enters the exponent: the tail is
/// good to 6e-7 for x > -4 and 5e-6 at -12, where gelu is smaller than 1e-30.
template <class V>
EIGENGRAD_INLINE V gelu(const V& x, V& derivative) {
  using E = simd::Element<V>;
  constexpr E kDensity = E(0.3989422804014327);  // at 0
  const E limit = detail::kFastFloat<V> ? E(13.27) : E(40);
  const V a = simd::min(simd::broadcast<V>(limit), abs(x));  // in this order a NaN stays
  V tail, slope;                                             // Phi(-a) and the derivative at -a
  if constexpr (!detail::kFastFloat<V>) {
    tail = detail::per_lane(
        a, [](auto v) EIGENGRAD_INLINE_LAMBDA { return 0.5 * std::erfc(v * 0.7071067811865476); });
    slope = tail - a * exp(a * a * E(-0.5)) * kDensity;
  } else {
    using I = typename detail::IntOf<V>::type;
    // As in exp, but of base 2, and the integer comes with the bias of an exponent.
    constexpr float kBase = -0.72134752f, kRound = 12582912.f + 127.f;
    const V square = a * a;
    const V shifted = square * kBase + kRound;
    const V f = square * kBase - (shifted - kRound);
    const V e = detail::poly(f, 1.00000012f, 0.693146944f, 0.240221202f, 0.0555071346f,
                             0.00967554096f, 0.00132764620f) *
                (V)((I)shifted << 23);
    const V t = 1.f / (a * 0.3f + 1.f);
    const V p = detail::poly(t, 0.119623907f, 0.1208359f, 0.0994061306f, 0.13022466f,
                             -0.0568093285f, 0.209733397f, -0.15915677f, 0.0361420624f) *
                t;
    tail = e * p;
    slope = e * (p - a * kDensity);
  }
  derivative = x > V{} ? E(1) - slope : slope;
  return (x < V{} ? V{} : x) - a * tail;
}

}  // namespace eigengrad::vmath

EIGENGRAD_END_VECTORS
