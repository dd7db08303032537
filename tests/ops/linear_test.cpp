// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <eigengrad/ops/permute.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Activation;
using test::NdArray;
using test::Tensor;

namespace {

const std::vector<Activation> kActivations = {Activation::kNone, Activation::kRelu,
                                              Activation::kGelu, Activation::kGeluTanh,
                                              Activation::kSilu};

}  // namespace

TEMPLATE_TEST_CASE("linear: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, -1, 0, 1});
  const Tensor<T> weight({2, 3}, {1, 0, -1, 2, 1, 0});
  const Tensor<T> bias({2}, {T(0.5), -3});
  const Tensor<T> residual({2, 2}, {10, 20, 30, 40});
  CHECK_SAME(eg::linear(x, weight).value(), NdArray<T>({2, 2}, {-2, 4, -2, -2}));
  CHECK_SAME(eg::linear(x, weight, bias).value(), NdArray<T>({2, 2}, {T(-1.5), 1, T(-1.5), -5}));
  CHECK_SAME(
      eg::linear(x, weight, bias, {.activation = Activation::kRelu, .residual = residual}).value(),
      NdArray<T>({2, 2}, {10, 21, 30, 40}));
}

TEST_CASE("linear: gradients by hand") {
  const Tensor<double> x({2, 2}, {1, 2, 3, 4}, true);
  const Tensor<double> weight({1, 2}, {5, -1}, true);
  const Tensor<double> bias({1}, {-10}, true);
  const Tensor<double> residual({2, 1}, {0, 0}, true);
  // Before ReLU: -7 and 1, so only the second row has a gradient.
  eg::linear(x, weight, bias, {.activation = Activation::kRelu, .residual = residual})
      .backward(NdArray<double>({2, 1}, {3, 2}));
  CHECK_SAME(x.grad(), NdArray<double>({2, 2}, {0, 0, 10, -2}));
  CHECK_SAME(weight.grad(), NdArray<double>({1, 2}, {6, 8}));
  CHECK_SAME(bias.grad(), NdArray<double>({1}, {2}));
  CHECK_SAME(residual.grad(), NdArray<double>({2, 1}, {3, 2}));
}

TEST_CASE("linear: gradient") {
  for (const Activation a : kActivations) {
    INFO(eg::activation_name(a));
    for (const test::Index n : {1, 7, 17}) {
      const auto x = test::random({2, 3, 5}, 1);
      const auto weight = test::random({n, 5}, 2);
      const auto bias = test::random({n}, 3);
      const auto residual = test::random({2, 3, n}, 4);
      CHECK_GRADIENT(eg::linear(x[0], x[1], {}, {.activation = a}), {x, weight});
      CHECK_GRADIENT(eg::linear(x[0], x[1], x[2], {.activation = a}), {x, weight, bias});
      CHECK_GRADIENT(eg::linear(x[0], x[1], x[2], {.activation = a, .residual = x[3]}),
                     {x, weight, bias, residual});
    }
  }
  SECTION("one tensor in two places") {
    const auto square = test::random({4, 4}, 5);
    CHECK_GRADIENT(eg::linear(x[0], x[0], {}, {.activation = Activation::kGelu, .residual = x[0]}),
                   {square});
  }
  SECTION("more rows than one chunk of the bias sum") {
    CHECK_GRADIENT(eg::linear(x[0], x[1], x[2], {.activation = Activation::kSilu}),
                   {test::random({130, 2}, 6), test::random({3, 2}, 7), test::random({3}, 8)});
  }
}

TEMPLATE_TEST_CASE("linear: equals matmul, +, activation and +", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  const auto input = [](const test::Shape& shape, std::uint64_t seed) {
    return Tensor<T>(test::random<T>(shape, seed), true);
  };
  for (const Activation a : kActivations) {
    INFO(eg::activation_name(a));
    std::vector<std::vector<Tensor<T>>> x;
    std::vector<Tensor<T>> y;
    for (const bool coarse : {true, false}) {
      x.push_back(
          {input({3, 21, 33}, 1), input({50, 33}, 2), input({50}, 3), input({3, 21, 50}, 4)});
      const auto& in = x.back();
      y.push_back(coarse ? eg::linear(in[0], in[1], in[2], {.activation = a, .residual = in[3]})
                         : eg::activate(eg::matmul(in[0], eg::transpose(in[1], 0, 1)) + in[2], a) +
                               in[3]);
      y.back().backward(test::random<T>({3, 21, 50}, 5));
    }
    CHECK_CLOSE(y[0].value(), y[1].value(), tolerance);
    for (std::size_t i = 0; i < 4; ++i) CHECK_CLOSE(x[0][i].grad(), x[1][i].grad(), tolerance);
  }
}

TEST_CASE("linear: gradients add to what is there, and only where they are wanted") {
  for (const Activation a : {Activation::kNone, Activation::kGelu}) {
    const Tensor<double> x(test::random({3, 4}, 1));
    const Tensor<double> weight(test::random({5, 4}, 2), true);
    const Tensor<double> bias(test::random({5}, 3), true);
    const auto run = [&] {
      eg::linear(x, weight, bias, {.activation = a}).backward(test::random({3, 5}, 4));
    };
    run();
    const NdArray<double> dweight = weight.grad().clone();
    const NdArray<double> dbias = bias.grad().clone();
    run();
    CHECK_CLOSE(weight.grad(), NdArray<double>(dweight.matrix() * 2), 1e-15);
    CHECK_CLOSE(bias.grad(), NdArray<double>(dbias.array() * 2), 1e-15);
    CHECK_FALSE(x.has_grad());
  }
  SECTION("dout is not written to while the residual shares it") {
    const Tensor<double> x(test::random({3, 4}, 1), true);
    const Tensor<double> residual(test::random({3, 4}, 2), true);
    const Tensor<double> weight(test::random({4, 4}, 3), true);
    const NdArray<double> dout = test::random({3, 4}, 4);
    eg::linear(x, weight, {}, {.activation = Activation::kGelu, .residual = residual})
        .backward(dout);
    CHECK_SAME(residual.grad(), dout);
    CHECK_SAME(dout, test::random({3, 4}, 4));
  }
  SECTION("a backward can run twice") {
    const Tensor<double> x(test::random({3, 4}, 1), true);
    const Tensor<double> weight(test::random({4, 4}, 3), true);
    const Tensor<double> y = eg::linear(x, weight, {}, {.activation = Activation::kRelu});
    y.backward(test::random({3, 4}, 4), {.retain_graph = true});
    const NdArray<double> once = x.grad().clone();
    y.backward(test::random({3, 4}, 4));
    CHECK_CLOSE(x.grad(), NdArray<double>(once.matrix() * 2), 1e-15);
  }
}

TEMPLATE_TEST_CASE("linear: edge", "", float, double) {
  using T = TestType;
  SECTION("no rows, no inputs, no outputs") {
    const Tensor<T> x(NdArray<T>::zeros({0, 3}), true);
    const Tensor<T> weight(NdArray<T>::ones({2, 3}), true);
    const Tensor<T> bias(NdArray<T>::ones({2}), true);
    const auto y = eg::linear(x, weight, bias, {.activation = Activation::kGelu});
    CHECK(y.shape() == test::Shape{0, 2});
    y.backward(NdArray<T>({0, 2}));
    CHECK_SAME(weight.grad(), NdArray<T>::zeros({2, 3}));
    CHECK_SAME(bias.grad(), NdArray<T>::zeros({2}));
    CHECK_SAME(eg::linear(Tensor<T>::ones({2, 0}), Tensor<T>::ones({2, 0}), bias).value(),
               NdArray<T>::ones({2, 2}));
    Tensor<T>(bias).zero_grad();
    eg::linear(Tensor<T>::ones({2, 0}), Tensor<T>(NdArray<T>({2, 0}), true), bias)
        .backward(NdArray<T>({2, 2}, {1, 2, 3, 4}));
    CHECK_SAME(bias.grad(), NdArray<T>({2}, {4, 6}));
    CHECK(eg::linear(Tensor<T>::ones({2, 3}), Tensor<T>::ones({0, 3})).shape() ==
          test::Shape{2, 0});
  }
  SECTION("a vector") {
    CHECK_SAME(eg::linear(Tensor<T>({2}, {1, 2}), Tensor<T>({1, 2}, {3, 4})).value(),
               NdArray<T>({1}, {11}));
  }
  SECTION("large magnitudes") {
    const Tensor<T> x({1, 1}, {T(1e30)}, true);
    const auto y = eg::linear(x, Tensor<T>({2, 1}, {1, -1}), {}, {.activation = Activation::kGelu});
    CHECK_SAME(y.value(), NdArray<T>({1, 2}, {T(1e30), 0}));
    y.backward(NdArray<T>::ones({1, 2}));
    CHECK_SAME(x.grad(), NdArray<T>({1, 1}, {1}));
  }
}

TEST_CASE("linear: the same bits on any number of threads") {
  test::check_threads([] {
    const Tensor<float> x(test::random<float>({300, 65}, 1), true);
    const Tensor<float> weight(test::random<float>({130, 65}, 2), true);
    const Tensor<float> bias(test::random<float>({130}, 3), true);
    const auto y = eg::linear(x, weight, bias, {.activation = Activation::kGelu});
    y.backward(test::random<float>({300, 130}, 4));
    return std::vector{y.value(), x.grad(), weight.grad(), bias.grad()};
  });
}

TEST_CASE("linear: error") {
  const auto x = Tensor<double>::zeros({2, 3});
  CHECK_ERROR(eg::linear(x, Tensor<double>::zeros({3})), eg::ShapeError,
              "[linear] weight must be (out, in): weight (3)");
  CHECK_ERROR(eg::linear(x, Tensor<double>::zeros({3, 4})), eg::ShapeError,
              "[linear] the last axis of x must match weight's: x (2, 3), weight (3, 4); weight "
              "is (out, in)");
  CHECK_ERROR(eg::linear(Tensor<double>::scalar(1), Tensor<double>::zeros({3, 1})), eg::ShapeError,
              "[linear] the last axis of x must match weight's: x (), weight (3, 1); weight is "
              "(out, in)");
  const auto weight = Tensor<double>::zeros({4, 3});
  CHECK_ERROR(eg::linear(x, weight, Tensor<double>::zeros({3})), eg::ShapeError,
              "[linear] bias must have one element for each output: bias (3), weight (4, 3)");
  CHECK_ERROR(eg::linear(x, weight, {}, {.residual = Tensor<double>::zeros({4})}), eg::ShapeError,
              "[linear] residual must have the result's shape: residual (4), result (2, 4)");
}

TEMPLATE_TEST_CASE("linear: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("linear");
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const Activation a : kActivations) {
    reference.check<T>(eg::activation_name(a), tolerance, [&](const auto& x) {
      return eg::linear(x[0], x[1], x[2], {.activation = a, .residual = x[3]});
    });
  }
}
