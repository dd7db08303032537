// SPDX-License-Identifier: MIT
#include <eigengrad/ops/arithmetic.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

/// Pairs of shapes that broadcast, either way, around the widths of vectors.
const std::pair<Shape, Shape> kPairs[] = {{{}, {}},
                                          {{5}, {}},
                                          {{}, {2, 3}},
                                          {{4, 17}, {17}},
                                          {{8}, {3, 8}},
                                          {{3, 16}, {3, 1}},
                                          {{3, 1}, {1, 15}},
                                          {{2, 1, 7}, {5, 1}},
                                          {{1, 5}, {5, 1}},
                                          {{2, 3, 33}, {3, 1}},
                                          {{2, 3, 4, 2}, {3, 1, 2}},
                                          {{1, 1}, {1}},
                                          {{2, 1, 3, 1, 2}, {4, 1, 5, 1}}};

}  // namespace

TEMPLATE_TEST_CASE("arithmetic: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 2}, {1, 2, 3, 4});
  const Tensor<T> row({2}, {10, 20});
  const Tensor<T> column({2, 1}, {2, 4});
  CHECK_SAME((a + row).value(), NdArray<T>({2, 2}, {11, 22, 13, 24}));
  CHECK_SAME((row - a).value(), NdArray<T>({2, 2}, {9, 18, 7, 16}));
  CHECK_SAME((a * column).value(), NdArray<T>({2, 2}, {2, 4, 12, 16}));
  CHECK_SAME((a / column).value(), NdArray<T>({2, 2}, {T(0.5), 1, T(0.75), 1}));
  CHECK_SAME((column + row).value(), NdArray<T>({2, 2}, {12, 22, 14, 24}));
  CHECK_SAME(eg::maximum(a, Tensor<T>({1, 2}, {2, 3})).value(), NdArray<T>({2, 2}, {2, 3, 3, 4}));
  CHECK_SAME(eg::minimum(a, Tensor<T>::scalar(2)).value(), NdArray<T>({2, 2}, {1, 2, 2, 2}));
}

TEST_CASE("arithmetic: gradient") {
  for (const auto& [first, second] : kPairs) {
    const NdArray<double> a = test::random(first, 1, -2, 2);
    const NdArray<double> b = test::random(second, 2, 0.5, 2);
    INFO(first.str() << " and " << second.str());
    CHECK_GRADIENT(x[0] + x[1], {a, b});
    CHECK_GRADIENT(x[0] - x[1], {a, b});
    CHECK_GRADIENT(x[0] * x[1], {a, b});
    CHECK_GRADIENT(x[0] / x[1], {a, b});
    CHECK_GRADIENT(eg::maximum(x[0], x[1]), {a, b});
    CHECK_GRADIENT(eg::minimum(x[0], x[1]), {a, b});
  }
  SECTION("of an input that is used twice") {
    const NdArray<double> a = test::random({2, 3}, 1, 1, 2);
    CHECK_GRADIENT(x[0] + x[0], {a});
    CHECK_GRADIENT(x[0] * x[0], {a});
    CHECK_GRADIENT(x[0] * x[1] / (x[0] + x[1]), {a, test::random({3}, 2, 1, 2)});
  }
}

TEST_CASE("arithmetic: an addition of equal shapes passes its gradient on without a copy") {
  const auto a = Tensor<float>::ones({3, 4}, true);
  const auto b = Tensor<float>::ones({3, 4}, true);
  auto sum = a + b;
  sum.retain_grad();
  sum.backward(NdArray<float>::ones({3, 4}));
  CHECK(a.grad().data() == sum.grad().data());
  CHECK(b.grad().data() == sum.grad().data());
  (a + b).backward(NdArray<float>::full({3, 4}, 2));  // accumulates apart from what it shared
  CHECK_SAME(a.grad(), NdArray<float>::full({3, 4}, 3));
  CHECK_SAME(b.grad(), NdArray<float>::full({3, 4}, 3));
}

TEMPLATE_TEST_CASE("arithmetic: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("ties share the gradient") {
    const Tensor<T> a({3}, {1, 2, 3}, true);
    const Tensor<T> b({3}, {1, 3, 2}, true);
    eg::maximum(a, b).backward(NdArray<T>({3}, {1, 1, 1}));
    CHECK_SAME(a.grad(), NdArray<T>({3}, {T(0.5), 0, 1}));
    CHECK_SAME(b.grad(), NdArray<T>({3}, {T(0.5), 1, 0}));
  }
  SECTION("NaN wins on either side") {
    const Tensor<T> a({2}, {T(NAN), 1});
    const Tensor<T> b({2}, {1, T(NAN)});
    for (const auto& y : {eg::maximum(a, b), eg::minimum(a, b)}) {
      CHECK(std::isnan(y.value()(0)));
      CHECK(std::isnan(y.value()(1)));
    }
  }
  SECTION("empty") {
    const auto a = Tensor<T>::zeros({0, 3}, true);
    const auto row = Tensor<T>::ones({3}, true);
    const auto y = a * row;
    CHECK(y.shape() == Shape{0, 3});
    y.backward(NdArray<T>({0, 3}));
    CHECK_SAME(row.grad(), NdArray<T>::zeros({3}));
    CHECK((Tensor<T>::zeros({0}) + Tensor<T>::zeros({2, 1})).shape() == Shape{2, 0});
  }
  SECTION("large magnitudes") {
    const Tensor<T> a({2}, {std::numeric_limits<T>::max(), 1});
    CHECK_SAME((a * Tensor<T>({2}, {2, -inf})).value(), NdArray<T>({2}, {inf, -inf}));
    CHECK_SAME((a / Tensor<T>({2}, {inf, 0})).value(), NdArray<T>({2}, {0, inf}));
  }
  SECTION("only the input that needs a gradient gets one") {
    const auto a = Tensor<T>::ones({2}, true);
    const auto b = Tensor<T>::full({2}, 3);
    (a * b).backward(NdArray<T>::ones({2}));
    CHECK_SAME(a.grad(), NdArray<T>::full({2}, 3));
    CHECK_FALSE(b.has_grad());
  }
}

TEST_CASE("arithmetic: error") {
  const auto a = Tensor<double>::zeros({2, 3});
  const auto b = Tensor<double>::zeros({4});
  const std::string text =
      " shapes do not broadcast: (2, 3), (4); aligned from the right, sizes must be equal or 1";
  CHECK_ERROR(a + b, eg::ShapeError, "[add]" + text);
  CHECK_ERROR(a - b, eg::ShapeError, "[sub]" + text);
  CHECK_ERROR(a * b, eg::ShapeError, "[mul]" + text);
  CHECK_ERROR(a / b, eg::ShapeError, "[div]" + text);
  CHECK_ERROR(eg::maximum(a, b), eg::ShapeError, "[maximum]" + text);
  CHECK_ERROR(eg::minimum(a, b), eg::ShapeError, "[minimum]" + text);
}

TEST_CASE("arithmetic: the same bits on any number of threads") {
  test::check_threads([] {
    const Tensor<float> x(test::random<float>({300, 20, 33}, 1, -2, 2), true);
    const Tensor<float> y(test::random<float>({20, 1}, 2, 1, 2), true);
    const Tensor<float> z = x * y / (x + y) - y;
    z.backward(test::random<float>({300, 20, 33}, 3));
    return std::vector{z.value(), x.grad(), y.grad()};
  });
}

TEMPLATE_TEST_CASE("arithmetic: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("arithmetic");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  using Op = Tensor<T> (*)(const Tensor<T>&, const Tensor<T>&);
  const std::pair<const char*, Op> ops[] = {{"add", eg::add},         {"sub", eg::sub},
                                            {"mul", eg::mul},         {"div", eg::div},
                                            {"maximum", eg::maximum}, {"minimum", eg::minimum}};
  for (const auto& [op, function] : ops) {
    for (const char* kind : {"same", "row", "column", "outer", "middle"}) {
      reference.check<T>(std::string(op) + "." + kind, tolerance,
                         [f = function](const auto& x) { return f(x[0], x[1]); });
    }
  }
}
