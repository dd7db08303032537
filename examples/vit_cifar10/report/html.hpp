// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// Text for a page: escaped, and numbers as people write them.
namespace vit::report {

/// Text from outside (class names, commands, paths) as HTML takes it, in attributes too.
inline std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  }
  return out;
}

/// "maple_tree" as "maple tree", escaped.
inline std::string class_label(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return escape(name);
}

inline constexpr const char* kUnknown = "–";

/// A number with `digits` after the point; a dash for one that is not finite.
inline std::string fixed(double x, int digits) {
  if (!std::isfinite(x)) return kUnknown;
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  const bool minus_zero = text[0] == '-' && std::atof(text) == 0;
  return minus_zero ? text + 1 : text;
}

/// A number with `digits` significant digits and no zeros at the end: 0.002, 1.5, 120.
inline std::string significant(double x, int digits = 3) {
  if (!std::isfinite(x)) return kUnknown;
  if (x == 0) return "0";
  if (std::abs(x) < 1e-4) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*g", digits, x);
    return text;
  }
  const int whole = static_cast<int>(std::floor(std::log10(std::abs(x)))) + 1;
  std::string out = fixed(x, std::max(0, digits - whole));
  if (out.find('.') == std::string::npos) return out;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

/// 0.8469 as "84.69 %", with a space that does not break.
inline std::string percent(double share, int digits = 1) {
  return fixed(100 * share, digits) + "\u202f%";
}

/// 1388075 as "1,388,075".
inline std::string count(double x) {
  std::string out = fixed(x, 0);
  const std::size_t front = !out.empty() && out[0] == '-' ? 1 : 0;
  for (std::size_t i = out.size(); std::isfinite(x) && i > front + 3; i -= 3) {
    out.insert(i - 3, 1, ',');
  }
  return out;
}

/// 1388075 as "1.39 M".
inline std::string short_count(double x) {
  for (const auto& [unit, size] : {std::pair("G", 1e9), std::pair("M", 1e6), std::pair("k", 1e3)}) {
    if (std::abs(x) >= size) return significant(x / size) + "\u202f" + unit;
  }
  return count(x);
}

/// 390 as "6 min 30 s".
inline std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return kUnknown;
  if (seconds < 60) return significant(seconds, 2) + "\u202fs";
  const long s = std::lround(seconds);
  const std::string minutes = std::to_string(s / 60 % 60) + "\u202fmin";
  if (s >= 3600) return std::to_string(s / 3600) + "\u202fh " + minutes;
  return minutes + (s % 60 ? " " + std::to_string(s % 60) + "\u202fs" : "");
}

/// <tag class="...">content</tag>; an empty class is left out.
inline std::string element(const std::string& tag, const std::string& style,
                           const std::string& content) {
  return "<" + tag + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + content + "</" +
         tag + ">";
}

/// A number and what it is of.
inline std::string tile(const std::string& value, const std::string& what) {
  return element("div", "tile", element("b", "", value) + element("span", "", what));
}

/// A picture or chart with what one sees in it.
inline std::string figure(const std::string& content, const std::string& caption,
                          const std::string& style = "") {
  return element("figure", style, content + element("figcaption", "", caption)) + "\n";
}

/// A part of the page with a heading that can be linked to.
inline std::string section(const std::string& id, const std::string& title, const std::string& lead,
                           const std::string& content) {
  return "<section id=\"" + id + "\">\n<h2>" + title + "</h2>\n" + element("p", "lead", lead) +
         "\n" + content + "</section>\n";
}

}  // namespace vit::report
