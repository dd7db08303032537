// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/vmath.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;

namespace {

struct Exp {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return eg::vmath::exp(x);
  }
};
struct Log {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return eg::vmath::log(x);
  }
};
struct Erf {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return eg::vmath::erf(x);
  }
};
struct Tanh {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return eg::vmath::tanh(x);
  }
};
struct Sqrt {
  template <class V>
  EIGENGRAD_INLINE V operator()(V x) const {
    return eg::vmath::sqrt(x);
  }
};

template <class F>
NdArray<float> apply(F f, const NdArray<float>& x) {
  NdArray<float> y(x.shape());
  eg::kernels::map(f, y.data(), x.numel(), x.data());
  return y;
}

/// Largest |f(x) - exact(x)| / |exact(x)| over `count` numbers from low to high.
template <class F, class Exact>
double worst(F f, Exact exact, double low, double high, bool geometric = false,
             Index count = 100003) {
  NdArray<float> x(eg::Shape{count});
  for (Index i = 0; i < count; ++i) {
    const double t = double(i) / double(count - 1);
    x.data()[i] =
        static_cast<float>(geometric ? low * std::pow(high / low, t) : low + t * (high - low));
  }
  const NdArray<float> y = apply(f, x);
  double error = 0;
  for (Index i = 0; i < count; ++i) {
    const double e = exact(double(x.data()[i]));
    if (e != 0) error = std::max(error, std::abs(double(y.data()[i]) - e) / std::abs(e));
  }
  return error;
}

constexpr float kInf = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("vmath: float functions are exact to about 1e-7") {
  CHECK(worst(
            Exp{}, [](double x) { return std::exp(x); }, -87, 88) < 3e-7);
  CHECK(worst(
            Log{}, [](double x) { return std::log(x); }, 1e-37, 1e38, true) < 3e-7);
  CHECK(worst(
            Log{}, [](double x) { return std::log(x); }, 0.5, 2) < 3e-7);
  CHECK(worst(
            Erf{}, [](double x) { return std::erf(x); }, -5, 5) < 3e-7);
  CHECK(worst(
            Tanh{}, [](double x) { return std::tanh(x); }, -10, 10) < 4e-7);
  const auto root = [](double x) { return std::sqrt(x); };
  CHECK(worst(Sqrt{}, root, 1, 4) < 1.2e-7);
  CHECK(worst(Sqrt{}, root, 1.2e-38, 3.4e38, true) < 1.2e-7);
  CHECK(worst(Sqrt{}, root, 1e-41, 1.2e-38, true) < 1.2e-7);
}

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
