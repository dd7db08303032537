// SPDX-License-Identifier: MIT
#include <iterator>
#include <string>

#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using eg::Activation;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

constexpr Activation kAll[] = {Activation::kNone, Activation::kRelu, Activation::kGelu,
                               Activation::kGeluTanh, Activation::kSilu};

}  // namespace

TEMPLATE_TEST_CASE("activation: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3}, {-1, 0, 2});
  CHECK_SAME(eg::relu(x).value(), NdArray<T>({3}, {0, 0, 2}));
  // Phi(1) = 0.841345, Phi(2) = 0.977250
  CHECK_CLOSE(eg::gelu(x).value(),
              NdArray<double>({3}, {-(1 - 0.8413447460685429), 0, 2 * 0.9772498680518208}), 1e-7);
  CHECK_CLOSE(eg::gelu_tanh(x).value(), NdArray<double>({3}, {-0.158808009, 0, 1.954597694}), 2e-7);
  CHECK_CLOSE(eg::silu(x).value(),
              NdArray<double>({3}, {-1 / (1 + std::exp(1.)), 0, 2 / (1 + std::exp(-2.))}), 1e-7);
}

TEST_CASE("activation: by name and by enum are the same") {
  const Tensor<float> x(test::random<float>({40}, 1, -3, 3));
  CHECK_SAME(eg::activate(x, Activation::kNone).value(), x.value());
  CHECK_SAME(eg::activate(x, Activation::kRelu).value(), eg::relu(x).value());
  CHECK_SAME(eg::activate(x, Activation::kGelu).value(), eg::gelu(x).value());
  CHECK_SAME(eg::activate(x, Activation::kGeluTanh).value(), eg::gelu_tanh(x).value());
  CHECK_SAME(eg::activate(x, Activation::kSilu).value(), eg::silu(x).value());
}

TEST_CASE("activation: gradient") {
  for (Index n : {1, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> value = test::random({2, n}, 5, -4, 4);
    for (const Activation kind : kAll) {
      INFO(eg::activation_name(kind));
      CHECK_GRADIENT(eg::activate(x[0] * 1, kind), {value});
    }
  }
}

TEMPLATE_TEST_CASE("activation: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  for (const Activation kind : kAll) {
    INFO(eg::activation_name(kind));
    CHECK(eg::activate(Tensor<T>::zeros({0, 3}), kind).numel() == 0);
    CHECK(std::isnan(eg::activate(Tensor<T>::scalar(T(NAN)), kind).item()));
    CHECK(eg::activate(Tensor<T>::scalar(inf), kind).item() == inf);
    const Tensor<T> big({3}, {-1000, 1000, T(1e30)}, true);
    const Tensor<T> y = eg::activate(big, kind);
    y.backward(NdArray<T>::ones({3}));
    CHECK_SAME(y.value(),
               NdArray<T>({3}, {kind == Activation::kNone ? T(-1000) : T(0), 1000, T(1e30)}));
    if (kind == Activation::kNone) continue;
    CHECK(big.grad()(0) == 0);
    CHECK(big.grad()(1) == 1);
  }
  SECTION("relu at 0 and under an infinite gradient") {
    const Tensor<T> x({3}, {-1, 0, 1}, true);
    eg::relu(x).backward(NdArray<T>({3}, {inf, inf, inf}));
    CHECK_SAME(x.grad(), NdArray<T>({3}, {0, 0, inf}));
  }
}

TEST_CASE("activation: error") {
  const Tensor<float> none;
  CHECK_ERROR(eg::gelu(none), eg::StateError, "[tensor] this tensor is empty; assign one first");
}

TEMPLATE_TEST_CASE("activation: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("activation");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (const Activation kind : kAll) {
    if (kind == Activation::kNone) continue;
    reference.check<T>(eg::activation_name(kind), tolerance,
                       [&](const auto& x) { return eg::activate(x[0], kind); });
  }
}

TEST_CASE("activation: names") {
  const std::string names[] = {"none", "relu", "gelu", "gelu_tanh", "silu"};
  REQUIRE(eg::enum_names(Activation()).size() == std::size(kAll));
  for (const Activation kind : kAll) {
    CHECK(eg::activation_name(kind) == names[static_cast<std::size_t>(kind)]);
  }
}
