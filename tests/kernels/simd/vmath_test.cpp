// SPDX-License-Identifier: MIT
#include <cstring>

#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;

namespace {

struct Exp {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::exp(x);
  }
};
struct Log {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::log(x);
  }
};
struct Log1p {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::log1p(x);
  }
};
struct Expm1 {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::expm1(x);
  }
};
struct Softplus {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::softplus(x);
  }
};
struct Erf {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::erf(x);
  }
};
struct Tanh {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::tanh(x);
  }
};
struct Sqrt {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::sqrt(x);
  }
};

struct Sigmoid {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::sigmoid(x);
  }
};
struct Abs {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    return eg::vmath::abs(x);
  }
};
struct Gelu {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    V derivative;
    return eg::vmath::gelu(x, derivative);
  }
};
struct GeluDerivative {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& x) const {
    V derivative;
    eg::vmath::gelu(x, derivative);
    return derivative;
  }
};
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.)); }

template <class F, class T>
NdArray<T> apply(F f, const NdArray<T>& x) {
  NdArray<T> y(x.shape());
  eg::kernels::map(f, y.data(), x.numel(), x.data());
  return y;
}

/// Every float in [low, high] whose bits are a multiple of `stride`: every exponent, either sign,
/// subnormal numbers too.
NdArray<float> floats(float low, float high, std::uint64_t stride = 1009) {
  std::vector<float> found;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += stride) {
    const auto word = static_cast<std::uint32_t>(bits);
    float x;
    std::memcpy(&x, &word, sizeof x);
    if (x >= low && x <= high) found.push_back(x);
  }
  return {eg::Shape{static_cast<Index>(found.size())}, std::span<const float>(found)};
}

constexpr float kInf = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("vmath: the ends of the float range") {
  const float largest = std::numeric_limits<float>::max();
  const NdArray<float> x({7}, {0, 1, 4, 1e38f, largest, kInf, -1});
  const NdArray<float> root = apply(Sqrt{}, x);
  CHECK(root(0) == 0);
  CHECK(root(1) == 1);
  CHECK(root(2) == 2);
  CHECK(std::abs(root(4) / std::sqrt(largest) - 1) < 1.2e-7f);
  CHECK(root(5) == kInf);
  CHECK(std::isnan(root(6)));
  CHECK(std::isnan(apply(Sqrt{}, NdArray<float>({1}, {NAN}))(0)));
  const NdArray<float> logarithm = apply(Log{}, x);
  CHECK(logarithm(0) == -kInf);
  CHECK(logarithm(1) == 0);
  CHECK(logarithm(5) == kInf);
  CHECK(std::isnan(logarithm(6)));
  CHECK(std::isnan(apply(Log{}, NdArray<float>({1}, {NAN}))(0)));
  const NdArray<float> power = apply(Exp{}, NdArray<float>({4}, {-kInf, -1000, 1000, NAN}));
  CHECK(power(0) == 0);
  CHECK(power(1) == 0);
  CHECK(power(2) == kInf);
  CHECK(std::isnan(power(3)));
}

TEST_CASE("vmath: squares have whole roots") {
  NdArray<float> squares(eg::Shape{4096});
  for (Index i = 0; i < 4096; ++i) squares.data()[i] = static_cast<float>(i * i);
  CHECK_SAME(apply(Sqrt{}, squares), NdArray<float>::arange(4096));
}

TEST_CASE("vmath: what is too small for a normal float is 0 or nearly so") {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const double tiny = 1.2e-38;
  const auto below = [&](auto f, float low, float high) {
    const NdArray<float> y = apply(f, floats(low, high));
    return std::all_of(y.begin(), y.end(), [&](float v) { return v >= 0 && v <= tiny; });
  };
  CHECK(below(Exp{}, -kLargest, -87.4f));
  CHECK(below(Sigmoid{}, -kLargest, -88));
  for (const float x : {-13.25f, -14.f, -1e10f, -kLargest}) {
    CHECK(apply(Gelu{}, NdArray<float>({1}, {x})).item() == 0);
    CHECK(apply(GeluDerivative{}, NdArray<float>({1}, {x})).item() == 0);
    CHECK(apply(Gelu{}, NdArray<float>({1}, {-x})).item() == -x);
    CHECK(apply(GeluDerivative{}, NdArray<float>({1}, {-x})).item() == 1);
  }
}

TEMPLATE_TEST_CASE("vmath: infinities, NaN and zeros", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T low = std::numeric_limits<T>::denorm_min();
  const NdArray<T> x({6}, {-inf, 0, inf, nan, -nan, low});
  CHECK_SAME(apply(Exp{}, x), NdArray<T>({6}, {0, 1, inf, nan, nan, 1}));
  CHECK_CLOSE(apply(Log{}, x), NdArray<T>({6}, {nan, -inf, inf, nan, nan, std::log(low)}), 1e-7);
  CHECK_CLOSE(apply(Log1p{}, x), NdArray<T>({6}, {nan, 0, inf, nan, nan, low}), 1e-40);
  CHECK_SAME(apply(Log1p{}, NdArray<T>({2}, {-1, T(-1.5)})), NdArray<T>({2}, {-inf, nan}));
  CHECK_CLOSE(apply(Expm1{}, x), NdArray<T>({6}, {-1, 0, inf, nan, nan, low}), 1e-40);
  CHECK_CLOSE(apply(Softplus{}, x),
              NdArray<T>({6}, {0, T(0.6931471805599453), inf, nan, nan, T(0.6931471805599453)}),
              1e-7);
  CHECK_CLOSE(apply(Erf{}, x), NdArray<T>({6}, {-1, 0, 1, nan, nan, low}), 1e-40);
  CHECK_CLOSE(apply(Tanh{}, x), NdArray<T>({6}, {-1, 0, 1, nan, nan, low}), 1e-40);
  CHECK_SAME(apply(Sigmoid{}, x), NdArray<T>({6}, {0, T(0.5), 1, nan, nan, T(0.5)}));
  CHECK_CLOSE(apply(Gelu{}, x), NdArray<T>({6}, {0, 0, inf, nan, nan, 0}), 1e-40);
  CHECK_CLOSE(apply(GeluDerivative{}, x), NdArray<T>({6}, {0, 0.5, 1, nan, nan, 0.5}), 3e-7);
  CHECK_SAME(apply(Abs{}, x), NdArray<T>({6}, {inf, 0, inf, nan, nan, low}));
  // Signs of zero.
  const NdArray<T> zeros({2}, {T(0), -T(0)});
  CHECK_FALSE(std::signbit(apply(Abs{}, zeros)(1)));
  CHECK(std::signbit(apply(Tanh{}, zeros)(1)));
  CHECK(std::signbit(apply(Erf{}, zeros)(1)));
}

TEST_CASE("vmath: double is libm's") {
  const NdArray<double> x = test::random({67}, 1, 0.01, 5);
  const NdArray<double> y = apply(Gelu{}, x);
  for (Index i = 0; i < x.numel(); ++i) {
    CHECK(apply(Exp{}, x)(i) == std::exp(x(i)));
    CHECK(apply(Log{}, x)(i) == std::log(x(i)));
    CHECK(apply(Erf{}, x)(i) == std::erf(x(i)));
    CHECK(apply(Log1p{}, x)(i) == std::log1p(x(i)));
    CHECK(apply(Expm1{}, x)(i) == std::expm1(x(i)));
    CHECK(apply(Tanh{}, x)(i) == std::tanh(x(i)));
    CHECK(apply(Sqrt{}, x)(i) == std::sqrt(x(i)));
    CHECK(std::abs(y(i) - exact_gelu(x(i))) < 1e-15);
  }
}
