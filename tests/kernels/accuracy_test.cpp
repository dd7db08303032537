// SPDX-License-Identifier: MIT
// Every elementary function against libm in higher precision, over all exponents and both signs.
// The table in docs/accuracy.md: build/tests/accuracy_test "[table]"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <tests/support/activation.hpp>
#include <tests/support/test.hpp>

using eg::Activation;
using test::Derivative;
using test::Index;
using test::Value;

namespace {

#define FUNCTION(Name, ...)                           \
  struct Name {                                       \
    template <class V>                                \
    EIGENGRAD_INLINE V operator()(const V& x) const { \
      __VA_ARGS__;                                    \
    }                                                 \
  }
FUNCTION(Exp, return eg::vmath::exp(x));
FUNCTION(Log, return eg::vmath::log(x));
FUNCTION(Log1p, return eg::vmath::log1p(x));
FUNCTION(Expm1, return eg::vmath::expm1(x));
FUNCTION(Softplus, return eg::vmath::softplus(x));
FUNCTION(Erf, return eg::vmath::erf(x));
FUNCTION(Tanh, return eg::vmath::tanh(x));
FUNCTION(Sigmoid, return eg::vmath::sigmoid(x));
FUNCTION(Sqrt, return eg::vmath::sqrt(x));
FUNCTION(Rsqrt, return eg::vmath::rsqrt(x));
#undef FUNCTION

// The functions themselves, in the precision of R.
template <class R>
R sigmoid(R x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
template <class R>
R cdf(R x) {
  return std::erfc(-x * std::sqrt(R(0.5))) / 2;
}
template <class R>
R density(R x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(R(-1)));
}
template <class R>
R inner(R x) {  // of tanh in the approximate GELU, doubled
  return 2 * std::sqrt(2 / std::acos(R(-1))) * (x + R(0.044715L) * x * x * x);
}

/// One line of the table: |y - exact| over max(|exact|, least), for x in [low, high].
struct Line {
  const char* name;
  double low, high, least;
  double bound_float, bound_double;
};

struct Worst {
  double error = 0, at = 0;
};

/// Numbers at equal steps through the bits of T: every exponent, both signs, subnormal numbers.
template <class T>
std::vector<T> samples(double low, double high) {
  using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const Word step = sizeof(T) == 4 ? Word(2003) : Word(92233720368547);
  std::vector<T> found{static_cast<T>(low), static_cast<T>(high)};
  Word bits = 0;
  do {
    T x;
    std::memcpy(&x, &bits, sizeof x);
    if (x >= low && x <= high) found.push_back(x);
    bits += step;
  } while (bits >= step);
  return found;
}

template <class T, class F, class Exact>
Worst worst(F f, Exact exact, const Line& line) {
  using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
  const std::vector<T> x = samples<T>(line.low, line.high);
  std::vector<T> y(x.size());
  eg::kernels::map(f, y.data(), static_cast<Index>(x.size()), x.data());
  Worst result;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Wide e = exact(static_cast<Wide>(x[i]));
    if (static_cast<Wide>(y[i]) == e) continue;
    const Wide scale = std::max(std::abs(e), static_cast<Wide>(line.least));
    const auto error = static_cast<double>(std::abs(static_cast<Wide>(y[i]) - e) / scale);
    if (!(error <= result.error)) result = {error, static_cast<double>(x[i])};
    if (std::isnan(error)) break;
  }
  return result;
}

/// Calls visit(line, error of float, error of double) for each line.
template <class Visit>
void measure(Visit visit) {
  auto line = [&](const Line& l, auto f, auto exact) {
    visit(l, worst<float>(f, exact, l), worst<double>(f, exact, l));
  };
  const double largest = std::numeric_limits<float>::max();
  const double normal = std::numeric_limits<float>::min();
  const double unit = 1.2e-16;  // libm's own
  line({"exp", -87.33, 88.72, 0, 1.2e-7, unit}, Exp{}, [](auto x) { return std::exp(x); });
  line({"exp", -largest, -87.33, 1, 1.2e-38, 1.2e-38}, Exp{}, [](auto x) { return std::exp(x); });
  line({"log", 1e-45, largest, 0, 1.2e-7, unit}, Log{}, [](auto x) { return std::log(x); });
  line({"log1p", -0.99, largest, normal, 2e-7, 2 * unit}, Log1p{},
       [](auto x) { return std::log1p(x); });
  line({"expm1", -largest, 88.7, normal, 2.5e-7, 2 * unit}, Expm1{},
       [](auto x) { return std::expm1(x); });
  line({"softplus", -87, largest, normal, 2.5e-7, 4 * unit}, Softplus{},
       [](auto x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); });
  line({"erf", -largest, largest, normal, 2.5e-7, 2 * unit}, Erf{},
       [](auto x) { return std::erf(x); });
  line({"tanh", -largest, largest, normal, 2e-7, 3 * unit}, Tanh{},
       [](auto x) { return std::tanh(x); });
  line({"sigmoid", -87, largest, 0, 2e-7, 4 * unit}, Sigmoid{}, [](auto x) { return sigmoid(x); });
  line({"sqrt", 0, largest, 0, 1.2e-7, unit}, Sqrt{}, [](auto x) { return std::sqrt(x); });
  line({"rsqrt", 1e-45, largest, 0, 2e-7, 2 * unit}, Rsqrt{},
       [](auto x) { return 1 / std::sqrt(x); });
  line({"gelu", -4, 1e15, normal, 1e-6, 30 * unit}, Value<Activation::kGelu>{},
       [](auto x) { return x * cdf(x); });
  line({"gelu", -1e15, -4, 1, 1e-9, unit}, Value<Activation::kGelu>{},
       [](auto x) { return x * cdf(x); });
  line({"gelu derivative", -1e15, 1e15, 1, 4e-7, 10 * unit}, Derivative<Activation::kGelu>{},
       [](auto x) { return cdf(x) + x * density(x); });
  line({"gelu_tanh", -1e10, 1e10, 1, 4e-7, 10 * unit}, Value<Activation::kGeluTanh>{},
       [](auto x) { return x * sigmoid(inner(x)); });
  line({"gelu_tanh derivative", -1e10, 1e10, 1, 3e-6, 100 * unit},
       Derivative<Activation::kGeluTanh>{}, [](auto x) {
         using R = decltype(x);
         const R s = sigmoid(inner(x)), t = sigmoid(-inner(x));
         return s +
                x * s * t * 2 * std::sqrt(2 / std::acos(R(-1))) * (1 + 3 * R(0.044715L) * x * x);
       });
  line({"silu", -87, largest, normal, 2e-7, 4 * unit}, Value<Activation::kSilu>{},
       [](auto x) { return x * sigmoid(x); });
  line({"silu derivative", -largest, largest, 1, 2e-6, 50 * unit}, Derivative<Activation::kSilu>{},
       [](auto x) { return sigmoid(x) + x * sigmoid(x) * sigmoid(-x); });
}

}  // namespace

TEST_CASE("accuracy: every function is within its bound over its whole range") {
  measure([](const Line& l, const Worst& single, const Worst& full) {
    INFO(l.name << " on [" << l.low << ", " << l.high << "]: float " << single.error << " at "
                << single.at << ", double " << full.error << " at " << full.at);
    CHECK(single.error <= l.bound_float);
    CHECK(full.error <= l.bound_double);
  });
}

TEST_CASE("accuracy: print the table", "[.][table]") {
  std::printf("| function | x from | to | error relative to | float | double |\n");
  std::printf("|---|---|---|---|---|---|\n");
  measure([](const Line& l, const Worst& single, const Worst& full) {
    char least[40] = "the result";
    if (l.least > 0) std::snprintf(least, sizeof least, "%.2g or the result, the larger", l.least);
    std::printf("| %s | %.4g | %.4g | %s | %.2g | %.2g |\n", l.name, l.low, l.high, least,
                single.error, full.error);
  });
}
