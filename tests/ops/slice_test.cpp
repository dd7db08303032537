// SPDX-License-Identifier: MIT
#include <limits>

#include <eigengrad/ops/slice.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("slice: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK_SAME(eg::slice(x, 0, 1, 3).value(), NdArray<T>({2, 4}, {4, 5, 6, 7, 8, 9, 10, 11}));
  CHECK_SAME(eg::slice(x, 1, 1, 3).value(), NdArray<T>({3, 2}, {1, 2, 5, 6, 9, 10}));
  CHECK_SAME(eg::slice(x, 1, 0, 4, 2).value(), NdArray<T>({3, 2}, {0, 2, 4, 6, 8, 10}));
  CHECK_SAME(eg::slice(x, 1, 1, 4, 2).value(), NdArray<T>({3, 2}, {1, 3, 5, 7, 9, 11}));
  CHECK_SAME(eg::slice(x, 0, 0, 3, 2).value(), NdArray<T>({2, 4}, {0, 1, 2, 3, 8, 9, 10, 11}));
  CHECK_SAME(eg::slice(x, -1, -3, -1).value(), NdArray<T>({3, 2}, {1, 2, 5, 6, 9, 10}));
  CHECK_SAME(eg::slice(x, 1, -99, 1).value(), NdArray<T>({3, 1}, {0, 4, 8}));
  CHECK_SAME(eg::slice(x, 1, 3, 99).value(), NdArray<T>({3, 1}, {3, 7, 11}));
  CHECK_SAME(eg::narrow(x, 1, 2, 2).value(), NdArray<T>({3, 2}, {2, 3, 6, 7, 10, 11}));
  CHECK_SAME(eg::narrow(x, 0, -1, 1).value(), NdArray<T>({1, 4}, {8, 9, 10, 11}));
  CHECK_SAME(eg::select(x, 0, 1).value(), NdArray<T>({4}, {4, 5, 6, 7}));
  CHECK_SAME(eg::select(x, 1, -1).value(), NdArray<T>({3}, {3, 7, 11}));
  CHECK_SAME(x[1].value(), NdArray<T>({4}, {4, 5, 6, 7}));
  CHECK(x[-1][0].item() == 8);
}

TEST_CASE("slice: gradient") {
  for (Index n : {2, 7, 17, 33}) {
    const NdArray<double> x = test::random({2, n, 3}, 5);
    for (Index step : {1, 2, 5}) {
      CHECK_GRADIENT(eg::slice(x[0], 1, 1, n, step), {x});
      CHECK_GRADIENT(eg::slice(x[0], 2, 0, 3, step), {x});
    }
    CHECK_GRADIENT(eg::narrow(x[0], 1, 0, n - 1), {x});
    CHECK_GRADIENT(eg::select(x[0], 1, n - 1), {x});
    CHECK_GRADIENT(eg::select(x[0], 0, 1), {x});
    CHECK_GRADIENT(x[0][1][0], {x});
  }
  SECTION("several parts of one tensor add up") {
    const Tensor<double> x({5}, {1, 2, 3, 4, 5}, true);
    eg::slice(x, 0, 0, 3).backward(NdArray<double>({3}, {1, 1, 1}));
    eg::slice(x, 0, 2, 5).backward(NdArray<double>({3}, {10, 10, 10}));
    eg::slice(x, 0, 0, 5, 2).backward(NdArray<double>({3}, {100, 100, 100}));
    eg::select(x, 0, 1).backward(NdArray<double>::scalar(1000));
    CHECK_SAME(x.grad(), NdArray<double>({5}, {101, 1001, 111, 10, 110}));
  }
}

TEST_CASE("slice: edge") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(eg::slice(x, 1, 2, 1).shape() == Shape{2, 0});
  CHECK(eg::slice(x, 1, 3, 3).shape() == Shape{2, 0});
  CHECK(eg::slice(x, 1, -1, -2).shape() == Shape{2, 0});
  CHECK(eg::narrow(x, 1, 3, 0).shape() == Shape{2, 0});
  CHECK(eg::slice(Tensor<float>::zeros({0, 3}), 0, -1, 5).shape() == Shape{0, 3});
  CHECK(eg::select(Tensor<float>({1}, {7}), 0, 0).item() == 7);
  const auto all = eg::slice(x, 1, 0, 3);
  CHECK(all.value().data() == x.value().data());  // no copy
  constexpr Index kLow = std::numeric_limits<Index>::min();
  constexpr Index kHigh = std::numeric_limits<Index>::max();
  CHECK_SAME(eg::slice(x, 1, kLow, kHigh).value(), x.value());
  CHECK_SAME(eg::slice(x, 1, 0, kHigh, kHigh).value(), NdArray<float>({2, 1}, {1, 4}));

  SECTION("an empty part has an all-zero gradient") {
    const Tensor<float> p({2}, {1, 2}, true);
    eg::slice(p, 0, 1, 1).backward(NdArray<float>(Shape{0}));
    CHECK_SAME(p.grad(), NdArray<float>({2}, {0, 0}));
  }
  SECTION("against Python's rule, all bounds of a short axis") {
    const Tensor<float> y(NdArray<float>::arange(5));
    for (Index start = -7; start <= 7; ++start) {
      for (Index end = -7; end <= 7; ++end) {
        for (Index step : {1, 2, 3, 9}) {
          std::vector<float> expected;
          const Index low = start < 0 ? std::max<Index>(start + 5, 0) : start;
          const Index high = end < 0 ? end + 5 : std::min<Index>(end, 5);
          for (Index i = low; i < high; i += step) expected.push_back(static_cast<float>(i));
          CHECK_SAME(eg::slice(y, 0, start, end, step).value(),
                     NdArray<float>({static_cast<Index>(expected.size())},
                                    std::span<const float>(expected)));
        }
      }
    }
  }
}

TEST_CASE("slice: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::slice(x, 2, 0, 1), eg::ShapeError, "[slice] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::slice(x, 1, 0, 1, 0), eg::ValueError, "[slice] step must be positive: 0");
  CHECK_ERROR(eg::slice(x, 1, 0, 1, -1), eg::ValueError, "[slice] step must be positive: -1");
  CHECK_ERROR(eg::narrow(x, 1, 2, 2), eg::ValueError,
              "[narrow] start 2 and length 2 do not fit axis 1 of size 3: x (2, 3)");
  CHECK_ERROR(eg::narrow(x, 1, -4, 1), eg::ValueError,
              "[narrow] start -4 and length 1 do not fit axis 1 of size 3: x (2, 3)");
  CHECK_ERROR(eg::narrow(x, 1, 0, -1), eg::ValueError,
              "[narrow] start 0 and length -1 do not fit axis 1 of size 3: x (2, 3)");
  CHECK_ERROR(eg::select(x, 1, 3), eg::ValueError,
              "[select] index 3 is out of range for axis 1 of size 3: x (2, 3)");
  CHECK_ERROR(eg::select(x, 0, -3), eg::ValueError,
              "[select] index -3 is out of range for axis 0 of size 2: x (2, 3)");
  CHECK_ERROR(eg::select(Tensor<float>::scalar(1), 0, 0), eg::ShapeError,
              "[select] axis 0 is out of range for 0 axes");
}

TEMPLATE_TEST_CASE("slice: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("slice");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, auto op) {
    reference.check<T>(name, tolerance, op);
  };
  check("slice0", [](const auto& x) { return eg::slice(x[0], 0, 1, 3); });
  check("slice1", [](const auto& x) { return eg::slice(x[0], 1, 2, -1, 3); });
  check("slice2", [](const auto& x) { return eg::slice(x[0], 2, -4, 99, 2); });
  check("narrow", [](const auto& x) { return eg::narrow(x[0], 1, -5, 3); });
  check("select", [](const auto& x) { return eg::select(x[0], 1, -2); });
}
