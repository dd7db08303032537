// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <examples/vit_cifar10/report/html.hpp>

/// Charts as SVG. They take their colours from the page, so they follow light and dark.
namespace vit::report {

/// Round numbers from `low` to `high`, about `wanted` of them: steps of 1, 2 or 5 times a power of
/// ten, whole ones if asked for.
inline std::vector<double> ticks(double low, double high, int wanted, bool whole = false) {
  const double rough = std::max(high - low, 1e-12) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power * (rough / power > 5   ? 10
                         : rough / power > 2 ? 5
                         : rough / power > 1 ? 2
                                             : 1);
  if (whole) step = std::max(1.0, step);
  std::vector<double> out;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    out.push_back(i * step);
  }
  return out;
}

/// A place in an SVG, to a tenth of a pixel.
inline std::string px(double x) { return significant(std::round(x * 10) / 10, 5); }

inline std::string svg_text(double x, double y, const std::string& anchor, const std::string& text,
                            const std::string& style = "") {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"" +
         (anchor.empty() ? "" : " text-anchor=\"" + anchor + "\"") +
         (style.empty() ? "" : " class=\"" + style + "\"") + ">" + text + "</text>";
}

inline std::string svg_line(double x1, double y1, double x2, double y2, const std::string& style) {
  return "<line x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) +
         "\" class=\"" + style + "\"/>";
}

inline std::string svg_rect(double x, double y, double width, double height,
                            const std::string& style, double opacity, const std::string& title) {
  return "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(width) + "\" height=\"" +
         px(height) + "\" class=\"" + style + "\"" +
         (opacity < 1 ? " fill-opacity=\"" + fixed(opacity, 2) + "\"" : "") +
         (title.empty() ? "/>" : "><title>" + title + "</title></rect>");
}

/// `least_width` in pixels keeps small print legible: a narrow screen scrolls instead.
inline std::string svg(double width, double height, const std::string& label,
                       const std::string& content, double least_width = 0) {
  std::string out = "<svg viewBox=\"0 0 " + px(width) + " " + px(height);
  out +=
      "\" role=\"img\" aria-label=\"" + label + "\" style=\"max-width:" + px(width * 1.15) + "px";
  if (least_width > 0) out += ";min-width:" + px(least_width) + "px";
  return out + "\">" + content + "</svg>\n";
}

struct Series {
  std::string name;
  std::string colour;   ///< c1, c2 or c3
  bool dashed = false;  ///< the same thing otherwise measured; not in the legend
  std::vector<std::pair<double, double>> points;
};

struct LineChart {
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::function<std::string(double)> show;                   ///< a value of y, for labels
  double highest = std::numeric_limits<double>::infinity();  ///< the axis ends here at the latest
  bool from_zero = false;
};

/// Moves labels apart that would overlap, as little as their order allows.
inline void spread(std::vector<double>& y, double gap, double low, double high) {
  std::vector<std::size_t> order(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return y[a] < y[b]; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    y[order[i]] = std::max({y[order[i]], i ? y[order[i - 1]] + gap : low, low});
  }
  for (std::size_t i = order.size(); i-- > 0;) {
    y[order[i]] = std::min(y[order[i]], i + 1 < order.size() ? y[order[i + 1]] - gap : high);
  }
}

/// Where the numbers of a line chart lie in its SVG.
struct LineFrame {
  static constexpr double kWidth = 360, kHeight = 250;
  static constexpr double kLeft = 40, kRight = 316, kTop = 34, kBottom = 210;

  /// Round ends around all points. The chart must have one.
  explicit LineFrame(const LineChart& chart) {
    for (const Series& s : chart.series) {
      for (const auto& [x, y] : s.points) {
        x1 = std::max(x1, x);
        y0 = std::min(y0, y);
        y1 = std::max(y1, y);
      }
    }
    if (chart.from_zero) y0 = 0;
    if (y1 <= y0) y1 = y0 + (y0 != 0 ? std::abs(y0) * 0.1 : 1);
    const std::vector<double> inner = ticks(y0, y1, 4);
    const double step = inner.size() > 1 ? inner[1] - inner[0] : (y1 - y0) / 2;
    y0 = std::floor(y0 / step + 1e-9) * step;
    y1 = std::min(std::ceil(y1 / step - 1e-9) * step, chart.highest);
    if (x1 <= x0) x0 = 0;
  }

  double x(double value) const { return kLeft + (value - x0) / (x1 - x0) * (kRight - kLeft); }
  double y(double value) const { return kBottom - (value - y0) / (y1 - y0) * (kBottom - kTop); }

  double x0 = 1, x1 = 1;
  double y0 = std::numeric_limits<double>::infinity(), y1 = -y0;
};

inline std::string line_axes(const LineChart& chart, const LineFrame& at) {
  using F = LineFrame;
  std::string out;
  for (const double y : ticks(at.y0, at.y1, 5)) {
    out += svg_line(F::kLeft, at.y(y), F::kRight, at.y(y), "grid");
    out += svg_text(F::kLeft - 7, at.y(y) + 4, "end", significant(y, 4));
  }
  for (const double x : ticks(at.x0, at.x1, 6, true)) {
    out += svg_text(at.x(x), F::kBottom + 17, "middle", count(x));
  }
  if (at.x0 == 1 && at.x1 >= 10) out += svg_text(at.x(1), F::kBottom + 17, "middle", "1");
  out += svg_line(F::kLeft, F::kBottom, F::kRight, F::kBottom, "axis");
  out += svg_text((F::kLeft + F::kRight) / 2, F::kHeight - 5, "middle", chart.x_label);
  out += svg_text(0, 10, "", chart.y_label, "strong");
  return out;
}

/// A line, its points with their values, and the last value at `end`.
inline std::string line_curve(const LineChart& chart, const LineFrame& at, const Series& s,
                              double end) {
  const std::string dash = s.dashed ? " dash" : "";
  std::string line;
  for (const auto& [x, y] : s.points) {
    line += line.empty() ? 'M' : 'L';
    line += px(at.x(x)) + " " + px(at.y(y));
  }
  std::string out = "<path d=\"" + line + "\" class=\"curve" + dash + "\"/>";
  for (const auto& [x, y] : s.points) {
    out += "<circle cx=\"" + px(at.x(x)) + "\" cy=\"" + px(at.y(y)) + "\" r=\"3.5\" class=\"dot" +
           (s.points.size() > 24 || s.dashed ? " quiet" : "") + "\"><title>" + s.name + ", " +
           chart.x_label + " " + count(x) + ": " + chart.show(y) + "</title></circle>";
  }
  return out +
         svg_text(LineFrame::kRight + 8, end + 4, "", chart.show(s.points.back().second), "end");
}

/// A name with a piece of its line in front, ending at `right`, which moves to where they begin.
inline std::string legend_entry(const Series& s, double& right) {
  right -= 6.1 * static_cast<double>(s.name.size()) + 10;
  std::string out = svg_text(right, 10, "", s.name);
  out += "<path d=\"M" + px(right - 22) + " 6.5h17\" class=\"curve\"/>";
  right -= 22;
  return out;
}

/// Lines over whole numbers (epochs), each point with its value to hover over and the last value
/// written at its end. Points that are not finite are left out.
inline std::string line_chart(LineChart chart) {
  for (Series& s : chart.series) {
    std::erase_if(s.points, [](const auto& p) { return !std::isfinite(p.second); });
  }
  std::erase_if(chart.series, [](const Series& s) { return s.points.empty(); });
  if (chart.series.empty()) return "";
  const LineFrame at(chart);
  std::string out = line_axes(chart, at);
  std::vector<double> ends;
  for (const Series& s : chart.series) ends.push_back(at.y(s.points.back().second));
  spread(ends, 13, LineFrame::kTop, LineFrame::kBottom);
  double legend_right = LineFrame::kWidth;
  for (std::size_t i = chart.series.size(); i-- > 0;) {
    const Series& s = chart.series[i];
    std::string group = line_curve(chart, at, s, ends[i]);
    if (chart.series.size() > 1 && !s.dashed) group += legend_entry(s, legend_right);
    out += "<g class=\"" + s.colour + "\">" + group + "</g>";
  }
  return svg(LineFrame::kWidth, LineFrame::kHeight, chart.y_label + " by " + chart.x_label, out);
}

}  // namespace vit::report
