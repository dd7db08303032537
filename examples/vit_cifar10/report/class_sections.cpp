// SPDX-License-Identifier: MIT
// The report's parts about right and wrong: classes, confidence, mistakes.
#include <algorithm>
#include <cmath>
#include <vector>

#include <examples/vit_cifar10/report/chart.hpp>
#include <examples/vit_cifar10/report/confusion.hpp>
#include <examples/vit_cifar10/report/picture.hpp>
#include <examples/vit_cifar10/report/sections.hpp>

namespace vit::report {
namespace {

/// The best recognised first.
std::vector<Index> by_recall(const eg::data::ClassificationMetrics& metrics) {
  return largest_first(metrics.classes(), [&](Index c) { return metrics.recall(c); });
}

std::string track(double share, const std::string& style = "track") {
  return element("span", style, "<i style=\"width:" + fixed(100 * share, 1) + "%\"></i>");
}

std::string class_bars(const Predictions& p) {
  const bool many = p.classes() > 25;
  std::string out;
  for (const Index k : by_recall(p.metrics)) {
    const std::string name = class_label(p.name(k));
    const double recall = p.metrics.recall(k);
    const std::string cells = "<span>" + name + "</span>" + track(recall) +
                              element("span", "r", many ? fixed(100 * recall, 1) : percent(recall));
    const std::string title = name + ": " + percent(recall) + " of " +
                              count(double(p.metrics.images(k))) + " found; " +
                              percent(p.metrics.precision(k)) + " of what is called so is right";
    out += many ? "<div class=\"row\" title=\"" + title + "\">" + cells + "</div>" : cells;
  }
  return element("div", many ? "many" : "bars", out);
}

std::string pair_bars(const Predictions& p, const std::vector<ConfusedPair>& pairs) {
  std::string out;
  const std::size_t shown = std::min<std::size_t>(pairs.size(), 10);
  for (std::size_t i = 0; i < shown; ++i) {
    const ConfusedPair& pair = pairs[i];
    out += "<span>" + class_label(p.name(pair.truth)) + " → " +
           class_label(p.name(pair.predicted)) + "</span>" +
           track(double(pair.images) / double(pairs[0].images), "track warm") +
           element("span", "r", count(double(pair.images)));
  }
  return element("div", "bars", out);
}

using Bin = eg::data::ClassificationMetrics::Bin;

/// What one sees over a bar.
std::string bin_title(const Bin& bin, std::size_t i, std::size_t bins) {
  return "confidence " + fixed(100.0 * double(i) / double(bins), 0) + " to " +
         percent((double(i) + 1) / double(bins), 0) + ": " + count(double(bin.images)) +
         " images, " + percent(bin.accuracy()) + " right, mean confidence " +
         percent(bin.confidence());
}

/// Accuracy by confidence, and below it how many images have that confidence.
std::string reliability_chart(const Predictions& p) {
  constexpr double kLeft = 50, kTop = 28, kSide = 250, kStrip = 56, kBottom = kTop + kSide;
  constexpr double kFloor = kBottom + 14 + kStrip;  // of the strip that counts images
  const std::vector<Bin>& bins = p.metrics.bins();
  Index most = 1;
  for (const Bin& bin : bins) most = std::max(most, bin.images);
  const double width = kSide / double(bins.size());
  std::string out = svg_text(0, 10, "", "Accuracy, % of the images", "strong");
  for (const double tick : {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}) {
    const double y = kBottom - tick * kSide;
    out += svg_line(kLeft, y, kLeft + kSide, y, "grid");
    out += svg_text(kLeft - 7, y + 4, "end", fixed(100 * tick, 0));
    out += svg_text(kLeft + tick * kSide, kFloor + 16, "middle", fixed(100 * tick, 0));
  }
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const Bin& bin = bins[i];
    if (bin.images == 0) continue;
    const double x = kLeft + double(i) * width + 1;
    const std::string title = bin_title(bin, i, bins.size());
    out += svg_rect(x, kBottom - bin.accuracy() * kSide, width - 2, bin.accuracy() * kSide, "right",
                    1, title);
    const double height = std::max(0.75, kStrip * double(bin.images) / double(most));
    out += svg_rect(x, kFloor - height, width - 2, height, "fill c3", 0.55, title);
  }
  out += svg_line(kLeft, kBottom, kLeft + kSide, kTop, "axis dash");
  out += svg_line(kLeft, kBottom, kLeft + kSide, kBottom, "axis");
  out += svg_line(kLeft, kFloor, kLeft + kSide, kFloor, "axis");
  out += svg_text(kLeft - 7, kFloor - kStrip / 2 + 4, "end", "images");
  out += svg_text(kLeft + kSide / 2, kFloor + 34, "middle", "Confidence, %");
  return svg(kLeft + kSide + 16, kFloor + 40, "reliability diagram", out);
}

std::string calibration_words(const Predictions& p) {
  const double accuracy = p.metrics.accuracy();
  double confidence = 0;
  for (const Bin& bin : p.metrics.bins()) confidence += bin.confidence_sum / double(p.size());
  std::string words = element(
      "div", "tiles",
      tile(percent(p.metrics.calibration_error(), 2), "expected calibration error") +
          tile(percent(confidence), "mean confidence") + tile(percent(accuracy), "accuracy"));
  words += element("p", "",
                   std::abs(confidence - accuracy) < 0.01
                       ? "On average the model is as sure as it should be."
                   : confidence < accuracy
                       ? "The model is right more often than it claims: it is underconfident, as "
                         "models trained with smoothed or mixed labels tend to be."
                       : "The model is right less often than it claims: it is overconfident.");
  words += element("p", "small",
                   "Confidence is the probability of the predicted class. The images are sorted by "
                   "it into " +
                       std::to_string(p.metrics.bins().size()) +
                       " bins of equal width; a bar says how many of a bin are right. Where bars "
                       "end above the dotted line the model is underconfident, below it "
                       "overconfident. The expected calibration error is the mean distance, "
                       "weighted by the images in each bin, which the grey strip counts.");
  return words;
}

}  // namespace

std::string classes_section(const Material& m) {
  const Predictions& p = m.predictions;
  const eg::NdArray<Index>& confusion = p.metrics.confusion();
  const std::vector<ConfusedPair> pairs = confused_pairs(confusion);
  const std::string bars = figure(element("h3", "", "Accuracy by class, %") + class_bars(p),
                                  "Share of each class's images that the model recognises.");
  std::string often;
  if (!pairs.empty()) {
    often = figure(element("h3", "", "Confused most often") + pair_bars(p, pairs),
                   "True class → what the model said, in images.");
  }
  const std::string lead =
      scored_images(p) + " that the model has not learned from: what they are, and what it says.";
  const std::string caption =
      p.classes() <= kNumberedClasses
          ? "Rows are the true classes, columns the predicted ones, cells count images. Blue is "
            "right; orange is wrong, and the stronger the more often."
          : "Rows are the true classes, columns the predicted ones; classes that are taken for one "
            "another stand together. Blue is right, orange is wrong; hover over a cell for its "
            "numbers.";
  const std::string matrix =
      p.classes() <= kDrawnClasses
          ? figure(element("div", "scroll", confusion_chart(p.images.classes(), confusion)),
                   caption)
          : "";
  if (p.classes() <= kNumberedClasses) {
    return section("classes", "Classes", lead,
                   element("div", "split", matrix + element("div", "stack", bars + often)));
  }
  return section("classes", "Classes", lead,
                 element("div", "stack", matrix + element("div", "split", bars + often)));
}

std::string calibration_section(const Material& m) {
  const Predictions& p = m.predictions;
  return section(
      "calibration", "Can its confidence be trusted?",
      "A probability of 80\u202f% should be right in 80 of 100 cases.",
      element("div", "aside",
              figure(reliability_chart(p), "Reliability diagram over " + scored_images(p) + ".") +
                  element("div", "", calibration_words(p))));
}

std::string mistakes_section(const Material& m) {
  constexpr std::size_t kShown = 24;
  const Predictions& p = m.predictions;
  const std::vector<Index> wrong = p.mistakes();
  if (wrong.empty()) return "";
  std::string out;
  for (std::size_t n = 0; n < std::min(kShown, wrong.size()); ++n) {
    const Index i = wrong[n];
    const std::string truth = class_label(p.name(p.label(i)));
    const std::string said = class_label(p.name(p.said(i)));
    out += figure(image_tag(enlarged(thumbnail(p.images, i), 64), truth),
                  "<b>" + truth + "</b><br/><span class=\"bad\">" + said + "</span> " +
                      percent(double(p.confidence(i))));
  }
  return section(
      "mistakes", "The most confident mistakes",
      "Of " + count(double(wrong.size())) +
          " wrong answers those that the model was "
          "surest of. The label is above, what the model said below, with the probability that it "
          "gave. Some of the labels may be the ones that are wrong.",
      element("div", "pictures", out));
}

}  // namespace vit::report
