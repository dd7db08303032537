// SPDX-License-Identifier: MIT
#include <eigengrad/ops/permute.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("permute: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  const NdArray<T> transposed({3, 2}, {1, 4, 2, 5, 3, 6});
  CHECK_SAME(eg::permute(x, {1, 0}).value(), transposed);
  CHECK_SAME(eg::permute(x, {-1, 0}).value(), transposed);
  CHECK_SAME(eg::transpose(x, 0, 1).value(), transposed);
  CHECK_SAME(eg::transpose(x, -1, -2).value(), transposed);
  CHECK_SAME(eg::transpose(x, 1, 1).value(), x.value());
  const Tensor<T> y({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  CHECK_SAME(eg::permute(y, {2, 0, 1}).value(), NdArray<T>({2, 2, 2}, {0, 2, 4, 6, 1, 3, 5, 7}));
}

TEMPLATE_TEST_CASE("permute: movedim", "", float, double) {
  using T = TestType;
  const Tensor<T> x(test::random<T>({2, 3, 4, 5}));
  CHECK_SAME(eg::movedim(x, 1, -1).value(), eg::permute(x, {0, 2, 3, 1}).value());
  CHECK_SAME(eg::movedim(x, 3, 0).value(), eg::permute(x, {3, 0, 1, 2}).value());
  CHECK_SAME(eg::movedim(x, {0, -1}, {2, 0}).value(), eg::permute(x, {3, 1, 0, 2}).value());
  CHECK_SAME(eg::movedim(x, {}, {}).value(), x.value());
  CHECK_GRADIENT(eg::movedim(x[0], 0, 2), {test::random({2, 3, 4})});
  const test::Reference reference("rearrange");
  reference.check<T>("movedim", 1e-7, [](const auto& in) { return eg::movedim(in[0], 0, -1); });
  reference.check<T>("movedims", 1e-7, [](const auto& in) {
    return eg::movedim(in[0], {0, 1}, {2, 0});
  });
  CHECK_ERROR(eg::movedim(x, {0, 1}, {2}), eg::ShapeError,
              "[movedim] needs one place per axis: from (0, 1), to (2)");
  const std::string twice = "[movedim] an axis is given twice: from ";
  CHECK_ERROR(eg::movedim(x, {0, 1}, {2, -2}), eg::ShapeError, twice + "(0, 1), to (2, -2)");
  CHECK_ERROR(eg::movedim(x, {0, 0}, {1, 2}), eg::ShapeError, twice + "(0, 0), to (1, 2)");
  CHECK_ERROR(eg::movedim(x, 0, 4), eg::ShapeError, "[movedim] axis 4 is out of range for 4 axes");
}

TEST_CASE("permute: gradient") {
  for (Index n : {1, 2, 7, 17}) {
    const NdArray<double> x = test::random({2, n, 3}, 5);
    CHECK_GRADIENT(eg::permute(x[0], {2, 0, 1}), {x});
    CHECK_GRADIENT(eg::permute(x[0], {1, 2, 0}), {x});
    CHECK_GRADIENT(eg::transpose(x[0], 0, -1), {x});
  }
}

TEST_CASE("permute: edge") {
  SECTION("empty and scalar") {
    CHECK(eg::permute(Tensor<float>::zeros({0, 3}), {1, 0}).shape() == Shape{3, 0});
    CHECK(eg::permute(Tensor<float>::scalar(3), {}).item() == 3);
  }
  SECTION("axes of size 1 move without a copy") {
    const Tensor<float> x({1, 3, 1}, {1, 2, 3});
    const Tensor<float> y = eg::permute(x, {1, 2, 0});
    CHECK(y.shape() == Shape{3, 1, 1});
    CHECK(y.value().data() == x.value().data());
  }
  SECTION("six axes, there and back") {
    const NdArray<float> x = test::random<float>({2, 3, 2, 4, 5, 3});
    const Shape axes{3, 5, 0, 4, 2, 1};
    const Tensor<float> y = eg::permute(Tensor<float>(x), axes);
    CHECK(y.shape() == Shape{4, 3, 2, 5, 2, 3});
    CHECK(y.value()(3, 1, 0, 4, 1, 2) == x(0, 2, 1, 3, 4, 1));
    CHECK_SAME(eg::permute(y, eg::detail::inverse_permutation(axes)).value(), x);
  }
}

TEST_CASE("permute: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::permute(x, {0}), eg::ShapeError,
              "[permute] needs each axis once: axes (0), x has 2 axes");
  CHECK_ERROR(eg::permute(x, {0, 2}), eg::ShapeError,
              "[permute] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::permute(x, {1, -1}), eg::ShapeError,
              "[permute] axis -1 is given twice in (1, -1)");
  CHECK_ERROR(eg::transpose(x, 0, 2), eg::ShapeError,
              "[transpose] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("permute: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("permute");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, auto op) {
    reference.check<T>(name, tolerance, op);
  };
  check("permute0", [](const auto& x) { return eg::permute(x[0], {0, 2, 1, 3}); });
  check("permute1", [](const auto& x) { return eg::permute(x[0], {0, 3, 1, 2}); });
  check("permute2", [](const auto& x) { return eg::permute(x[0], {3, 2, 1, 0}); });
  check("permute3", [](const auto& x) { return eg::permute(x[0], {2, 3, 0, 1}); });
  check("transpose", [](const auto& x) { return eg::transpose(x[0], 1, -1); });
}
