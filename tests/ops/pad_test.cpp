// SPDX-License-Identifier: MIT
#include <limits>

#include <eigengrad/ops/pad.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("pad: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 2}, {1, 2, 3, 4});
  CHECK_SAME(eg::pad(x, {{0, 0}, {1, 2}}).value(),
             NdArray<T>({2, 5}, {0, 1, 2, 0, 0, 0, 3, 4, 0, 0}));
  CHECK_SAME(eg::pad(x, {{1, 0}, {0, 1}}, 9).value(),
             NdArray<T>({3, 3}, {9, 9, 9, 1, 2, 9, 3, 4, 9}));
  CHECK_SAME(eg::pad(Tensor<T>({1}, {5}), {{1, 1}}, 0.5).value(),
             NdArray<T>({3}, {T(0.5), 5, T(0.5)}));
}

TEST_CASE("pad: gradient") {
  for (Index n : {1, 2, 7, 17}) {
    const NdArray<double> x = test::random({2, n, 3}, 5);
    CHECK_GRADIENT(eg::pad(x[0], {{1, 0}, {0, 2}, {3, 1}}, 4), {x});
    CHECK_GRADIENT(eg::pad(x[0], {{0, 0}, {2, 1}, {0, 0}}), {x});
  }
}

TEST_CASE("pad: edge") {
  CHECK_SAME(eg::pad(Tensor<float>::zeros({0, 2}), {{1, 1}, {0, 1}}, 3).value(),
             NdArray<float>::full({2, 3}, 3));
  CHECK(eg::pad(Tensor<float>::scalar(4), {}).item() == 4);
  const Tensor<float> x({2}, {1, 2});
  CHECK_SAME(eg::pad(x, {{0, 0}}).value(), x.value());
  constexpr float kInf = std::numeric_limits<float>::infinity();
  CHECK_SAME(eg::pad(x, {{1, 0}}, -kInf).value(), NdArray<float>({3}, {-kInf, 1, 2}));
}

TEST_CASE("pad: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::pad(x, {{1, 1}}), eg::ShapeError,
              "[pad] needs one pair of widths for each axis: 1 given, x (2, 3)");
  CHECK_ERROR(eg::pad(x, {{0, 0}, {-1, 2}}), eg::ValueError,
              "[pad] widths must not be negative: axis 1 has -1 and 2; use slice to cut");
}

TEMPLATE_TEST_CASE("pad: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("pad");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, auto op) {
    reference.check<T>(name, tolerance, op);
  };
  check("last", [](const auto& x) { return eg::pad(x[0], {{0, 0}, {0, 0}, {2, 1}}); });
  check("all", [](const auto& x) { return eg::pad(x[0], {{3, 0}, {1, 2}, {0, 4}}, -1.5); });
}
