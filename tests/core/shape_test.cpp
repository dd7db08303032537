// SPDX-License-Identifier: MIT
#include <eigengrad/core/shape.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::Shape;

TEST_CASE("shape: sizes, rank and number of elements") {
  const Shape s{2, 3, 4};
  CHECK(s.rank() == 3);
  CHECK(s.numel() == 24);
  CHECK(s[0] == 2);
  CHECK(s.back() == 4);
  CHECK(s.contains(3));
  CHECK_FALSE(s.contains(5));
  CHECK_FALSE(s.empty());
  CHECK(std::vector<Index>(s.begin(), s.end()) == std::vector<Index>{2, 3, 4});
  CHECK(Shape::filled(3, 7) == Shape{7, 7, 7});
}

TEST_CASE("shape: a scalar has no axes and one element") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.empty());
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{0}.numel() == 0);
  CHECK(Shape{3, 0, 2}.numel() == 0);
}

TEST_CASE("shape: equality counts axes") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2} == Shape{2, 1});
  CHECK_FALSE(Shape{} == Shape{1});
}

TEST_CASE("shape: text") {
  CHECK(Shape{}.str() == "()");
  CHECK(Shape{5}.str() == "(5)");
  CHECK(Shape{2, 3, 4}.str() == "(2, 3, 4)");
}

TEST_CASE("shape: at most six axes") {
  Shape s = Shape::filled(eg::kMaxRank, 1);
  CHECK(s.rank() == 6);
  CHECK_ERROR(s.push_back(1), eg::ShapeError, "[shape] at most 6 axes are supported");
  CHECK(s.rank() == 6);
}

TEST_CASE("shape: axes count from both ends") {
  using eg::detail::normalize_axis;
  CHECK(normalize_axis("op", 0, 3) == 0);
  CHECK(normalize_axis("op", 2, 3) == 2);
  CHECK(normalize_axis("op", -1, 3) == 2);
  CHECK(normalize_axis("op", -3, 3) == 0);
  CHECK_ERROR(normalize_axis("op", 3, 3), eg::ShapeError, "[op] axis 3 is out of range for 3 axes");
  CHECK_ERROR(normalize_axis("op", -2, 1), eg::ShapeError,
              "[op] axis -2 is out of range for 1 axis");
  CHECK_ERROR(normalize_axis("op", 0, 0), eg::ShapeError, "[op] axis 0 is out of range for 0 axes");
}

TEST_CASE("shape: lists of axes are sorted, distinct, and all when empty") {
  using eg::detail::normalize_axes;
  CHECK(normalize_axes("op", {}, 3) == Shape{0, 1, 2});
  CHECK(normalize_axes("op", {-1, 0}, 3) == Shape{0, 2});
  CHECK(normalize_axes("op", {}, 0) == Shape{});
  CHECK_ERROR(normalize_axes("op", {1, -2}, 3), eg::ShapeError,
              "[op] axis -2 is given twice in (1, -2)");
  CHECK_ERROR(normalize_axes("op", {4}, 3), eg::ShapeError,
              "[op] axis 4 is out of range for 3 axes");
}

TEST_CASE("shape: broadcasting aligns from the right") {
  using eg::detail::broadcast_shapes;
  CHECK(broadcast_shapes("op", {2, 3}, {3}) == Shape{2, 3});
  CHECK(broadcast_shapes("op", {3}, {2, 3}) == Shape{2, 3});
  CHECK(broadcast_shapes("op", {4, 1}, {1, 5}) == Shape{4, 5});
  CHECK(broadcast_shapes("op", {}, {2, 2}) == Shape{2, 2});
  CHECK(broadcast_shapes("op", {0, 1}, {3}) == Shape{0, 3});
  CHECK(broadcast_shapes("op", {1}, {0}) == Shape{0});
  CHECK_ERROR(broadcast_shapes("op", {2, 3}, {2}), eg::ShapeError,
              "[op] shapes do not broadcast: (2, 3), (2); aligned from the right, sizes must be "
              "equal or 1");
  CHECK_ERROR(broadcast_shapes("op", {0}, {2}), eg::ShapeError,
              "[op] shapes do not broadcast: (0), (2); aligned from the right, sizes must be equal "
              "or 1");
}

TEST_CASE("shape: strides and partial products") {
  CHECK(eg::detail::row_major_strides({2, 3, 4}) == Shape{12, 4, 1});
  CHECK(eg::detail::row_major_strides({}) == Shape{});
  CHECK(eg::detail::numel_between({2, 3, 4}, 1, 3) == 12);
  CHECK(eg::detail::numel_between({2, 3, 4}, 1, 1) == 1);
}
