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

namespace {

/// The chart while it is drawn: sizes that follow from the number and the names of the classes.
class ConfusionChart {
 public:
  ConfusionChart(const std::vector<std::string>& classes, const NdArray<Index>& confusion)
      : classes_(classes), confusion_(confusion), n_(confusion.cols()) {
    for (Index i = 0; i < n_ * n_; ++i) {
      if (i % (n_ + 1) != 0) most_wrong_ = std::max(most_wrong_, double(confusion.data()[i]));
    }
    std::size_t longest = 0;
    for (const std::string& name : classes) longest = std::max(longest, name.size());
    cell_ = numbered_ ? std::min(44.0, 560.0 / double(n_)) : 900.0 / double(n_);
    letter_ = numbered_ ? 11 : std::min(11.0, cell_ * 0.86);
    label_ = double(longest) * letter_ * 0.56 + 10;
    head_ = label_ * 0.72 + 6;
    gap_ = numbered_ ? 2 : cell_ * 0.06;
  }

  std::string draw() const {
    std::vector<Index> order(static_cast<std::size_t>(n_));
    std::iota(order.begin(), order.end(), Index{0});
    if (!numbered_) order = similar_together(confusion_);
    const double side = double(n_) * cell_;
    std::string out;
    if (!numbered_) out += svg_rect(label_, head_, side, side, "cell", 1, "");
    for (Index r = 0; r < n_; ++r) {
      const Index truth = order[static_cast<std::size_t>(r)];
      out += names(r, truth);
      for (Index c = 0; c < n_; ++c) out += cell(r, c, truth, order[static_cast<std::size_t>(c)]);
    }
    return svg(label_ + side + (numbered_ ? label_ * 0.45 : 30), head_ + side + 4,
               "confusion matrix", out, numbered_ ? 430 : 780);
  }

 private:
  std::string name(Index k) const { return class_label(classes_[static_cast<std::size_t>(k)]); }
  double top(Index r) const { return head_ + double(r) * cell_; }

  /// The name of row and column `r`, to the left of the one and above the other.
  std::string names(Index r, Index truth) const {
    const std::string size = " style=\"font-size:" + px(letter_) + "px\"";
    const double x = label_ + (double(r) + 0.5) * cell_;
    return "<text x=\"" + px(label_ - 8) + "\" y=\"" + px(top(r) + cell_ / 2 + letter_ * 0.36) +
           "\" text-anchor=\"end\"" + size + ">" + name(truth) +
           "</text><text transform=\"translate(" + px(x + letter_ * 0.3) + " " + px(head_ - 6) +
           ") rotate(-45)\"" + size + ">" + name(truth) + "</text>";
  }

  std::string cell(Index r, Index c, Index truth, Index said) const {
    const Index* row = confusion_.data() + truth * n_;
    const double images = double(std::accumulate(row, row + n_, Index{0}));
    const double value = double(row[said]);
    if (value == 0 && !numbered_) return "";
    const bool right = truth == said;
    // The root keeps rare confusions visible next to the frequent ones.
    const double strength = right ? (images > 0 ? 0.15 + 0.85 * value / images : 0)
                                  : 0.08 + 0.85 * std::sqrt(value / most_wrong_);
    const std::string share = percent(value / std::max(images, 1.0));
    const std::string numbers = count(value) + " of " + count(images);
    const std::string title =
        right ? name(truth) + ": " + numbers + " right (" + share + ")"
              : name(truth) + " taken for " + name(said) + ": " + numbers + " (" + share + ")";
    const double left = label_ + double(c) * cell_;
    std::string out = svg_rect(left + gap_ / 2, top(r) + gap_ / 2, cell_ - gap_, cell_ - gap_,
                               value == 0 ? "cell"
                               : right    ? "right"
                                          : "wrong",
                               value == 0 ? 1 : strength, title);
    if (numbered_ && value > 0) {
      out += svg_text(left + cell_ / 2, top(r) + cell_ / 2 + 4, "", count(value),
                      strength > 0.72 ? "number on" : "number");
    }
    return out;
  }

  const std::vector<std::string>& classes_;
  const NdArray<Index>& confusion_;
  Index n_;
  bool numbered_ = n_ <= kNumberedClasses;
  double most_wrong_ = 1;
  double cell_;    ///< side of a cell
  double letter_;  ///< size of the letters
  double label_;   ///< width of the names on the left
  double head_;    ///< height of those above
  double gap_;     ///< between cells
};

}  // namespace

std::string confusion_chart(const std::vector<std::string>& classes,
                            const NdArray<Index>& confusion) {
  return ConfusionChart(classes, confusion).draw();
}

}  // namespace vit::report
