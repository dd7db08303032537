// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/broadcast.hpp>
#include <eigengrad/kernels/reduce.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;

namespace kernels = eg::kernels;

namespace {

/// The reduction written as its definition: every element goes to the result it belongs to.
template <class T, class F>
NdArray<double> naive(const NdArray<T>& x, const Shape& to, double start, F f) {
  NdArray<double> out = NdArray<double>::full(to, start);
  for (Index i = 0; i < x.numel(); ++i) {
    Index rest = i;
    Index at = 0;
    Index step = 1;
    for (Index axis = to.rank() - 1; axis >= 0; --axis) {
      if (to[axis] != 1) {
        at += rest % x.shape()[axis] * step;
        step *= to[axis];
      }
      rest /= x.shape()[axis];
    }
    out.data()[at] = f(out.data()[at], static_cast<double>(x.data()[i]));
  }
  return out;
}

template <class Op, class T>
NdArray<T> reduce(const NdArray<T>& x, const Shape& to) {
  return kernels::reduce<Op, T>(kernels::ArraySource<T>{x.data()}, x.shape(), to);
}

/// Every choice of axes of `shape`, as the shape of its result.
std::vector<Shape> results(const Shape& shape) {
  std::vector<Shape> out;
  for (int mask = 0; mask < 1 << shape.rank(); ++mask) {
    Shape to = shape;
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      if (mask >> axis & 1) to[axis] = 1;
    }
    out.push_back(to);
  }
  return out;
}

template <class T>
void check_all(const Shape& shape) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const NdArray<T> x = test::random<T>(shape, 1, -2, 3);
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
  for (const Shape& to : results(shape)) {
    INFO(shape.str() << " to " << to.str());
    // Relative to the size of what is added, not of the sum.
    const auto count = static_cast<double>(x.numel() / std::max<Index>(1, to.numel()));
    CHECK_CLOSE(reduce<kernels::SumOp>(x, to),
                naive(x, to, 0, [](double a, double b) { return a + b; }),
                tolerance * std::max(1.0, std::sqrt(count)));
    CHECK_SAME(reduce<kernels::MaxOp>(x, to),
               naive(x, to, -kInf, [](double a, double b) { return a > b ? a : b; }));
    CHECK_SAME(reduce<kernels::MinOp>(x, to),
               naive(x, to, kInf, [](double a, double b) { return a < b ? a : b; }));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("reduce kernel: any axes of any shape", "", float, double) {
  for (const Shape& shape : {Shape{},
                             Shape{1},
                             Shape{5},
                             Shape{10000},
                             Shape{3, 7},
                             Shape{300, 5},
                             Shape{5, 300},
                             Shape{5000, 3},
                             Shape{3, 5000},
                             Shape{150, 64},
                             Shape{200, 31},
                             Shape{257, 33},
                             Shape{3, 2100},
                             Shape{4, 6, 8},
                             Shape{2, 130, 40},
                             Shape{40, 3, 50},
                             Shape{9, 1, 17},
                             Shape{3, 4, 5, 6},
                             Shape{2, 3, 1, 4, 5},
                             Shape{2, 3, 2, 3, 2, 3}}) {
    check_all<TestType>(shape);
  }
  for (Index n = 1; n < 70; ++n) check_all<TestType>({3, n});
  for (Index n = 1; n < 70; ++n) check_all<TestType>({n, 9, 2});
}

TEMPLATE_TEST_CASE("reduce kernel: NaN wins over numbers wherever it stands", "", float, double) {
  using T = TestType;
  for (Index n : {1, 5, 16, 17, 64, 100}) {
    for (Index at = 0; at < n; ++at) {
      NdArray<T> x = test::random<T>({n, 3}, 1);
      for (Index j = 0; j < 3; ++j) x(at, j) = T(NAN);
      const NdArray<T> rows = x.reshape({1, 3 * n});
      CHECK(std::isnan(reduce<kernels::MaxOp>(rows, {1, 1}).item()));
      CHECK(std::isnan(reduce<kernels::MinOp>(rows, {1, 1}).item()));
      for (const T value : reduce<kernels::MaxOp>(x, {1, 3})) CHECK(std::isnan(value));
      for (const T value : reduce<kernels::MinOp>(x, {1, 3})) CHECK(std::isnan(value));
    }
  }
}

TEST_CASE("reduce kernel: nothing to reduce gives the neutral element") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const NdArray<float> x({0, 3});
  CHECK_SAME(reduce<kernels::SumOp>(x, {1, 3}), NdArray<float>::zeros({1, 3}));
  CHECK_SAME(reduce<kernels::MaxOp>(x, {1, 1}), NdArray<float>::full({1, 1}, -kInf));
  CHECK(reduce<kernels::SumOp>(x, {0, 1}).numel() == 0);
}

TEST_CASE("reduce kernel: long sums keep their digits") {
  // Adding 0.1 three million times one after the other is 3 % off in float.
  const NdArray<float> x = NdArray<float>::full({3000000}, 0.1f);
  const double expected = 3e6 * static_cast<double>(0.1f);
  CHECK(std::abs(reduce<kernels::SumOp>(x, {1}).item() / expected - 1) < 3e-6);
  const NdArray<float> columns = reduce<kernels::SumOp>(x.reshape({200000, 15}), {1, 15});
  for (float value : columns) CHECK(std::abs(value / (expected / 15) - 1) < 3e-6);
  const NdArray<float> wide = reduce<kernels::SumOp>(x.reshape({30000, 100}), {1, 100});
  for (float value : wide) CHECK(std::abs(value / (expected / 100) - 1) < 3e-6);
}

TEST_CASE("reduce kernel: the same bits on any number of threads") {
  for (const Shape& shape : {Shape{1000000}, Shape{5000, 192}, Shape{192, 5000}, Shape{200000, 5},
                             Shape{40, 30, 300}, Shape{64, 65, 192}}) {
    const NdArray<float> x = test::random<float>(shape, 1);
    for (const Shape& to : results(shape)) {
      test::check_threads([&] { return std::vector{reduce<kernels::SumOp>(x, to)}; });
    }
  }
}
