// SPDX-License-Identifier: MIT
#include <stdexcept>

#include <eigengrad/core/error.hpp>
#include <tests/support/test.hpp>

using eg::detail::concat;

TEST_CASE("error: text of the parts") {
  CHECK(concat() == "");
  CHECK(concat("a", std::string("b"), std::string_view("c"), 'd') == "abcd");
  CHECK(concat(true, ' ', false) == "true false");
  CHECK(concat(-3, ' ', 7u, ' ', std::int64_t{1} << 40, ' ', std::size_t{5}) ==
        "-3 7 1099511627776 5");
  CHECK(concat(test::Shape{2, 3}) == "(2, 3)");
}

TEST_CASE("error: numbers are written short") {
  CHECK(concat(0.1) == "0.1");
  CHECK(concat(2.0) == "2");
  CHECK(concat(1e-5) == "1e-05");
  CHECK(concat(-0.25f) == "-0.25");
  CHECK(concat(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("error: a wrong argument is a std::invalid_argument, the rest std::runtime_error") {
  CHECK_THROWS_AS(throw eg::ShapeError("x"), std::invalid_argument);
  CHECK_THROWS_AS(throw eg::ValueError("x"), std::invalid_argument);
  CHECK_THROWS_AS(throw eg::StateError("x"), std::runtime_error);
  CHECK_THROWS_AS(throw eg::IoError("x"), std::runtime_error);
  CHECK_ERROR(throw eg::ShapeError("[op] rule"), std::exception, "[op] rule");
}
