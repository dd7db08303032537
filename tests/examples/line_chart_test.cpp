// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <string>

#include <examples/common/line_chart.hpp>
#include <tests/support/test.hpp>

namespace {

using chart::LineChart;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("line_chart: axes end at round numbers around the points") {
  const chart::detail::Bounds at({"", "", {{"a", {{1, 12}, {8, 38}}}, {"b", {{2, 21}}}}});
  CHECK(at.x0 == 1);
  CHECK(at.x1 == 8);
  CHECK(at.y0 == 10);
  CHECK(at.y1 == 40);
  CHECK(at.x(1) == chart::detail::kLeft);
  CHECK(at.x(8) == chart::detail::kRight);
  CHECK(at.y(10) == chart::detail::kBottom);
  CHECK(at.y(40) == chart::detail::kTop);
}

TEST_CASE("line_chart: one point, and lines of one value, have room around them") {
  const chart::detail::Bounds one({"", "", {{"a", {{3, -2}}}}});
  CHECK(one.x1 > one.x0);
  CHECK(one.y0 <= -2);
  CHECK(one.y1 > -2);
  const std::string svg = chart::line_charts({{"t", "x", {{"a", {{1, 0}, {2, 0}}}}}});
  CHECK_FALSE(has(svg, "nan"));
  CHECK_FALSE(has(svg, "inf"));
}

TEST_CASE("line_chart: a chart without finite points says so") {
  const double nan = std::nan("");
  for (const LineChart& empty :
       {LineChart{"t", "x", {}}, LineChart{"t", "x", {{"a", {}}}},
        LineChart{"t", "x", {{"a", {{1, nan}, {2, std::numeric_limits<double>::infinity()}}}}}}) {
    const std::string svg = chart::line_charts({empty});
    CHECK(has(svg, ">no data</text>"));
    CHECK_FALSE(has(svg, "nan"));
    CHECK_FALSE(has(svg, "inf"));
  }
  CHECK(has(chart::line_charts({}), "</svg>"));
}

TEST_CASE("line_chart: a value that is not finite leaves a gap") {
  const LineChart gap{"t", "x", {{"a", {{1, 0}, {2, 1}, {3, std::nan("")}, {4, 2}, {5, 4}}}}};
  const std::string line = chart::detail::curve(gap.lines[0], chart::detail::Bounds(gap), 7);
  CHECK(has(line, "d=\"M46 258L125.5 203.5M284.5 149L364 40\""));
  CHECK(count(line, "<circle") == 4);
  CHECK(count(line, "class=\"f1\"") == 4);  // the seventh line has the second colour again
}

TEST_CASE("line_chart: names are escaped, and the legend has each once") {
  const std::string svg = chart::line_charts({{"first", "x", {{"a < b & c", {{1, 1}, {2, 3}}}}},
                                              {"second", "x", {{"a < b & c", {{1, 5}}}}}});
  CHECK(count(svg, ">a &lt; b &amp; c</text>") == 1);
  CHECK(has(svg, ">first</text>"));
  CHECK(has(svg, ">second</text>"));
}

TEST_CASE("line_chart: last values that would overlap are moved apart") {
  const LineChart close{"t", "x", {{"a", {{1, 0}, {2, 10}}}, {"b", {{1, 0}, {2, 10.1}}}}};
  const std::string ends = chart::detail::end_values(close, chart::detail::Bounds(close));
  const auto y = [&](const std::string& value) {
    const std::size_t at = ends.rfind("y=\"", ends.find(">" + value + "<"));
    return std::stod(ends.substr(at + 3));
  };
  CHECK(y("10") - y("10.1") >= 12.9);
}
