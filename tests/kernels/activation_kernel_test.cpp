// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/activation.hpp>
#include <eigengrad/kernels/activation_map.hpp>
#include <eigengrad/kernels/map.hpp>
#include <tests/support/activation.hpp>
#include <tests/support/test.hpp>

using eg::Activation;
using test::Derivative;
using test::Index;
using test::NdArray;
using test::Value;

namespace {

template <class F, class T>
NdArray<T> apply(F f, const NdArray<T>& x) {
  NdArray<T> y(x.shape());
  eg::kernels::map(f, y.data(), x.numel(), x.data());
  return y;
}

/// The definitions, from the papers.
double exact(Activation a, double x) {
  const double pi = std::acos(-1.);
  switch (a) {
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kGelu:
      return x / 2 * std::erfc(-x / std::sqrt(2.));
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kNone:
      break;
  }
  return x;
}

template <Activation A, class T>
void check() {
  INFO(eg::activation_name(A) << " in " << sizeof(T) << " bytes");
  NdArray<T> x({4001});
  for (Index i = 0; i < x.numel(); ++i) x(i) = static_cast<T>(double(i - 2000) / 200 + 1e-3);
  const NdArray<T> y = apply(Value<A>(), x);
  const NdArray<T> slope = apply(Derivative<A>(), x);
  double value_error = 0;
  double slope_error = 0;
  for (Index i = 0; i < x.numel(); ++i) {
    const double at = static_cast<double>(x(i));
    const double h = 1e-5;
    const double quotient = (exact(A, at + h) - exact(A, at - h)) / (2 * h);
    value_error = std::max(value_error, std::abs(static_cast<double>(y(i)) - exact(A, at)));
    slope_error = std::max(slope_error, std::abs(static_cast<double>(slope(i)) - quotient));
  }
  CHECK(value_error < (sizeof(T) == 4 ? 1.5e-6 : 1e-14));
  CHECK(slope_error < (sizeof(T) == 4 ? 3e-6 : 1e-9));
}

}  // namespace

TEMPLATE_TEST_CASE("activation kernel: values and derivatives", "", float, double) {
  check<Activation::kNone, TestType>();
  check<Activation::kRelu, TestType>();
  check<Activation::kGelu, TestType>();
  check<Activation::kGeluTanh, TestType>();
  check<Activation::kSilu, TestType>();
}

TEST_CASE("activation kernel: small inputs keep their digits") {
  // gelu(x) and silu(x) are x / 2 to first order.
  const NdArray<float> x({4}, {1e-30f, -1e-30f, 1e-5f, -1e-5f});
  for (const NdArray<float>& y :
       {apply(Value<Activation::kGelu>(), x), apply(Value<Activation::kGeluTanh>(), x),
        apply(Value<Activation::kSilu>(), x)}) {
    for (Index i = 0; i < 4; ++i) CHECK(std::abs(y(i) / (x(i) / 2) - 1) < 2e-5f);
  }
}

TEST_CASE("activation kernel: names") {
  CHECK(std::string(eg::activation_name(Activation::kNone)) == "none");
  CHECK(std::string(eg::activation_name(Activation::kRelu)) == "relu");
  CHECK(std::string(eg::activation_name(Activation::kGelu)) == "gelu");
  CHECK(std::string(eg::activation_name(Activation::kGeluTanh)) == "gelu_tanh");
  CHECK(std::string(eg::activation_name(Activation::kSilu)) == "silu");
}

TEMPLATE_TEST_CASE("activation_backward: value, in place or not", "", float, double) {
  using T = TestType;
  const NdArray<T> dout({2, 2}, {2, 3, 5, 7});
  const NdArray<T> pre({2, 2}, {1, -1, 0, 4});
  for (const bool in_place : {false, true}) {
    const NdArray<T> from = dout.clone();
    NdArray<T> d = in_place ? from : NdArray<T>({2, 2});
    eg::kernels::activation_backward<T>(Activation::kRelu, d.data(), from.data(), pre.data(), 4);
    CHECK_SAME(d, NdArray<T>({2, 2}, {2, 0, 0, 7}));
  }
  SECTION("nothing infinite passes a closed gate") {
    const T infinite = T(INFINITY), closed = -1;
    T d = 5;
    eg::kernels::activation_backward<T>(Activation::kRelu, &d, &infinite, &closed, 1);
    CHECK(d == 0);
  }
  SECTION("each activation's derivative") {
    const T one = 1, x = T(0.75);
    for (const Activation a :
         {Activation::kNone, Activation::kGelu, Activation::kGeluTanh, Activation::kSilu}) {
      INFO(eg::activation_name(a));
      T d = 0;
      eg::kernels::activation_backward<T>(a, &d, &one, &x, 1);
      const double u = 0.7978845608028654 * (0.75 + 0.044715 * 0.421875),
                   s = 1 / (1 + std::exp(-0.75));
      const double t = std::tanh(u);
      const double gelu = 0.5 * (1 + std::erf(0.75 / std::sqrt(2.0))) +
                          0.75 * std::exp(-0.28125) / std::sqrt(2 * M_PI);
      const double gelu_tanh =
          0.5 * (1 + t) + 0.375 * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * 0.5625);
      const double silu = s * (1 + 0.75 * (1 - s));
      const double expected = a == Activation::kGelu       ? gelu
                              : a == Activation::kGeluTanh ? gelu_tanh
                              : a == Activation::kSilu     ? silu
                                                           : 1;
      CHECK(std::abs(double(d) - expected) < (sizeof(T) == 4 ? 3e-7 : 1e-15));
    }
  }
}
