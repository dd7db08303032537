// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Line charts as an SVG file that needs no page around it: it brings its own ground and colours,
/// one set for light backgrounds and one for dark ones.
namespace chart {

struct Line {
  std::string name;
  /// (x, y) by rising x; a value that is not finite leaves a gap.
  std::vector<std::pair<double, double>> points;
};

struct LineChart {
  std::string title;
  std::string x_label;
  std::vector<Line> lines;  ///< line i has colour i of all charts of a picture, of 6 colours
};

namespace detail {

inline constexpr std::size_t kColours = 6;

/// The colours of a background: of the ground, of titles, other text, the grid, then of the lines.
struct Palette {
  const char *ground, *ink, *muted, *grid;
  const char* lines[kColours];
};
inline constexpr Palette kLight = {
    "#fff",
    "#1b2130",
    "#5b6472",
    "#e3e7ee",
    {"#c53030", "#c8601a", "#805ad5", "#2b6cb0", "#2f855a", "#5b6472"}};
inline constexpr Palette kDark = {
    "#11141a",
    "#e6e9ef",
    "#98a2b3",
    "#2b313c",
    {"#fc8181", "#f09a55", "#b794f4", "#6aa9f0", "#68d391", "#98a2b3"}};

/// Plain rules for each class, without variables, which not every viewer of SVG knows: line i is
/// drawn as s0, s1, ... and filled as f0, f1, ...
inline std::string rules(const Palette& colours) {
  const auto rule = [](const std::string& selector, const char* property, const char* colour) {
    return selector + "{" + property + ":" + colour + "}";
  };
  std::string out = rule("text", "fill", colours.muted) + rule(".title", "fill", colours.ink) +
                    rule(".ground", "fill", colours.ground) +
                    rule(".grid", "stroke", colours.grid) + rule(".axis", "stroke", colours.muted);
  for (std::size_t i = 0; i < kColours; ++i) {
    out += rule(".s" + std::to_string(i), "stroke", colours.lines[i]);
    out += rule(".f" + std::to_string(i), "fill", colours.lines[i]);
  }
  return out;
}

inline std::string style() {
  return "<style>text{font:12px system-ui,sans-serif}.title{font-weight:600}"
         ".curve{fill:none;stroke-width:2;stroke-linejoin:round}" +
         rules(kLight) + "@media(prefers-color-scheme:dark){" + rules(kDark) + "}</style>";
}

/// Where a chart lies in the picture, in pixels.
inline constexpr double kWidth = 420, kHeight = 300;
inline constexpr double kLeft = 46, kRight = 364, kTop = 40, kBottom = 258;
inline constexpr double kLegendRow = 20, kLegendColumn = 210;

inline std::string number(double x, const char* format = "%.4g") {
  char text[32];
  std::snprintf(text, sizeof text, format, x == 0 ? 0.0 : x);  // no "-0"
  return text;
}
inline std::string px(double x) { return number(std::round(x * 10) / 10, "%.5g"); }

inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

inline std::string text(double x, double y, const char* anchor, std::string_view content,
                        const std::string& attributes = "") {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\"" +
         attributes + ">" + escaped(content) + "</text>\n";
}

inline std::string rule(double x1, double y1, double x2, double y2, const char* style) {
  return "<path d=\"M" + px(x1) + " " + px(y1) + "L" + px(x2) + " " + px(y2) + "\" class=\"" +
         style + "\"/>\n";
}

/// The class of line `line`, to draw (s) or to fill (f).
inline std::string colour(const char* kind, std::size_t line) {
  return kind + std::to_string(line % kColours);
}

inline bool finite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

/// The distance of about four round numbers in a range: 1, 2 or 5 times a power of ten.
inline double tick_step(double low, double high) {
  const double rough = (high - low) / 4;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double factor = rough / power;
  return power * (factor > 5 ? 10 : factor > 2 ? 5 : factor > 1 ? 2 : 1);
}

/// The ends of the axes: round numbers of y around all finite points.
struct Bounds {
  double x0 = std::numeric_limits<double>::infinity(), x1 = -x0;
  double y0 = x0, y1 = -x0;

  explicit Bounds(const LineChart& chart) {
    for (const Line& line : chart.lines) {
      for (const auto& point : line.points) {
        if (!finite(point)) continue;
        x0 = std::min(x0, point.first);
        x1 = std::max(x1, point.first);
        y0 = std::min(y0, point.second);
        y1 = std::max(y1, point.second);
      }
    }
    if (empty()) return;
    if (x1 == x0) x1 = x0 + 1;
    if (y1 == y0) y1 = y0 + std::max(1.0, std::abs(y0));
    const double step = tick_step(y0, y1);
    y0 = std::floor(y0 / step + 1e-9) * step;
    y1 = std::ceil(y1 / step - 1e-9) * step;
  }

  bool empty() const { return x0 > x1; }
  double x(double value) const { return kLeft + (value - x0) / (x1 - x0) * (kRight - kLeft); }
  double y(double value) const { return kBottom - (value - y0) / (y1 - y0) * (kBottom - kTop); }
};

inline std::string axes(const LineChart& chart, const Bounds& at) {
  std::string out;
  const double y_step = tick_step(at.y0, at.y1);
  for (double i = std::round(at.y0 / y_step); i * y_step <= at.y1 + 1e-9 * y_step; ++i) {
    out += rule(kLeft, at.y(i * y_step), kRight, at.y(i * y_step), "grid");
    out += text(kLeft - 7, at.y(i * y_step) + 4, "end", number(i * y_step));
  }
  const double x_step = std::max(1.0, tick_step(at.x0, at.x1));
  for (double i = std::ceil(at.x0 / x_step); i * x_step <= at.x1 + 1e-9 * x_step; ++i) {
    out += text(at.x(i * x_step), kBottom + 17, "middle", number(i * x_step));
  }
  out += rule(kLeft, kBottom, kRight, kBottom, "axis");
  return out + text((kLeft + kRight) / 2, kBottom + 35, "middle", chart.x_label);
}

/// Line `index` of a chart, with a dot at each point; a gap begins it anew.
inline std::string curve(const Line& line, const Bounds& at, std::size_t index) {
  std::string path, dots;
  bool gap = true;
  for (const auto& point : line.points) {
    if (!finite(point)) {
      gap = true;
      continue;
    }
    const double x = at.x(point.first), y = at.y(point.second);
    path += (gap ? "M" : "L") + px(x) + " " + px(y);
    dots += "<circle cx=\"" + px(x) + "\" cy=\"" + px(y) + "\" r=\"2.5\" class=\"" +
            colour("f", index) + "\"/>\n";
    gap = false;
  }
  if (path.empty()) return "";
  return "<path d=\"" + path + "\" class=\"curve " + colour("s", index) + "\"/>\n" + dots;
}

/// The last value of each line at its end; moved apart where they would overlap.
inline std::string end_values(const LineChart& chart, const Bounds& at) {
  struct End {
    double y, value;
    std::size_t line;
  };
  std::vector<End> ends;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const auto& points = chart.lines[i].points;
    const auto last = std::find_if(points.rbegin(), points.rend(), finite);
    if (last != points.rend()) ends.push_back({at.y(last->second), last->second, i});
  }
  constexpr double gap = 13;
  std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.y < b.y; });
  for (std::size_t i = 1; i < ends.size(); ++i)
    ends[i].y = std::max(ends[i].y, ends[i - 1].y + gap);
  for (std::size_t i = ends.size(); i-- > 0;) {
    ends[i].y = std::min(ends[i].y, i + 1 < ends.size() ? ends[i + 1].y - gap : kBottom);
  }
  std::string out;
  for (const End& end : ends) {
    out += text(kRight + 8, end.y + 4, "start", number(end.value),
                " class=\"" + colour("f", end.line) + "\"");
  }
  return out;
}

inline std::string panel(const LineChart& chart) {
  const Bounds at(chart);
  const std::string title = text(kLeft, 22, "start", chart.title, " class=\"title\"");
  if (at.empty()) {
    return title + text((kLeft + kRight) / 2, (kTop + kBottom) / 2, "middle", "no data");
  }
  std::string out = title + axes(chart, at);
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    out += curve(chart.lines[i], at, i);
  }
  return out + end_values(chart, at);
}

}  // namespace detail

/// Charts next to each other, and one legend below: the names of the first chart's lines, which
/// the others share.
///
/// **Returns** the content of an SVG file. A chart without a finite point says "no data".
inline std::string line_charts(const std::vector<LineChart>& charts) {
  using namespace detail;
  const std::vector<Line> lines = charts.empty() ? std::vector<Line>{} : charts[0].lines;
  const double width = kWidth * static_cast<double>(std::max<std::size_t>(1, charts.size()));
  const auto columns = static_cast<std::size_t>(width / kLegendColumn);
  const auto rows = static_cast<double>((lines.size() + columns - 1) / columns);
  const std::string size = px(width) + " " + px(kHeight + rows * kLegendRow + 10);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\">\n" +
                    style() + "\n<rect width=\"100%\" height=\"100%\" class=\"ground\"/>\n";
  for (std::size_t i = 0; i < charts.size(); ++i) {
    const double left = kWidth * static_cast<double>(i);
    out += "<g transform=\"translate(" + px(left) + " 0)\">\n" + panel(charts[i]) + "</g>\n";
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double x = kLeft + kLegendColumn * 0.93 * static_cast<double>(i % columns);
    const double y = kHeight + kLegendRow * (0.5 + static_cast<double>(i / columns));
    out += "<path d=\"M" + px(x) + " " + px(y) + "h20\" class=\"curve " + colour("s", i) +
           "\"/>\n" + text(x + 26, y + 4, "start", lines[i].name);
  }
  return out + "</svg>\n";
}

}  // namespace chart
