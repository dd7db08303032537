// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numeric>

#include <examples/vit_cifar10/report/chart.hpp>
#include <examples/vit_cifar10/report/confusion.hpp>

namespace vit::report {

using eigengrad::Index;
using eigengrad::NdArray;

std::vector<Index> similar_together(const NdArray<Index>& confusion) {
  const auto n = static_cast<std::size_t>(confusion.cols());
  std::vector<std::vector<Index>> groups(n);
  std::vector<std::vector<double>> alike(n, std::vector<double>(n));
  for (std::size_t a = 0; a < n; ++a) {
    groups[a] = {static_cast<Index>(a)};
    for (std::size_t b = 0; b < n; ++b) {
      const auto at = [&](std::size_t i, std::size_t j) {
        return double(confusion.data()[i * n + j]);
      };
      alike[a][b] = at(a, b) + at(b, a);
    }
  }
  while (groups.size() > 1) {
    std::size_t first = 0;
    std::size_t second = 1;
    for (std::size_t a = 0; a < groups.size(); ++a) {
      for (std::size_t b = a + 1; b < groups.size(); ++b) {
        if (alike[a][b] > alike[first][second]) first = a, second = b;
      }
    }
    const double size_a = double(groups[first].size());
    const double size_b = double(groups[second].size());
    for (std::size_t k = 0; k < groups.size(); ++k) {
      const double mean =
          (size_a * alike[first][k] + size_b * alike[second][k]) / (size_a + size_b);
      alike[first][k] = alike[k][first] = mean;
    }
    groups[first].insert(groups[first].end(), groups[second].begin(), groups[second].end());
    const auto gone = static_cast<std::ptrdiff_t>(second);
    groups.erase(groups.begin() + gone);
    alike.erase(alike.begin() + gone);
    for (auto& row : alike) row.erase(row.begin() + gone);
  }
  return groups.empty() ? std::vector<Index>{} : groups.front();
}

std::string confusion_chart(const std::vector<std::string>& classes,
                            const NdArray<Index>& confusion) {
  const Index n = confusion.cols();
  const bool numbers = n <= kNumberedClasses;
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  if (!numbers) order = similar_together(confusion);

  double most_wrong = 1;
  for (Index i = 0; i < n * n; ++i) {
    if (i % (n + 1) != 0) most_wrong = std::max(most_wrong, double(confusion.data()[i]));
  }
  std::size_t longest = 0;
  for (const std::string& name : classes) longest = std::max(longest, name.size());
  const double cell = numbers ? std::min(44.0, 560.0 / double(n)) : 900.0 / double(n);
  const double letter = numbers ? 11 : std::min(11.0, cell * 0.86);
  const double label = double(longest) * letter * 0.56 + 10;
  const double head = label * 0.72 + 6;
  const double gap = numbers ? 2 : cell * 0.06;
  const double side = double(n) * cell;
  const std::string size = " style=\"font-size:" + px(letter) + "px\"";

  std::string out;
  if (!numbers) out += svg_rect(label, head, side, side, "cell", 1, "");
  for (Index r = 0; r < n; ++r) {
    const Index truth = order[static_cast<std::size_t>(r)];
    const Index* row = confusion.data() + truth * n;
    const double images = double(std::accumulate(row, row + n, Index{0}));
    const std::string name = class_label(classes[static_cast<std::size_t>(truth)]);
    const double y = head + double(r) * cell;
    out += "<text x=\"" + px(label - 8) + "\" y=\"" + px(y + cell / 2 + letter * 0.36) +
           "\" text-anchor=\"end\"" + size + ">" + name + "</text>";
    const double x = label + (double(r) + 0.5) * cell;
    out += "<text transform=\"translate(" + px(x + letter * 0.3) + " " + px(head - 6) +
           ") rotate(-45)\"" + size + ">" + name + "</text>";
    for (Index c = 0; c < n; ++c) {
      const Index said = order[static_cast<std::size_t>(c)];
      const double value = double(row[said]);
      if (value == 0 && !numbers) continue;
      const bool right = truth == said;
      // The root keeps rare confusions visible beside the frequent ones.
      const double strength = right ? (images > 0 ? 0.15 + 0.85 * value / images : 0)
                                    : 0.08 + 0.85 * std::sqrt(value / most_wrong);
      const std::string title =
          right ? name + ": " + count(value) + " of " + count(images) + " right (" +
                      percent(value / std::max(images, 1.0)) + ")"
                : name + " taken for " + class_label(classes[static_cast<std::size_t>(said)]) +
                      ": " + count(value) + " of " + count(images) + " (" +
                      percent(value / std::max(images, 1.0)) + ")";
      const double left = label + double(c) * cell;
      out += svg_rect(left + gap / 2, y + gap / 2, cell - gap, cell - gap,
                      value == 0 ? "cell"
                      : right    ? "right"
                                 : "wrong",
                      value == 0 ? 1 : strength, title);
      if (numbers && value > 0) {
        out += svg_text(left + cell / 2, y + cell / 2 + 4, "", count(value),
                        strength > 0.72 ? "number on" : "number");
      }
    }
  }
  return svg(label + side + (numbers ? label * 0.45 : 30), head + side + 4, "confusion matrix", out,
             numbers ? 430 : 780);
}

}  // namespace vit::report
