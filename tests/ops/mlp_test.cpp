// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/mlp.hpp>
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

/// x, weight1, bias1, weight2, bias2, residual of a small MLP.
template <class T>
std::vector<Tensor<T>> inputs(const test::Shape& rows, test::Index in, test::Index hidden,
                              test::Index out) {
  auto with = [&](test::Index last) {
    test::Shape shape = rows;
    shape.push_back(last);
    return shape;
  };
  std::vector<Tensor<T>> list;
  std::uint64_t seed = 1;
  for (const test::Shape& shape : {with(in), test::Shape{hidden, in}, test::Shape{hidden},
                                   test::Shape{out, hidden}, test::Shape{out}, with(out)}) {
    list.emplace_back(test::random<T>(shape, seed++), true);
  }
  return list;
}

template <class T>
Tensor<T> by_linear(const std::vector<Tensor<T>>& x, Activation a) {
  const auto h = eg::linear(x[0], x[1], x[2], {.activation = a});
  return eg::linear(h, x[3], x[4], {.residual = x[5]});
}

}  // namespace

TEMPLATE_TEST_CASE("mlp: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, -4});
  const Tensor<T> weight1({3, 2}, {1, 0, 0, 1, 1, 1});
  const Tensor<T> bias1({3}, {0, 0, -1});
  const Tensor<T> weight2({1, 3}, {1, 10, 100});
  const Tensor<T> bias2({1}, {T(0.5)});
  // Hidden: (1, 2, 2) and, by ReLU, (3, 0, 0).
  const eg::MlpArguments<T> relu{.activation = Activation::kRelu};
  CHECK_SAME(eg::mlp(x, weight1, bias1, weight2, bias2, relu).value(),
             NdArray<T>({2, 1}, {T(221.5), T(3.5)}));
  CHECK_SAME(eg::mlp(x, weight1, bias1, weight2, {}, relu).value(), NdArray<T>({2, 1}, {221, 3}));
  CHECK_SAME(eg::mlp(x, weight1, {}, weight2, {}, relu).value(), NdArray<T>({2, 1}, {321, 3}));
  CHECK_SAME(eg::mlp(x, weight1, bias1, weight2, bias2,
                     {.activation = Activation::kRelu, .residual = Tensor<T>({2, 1}, {1000, 2000})})
                 .value(),
             NdArray<T>({2, 1}, {T(1221.5), T(2003.5)}));
}

TEST_CASE("mlp: gradients by hand") {
  const Tensor<double> x({2, 1}, {2, -2}, true);
  const Tensor<double> weight1({1, 1}, {3}, true), bias1({1}, {1}, true);
  const Tensor<double> weight2({1, 1}, {5}, true), bias2({1}, {0}, true);
  const Tensor<double> residual({2, 1}, {0, 0}, true);
  // Before ReLU: 7 and -5, so only the first row has a gradient inside.
  eg::mlp(x, weight1, bias1, weight2, bias2,
          {.activation = Activation::kRelu, .residual = residual})
      .backward(NdArray<double>({2, 1}, {1, 10}));
  CHECK_SAME(x.grad(), NdArray<double>({2, 1}, {15, 0}));
  CHECK_SAME(weight1.grad(), NdArray<double>({1, 1}, {10}));
  CHECK_SAME(bias1.grad(), NdArray<double>({1}, {5}));
  CHECK_SAME(weight2.grad(), NdArray<double>({1, 1}, {7}));
  CHECK_SAME(bias2.grad(), NdArray<double>({1}, {11}));
  CHECK_SAME(residual.grad(), NdArray<double>({2, 1}, {1, 10}));
}

TEST_CASE("mlp: gradient") {
  const std::vector<NdArray<double>> full = {
      test::random({2, 3, 5}, 1), test::random({7, 5}, 2), test::random({7}, 3),
      test::random({4, 7}, 4),    test::random({4}, 5),    test::random({2, 3, 4}, 6)};
  for (const Activation a : kActivations) {
    INFO(eg::activation_name(a));
    CHECK_GRADIENT(eg::mlp(x[0], x[1], x[2], x[3], x[4], {.activation = a, .residual = x[5]}),
                   full);
    CHECK_GRADIENT(eg::mlp(x[0], x[1], {}, x[2], {}, {.activation = a}),
                   {full[0], full[1], full[3]});
  }
  SECTION("one tensor in several places") {
    CHECK_GRADIENT(eg::mlp(x[0], x[0], {}, x[0], {}, {.residual = x[0]}),
                   {test::random({4, 4}, 5)});
  }
}

TEMPLATE_TEST_CASE("mlp: equals two linear", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  for (const Activation a : kActivations) {
    INFO(eg::activation_name(a));
    const auto one = inputs<T>({3, 21}, 33, 50, 20), two = inputs<T>({3, 21}, 33, 50, 20);
    const auto y =
        eg::mlp(one[0], one[1], one[2], one[3], one[4], {.activation = a, .residual = one[5]});
    const auto z = by_linear(two, a);
    CHECK_SAME(y.value(), z.value());
    y.backward(test::random<T>({3, 21, 20}, 9));
    z.backward(test::random<T>({3, 21, 20}, 9));
    for (std::size_t i = 0; i < one.size(); ++i) {
      INFO("input " << i);
      CHECK_CLOSE(one[i].grad(), two[i].grad(), tolerance);
    }
  }
}

namespace {

NdArray<double> twice(const NdArray<double>& x) {
  NdArray<double> y = x.clone();
  y.array() *= 2;
  return y;
}

}  // namespace

TEST_CASE("mlp: gradients add to what is there, and only where they are wanted") {
  // Each of the six alone: the others are not computed, and this one is the same as among all.
  const auto all = inputs<double>({5}, 3, 6, 4);
  const NdArray<double> dout = test::random({5, 4}, 7);
  const auto run = [&](const std::vector<Tensor<double>>& x) {
    return eg::mlp(x[0], x[1], x[2], x[3], x[4], {.residual = x[5]});
  };
  run(all).backward(dout);
  for (std::size_t wanted = 0; wanted < all.size(); ++wanted) {
    INFO("input " << wanted);
    std::vector<Tensor<double>> x;
    for (std::size_t i = 0; i < all.size(); ++i) x.emplace_back(all[i].value(), i == wanted);
    run(x).backward(dout);
    CHECK_CLOSE(x[wanted].grad(), all[wanted].grad(), 1e-14);
    run(x).backward(dout);
    CHECK_CLOSE(x[wanted].grad(), twice(all[wanted].grad()), 1e-14);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK((i == wanted || !x[i].has_grad()));
  }
  SECTION("a backward can run twice") {
    const auto x = inputs<double>({5}, 3, 6, 4);
    const auto y = run(x);
    y.backward(dout, {.retain_graph = true});
    y.backward(dout);
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK_CLOSE(x[i].grad(), twice(all[i].grad()), 1e-14);
    }
  }
}

TEMPLATE_TEST_CASE("mlp: edge", "", float, double) {
  using T = TestType;
  SECTION("no rows") {
    const auto x = inputs<T>({0}, 3, 6, 4);
    const auto y = eg::mlp(x[0], x[1], x[2], x[3], x[4], {.residual = x[5]});
    CHECK(y.shape() == test::Shape{0, 4});
    y.backward(NdArray<T>({0, 4}));
    for (std::size_t i = 0; i < x.size(); ++i) {
      CHECK_SAME(x[i].grad(), NdArray<T>::zeros(x[i].shape()));
    }
  }
  SECTION("no hidden units") {
    const auto x = inputs<T>({2}, 3, 0, 4);
    const auto y = eg::mlp(x[0], x[1], x[2], x[3], x[4]);
    for (test::Index i = 0; i < 2; ++i) {
      for (test::Index j = 0; j < 4; ++j) CHECK(y.value()(i, j) == x[4].value().data()[j]);
    }
    y.backward(NdArray<T>::ones({2, 4}));
    CHECK_SAME(x[0].grad(), NdArray<T>::zeros({2, 3}));
    CHECK_SAME(x[4].grad(), NdArray<T>::full({4}, T(2)));
  }
  SECTION("large magnitudes") {
    const Tensor<T> x({1, 1}, {T(1e30)}, true);
    const auto y = eg::mlp(x, Tensor<T>({2, 1}, {1, -1}), {}, Tensor<T>({1, 2}, {1, 1}), {});
    CHECK_SAME(y.value(), NdArray<T>({1, 1}, {T(1e30)}));
    y.backward(NdArray<T>::ones({1, 1}));
    CHECK_SAME(x.grad(), NdArray<T>({1, 1}, {1}));
  }
  SECTION("without gradients nothing is recorded") {
    const auto x = inputs<T>({2}, 3, 6, 4);
    const eg::NoGrad no_grad;
    CHECK_FALSE(eg::mlp(x[0], x[1], x[2], x[3], x[4]).requires_grad());
  }
}

TEST_CASE("mlp: the same bits on any number of threads") {
  test::check_threads([] {
    const auto x = inputs<float>({300}, 65, 130, 70);
    const auto y = eg::mlp(x[0], x[1], x[2], x[3], x[4], {.residual = x[5]});
    y.backward(test::random<float>({300, 70}, 9));
    std::vector<NdArray<float>> out = {y.value()};
    for (const auto& input : x) out.push_back(input.grad());
    return out;
  });
}

TEST_CASE("mlp: error") {
  const auto zeros = [](const test::Shape& shape) { return Tensor<double>::zeros(shape); };
  const auto x = zeros({2, 3}), weight1 = zeros({5, 3}), weight2 = zeros({4, 5});
  CHECK_ERROR(eg::mlp(x, weight1, {}, zeros({4, 6}), {}), eg::ShapeError,
              "[mlp] weight1 must be (hidden, in) and weight2 (out, hidden): weight1 (5, 3), "
              "weight2 (4, 6)");
  CHECK_ERROR(eg::mlp(zeros({2, 4}), weight1, {}, weight2, {}), eg::ShapeError,
              "[mlp] the last axis of x must match weight1's: x (2, 4), weight1 (5, 3)");
  CHECK_ERROR(eg::mlp(x, weight1, zeros({4}), weight2, {}), eg::ShapeError,
              "[mlp] bias1 must have one element for each output: bias1 (4), weight1 (5, 3)");
  CHECK_ERROR(eg::mlp(x, weight1, {}, weight2, zeros({5})), eg::ShapeError,
              "[mlp] bias2 must have one element for each output: bias2 (5), weight2 (4, 5)");
  CHECK_ERROR(eg::mlp(x, weight1, {}, weight2, {}, {.residual = x}), eg::ShapeError,
              "[mlp] residual must have the result's shape: residual (2, 3), result (2, 4)");
}

TEMPLATE_TEST_CASE("mlp: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("mlp");
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const Activation a : kActivations) {
    reference.check<T>(eg::activation_name(a), tolerance, [&](const auto& x) {
      return eg::mlp(x[0], x[1], x[2], x[3], x[4], {.activation = a, .residual = x[5]});
    });
  }
}
