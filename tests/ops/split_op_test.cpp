// SPDX-License-Identifier: MIT
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/split.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("split: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto two = eg::split(x, 2, 1);
  REQUIRE(two.size() == 2);
  CHECK_SAME(two[0].value(), NdArray<T>({2, 2}, {1, 2, 4, 5}));
  CHECK_SAME(two[1].value(), NdArray<T>({2, 1}, {3, 6}));
  const auto sizes = eg::split(x, {1, 0, 2}, -1);
  REQUIRE(sizes.size() == 3);
  CHECK_SAME(sizes[0].value(), NdArray<T>({2, 1}, {1, 4}));
  CHECK(sizes[1].shape() == Shape{2, 0});
  CHECK_SAME(sizes[2].value(), NdArray<T>({2, 2}, {2, 3, 5, 6}));
  CHECK_SAME(eg::chunk(x, 2)[1].value(), NdArray<T>({1, 3}, {4, 5, 6}));
  const auto rows = eg::unbind(x);
  REQUIRE(rows.size() == 2);
  CHECK_SAME(rows[1].value(), NdArray<T>({3}, {4, 5, 6}));
  CHECK_SAME(eg::unbind(x, 1)[2].value(), NdArray<T>({2}, {3, 6}));
  CHECK_SAME(eg::stack(eg::unbind(x, 1), 1).value(), x.value());
}

TEST_CASE("split: gradient") {
  const NdArray<double> x = test::random({2, 7, 3}, 5);
  for (const Index axis : {0, 1, 2}) {
    // In another order, so that each part's gradient must find its place.
    CHECK_GRADIENT(eg::cat({eg::split(x[0], 2, axis).back(), eg::split(x[0], 2, axis)[0]}, axis),
                   {x});
    CHECK_GRADIENT(eg::chunk(x[0], 2, axis)[1], {x});
    CHECK_GRADIENT(eg::unbind(x[0], axis)[1], {x});
  }
  SECTION("the parts of one split add up to the whole") {
    const Tensor<double> p(x, true);
    const auto parts = eg::split(p, {1, 4, 2}, 1);
    const Tensor<double> y = eg::cat(parts, 1);
    y.backward(y.value());
    CHECK_SAME(p.grad(), x);
  }
}

TEST_CASE("split: edge") {
  const Tensor<float> x = Tensor<float>::zeros({6, 0});
  SECTION("as many parts as are needed") {
    CHECK(eg::split(x, 9).size() == 1);
    CHECK(eg::chunk(x, 4).size() == 3);
    CHECK(eg::chunk(x, 6).size() == 6);
    CHECK(eg::chunk(x, 100).size() == 6);
  }
  SECTION("an axis of size 0") {
    CHECK(eg::split(x, 3, 1)[0].shape() == Shape{6, 0});
    CHECK(eg::split(x, 3, 1).size() == 1);
    CHECK(eg::split(x, {0, 0}, 1).size() == 2);
    CHECK(eg::unbind(x, 1).empty());
  }
  SECTION("more sizes than a shape has axes, from a vector") {
    CHECK(eg::split(Tensor<float>::zeros({8}), std::vector<Index>(8, 1)).size() == 8);
  }
}

TEST_CASE("split: error") {
  const auto x = Tensor<float>::zeros({2, 5});
  CHECK_ERROR(eg::split(x, 0, 1), eg::ValueError, "[split] size must be positive: 0");
  CHECK_ERROR(eg::split(x, 1, 2), eg::ShapeError, "[split] axis 2 is out of range for 2 axes");
  const std::string rule =
      "[split] sizes must not be negative and must add up to 5, the size of axis 1: x (2, 5)";
  CHECK_ERROR(eg::split(x, {2, 2}, 1), eg::ValueError, rule);
  CHECK_ERROR(eg::split(x, {2, 4}, 1), eg::ValueError, rule);
  CHECK_ERROR(eg::split(x, {6, -1}, 1), eg::ValueError, rule);
  CHECK_ERROR(eg::chunk(x, -1), eg::ValueError, "[chunk] n must be positive: -1");
  CHECK_ERROR(eg::unbind(x, -3), eg::ShapeError, "[unbind] axis -3 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("split: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("rearrange");
  const Tensor<T> x(reference.get<T>("cumsum0.in0"));
  for (const Index axis : {0, 1, 2}) {
    const auto check = [&](const std::string& name, const auto& parts) {
      const std::string key = name + std::to_string(axis);
      const auto count = static_cast<std::size_t>(reference.get<Index>(key + ".count").item());
      REQUIRE(parts(x).size() == count);
      for (std::size_t i = 0; i < count; ++i) {
        reference.check<T>(key + "." + std::to_string(i), 1e-7,
                           [&](const auto& in) { return parts(in[0])[i]; });
      }
    };
    check("split", [&](const auto& t) { return eg::split(t, 2, axis); });
    check("chunk", [&](const auto& t) { return eg::chunk(t, 3, axis); });
    check("unbind", [&](const auto& t) { return eg::unbind(t, axis); });
  }
  for (std::size_t i = 0; i < 3; ++i) {
    reference.check<T>("sizes" + std::to_string(i), 1e-7, [&](const auto& in) {
      return eg::split(in[0], {1, 2, 1}, 1)[i];
    });
  }
}
