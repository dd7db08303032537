// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/io/fields.hpp>

/// What `eval --json` writes. Shares are in [0, 1]; a class without images has no accuracy (null).
namespace vit {

namespace eg = eigengrad;
using eg::Index;

struct BinRecord {
  Index images = 0;
  double confidence = 0;
  double accuracy = 0;
};
struct ClassRecord {
  std::string name;
  Index images = 0;
  double accuracy = 0;
  double precision = 0;
  std::vector<Index> predicted_as;  ///< its row of the confusion matrix
};
struct MetricsRecord {
  Index images = 0;
  Index without_prediction = 0;
  double top1 = 0;
  double top5 = 0;
  double loss = 0;
  double calibration_error = 0;
  std::vector<BinRecord> calibration_bins;
  std::vector<ClassRecord> classes;
};
struct EvalRecord {
  std::string checkpoint;
  std::string data;
  std::string part;
  double images_per_s = 0;
  MetricsRecord result;
  std::optional<MetricsRecord> flip_tta;
};

template <class Visit>
void visit_fields(BinRecord& b, Visit&& visit) {
  visit("images", b.images);
  visit("confidence", b.confidence);
  visit("accuracy", b.accuracy);
}
template <class Visit>
void visit_fields(ClassRecord& c, Visit&& visit) {
  visit("name", c.name);
  visit("images", c.images);
  visit("accuracy", c.accuracy);
  visit("precision", c.precision);
  visit("predicted_as", c.predicted_as);
}
template <class Visit>
void visit_fields(MetricsRecord& m, Visit&& visit) {
  visit("images", m.images);
  visit("without_prediction", m.without_prediction);
  visit("top1", m.top1);
  visit("top5", m.top5);
  visit("loss", m.loss);
  visit("calibration_error", m.calibration_error);
  visit("calibration_bins", m.calibration_bins);
  visit("classes", m.classes);
}
template <class Visit>
void visit_fields(EvalRecord& e, Visit&& visit) {
  visit("checkpoint", e.checkpoint);
  visit("data", e.data);
  visit("part", e.part);
  visit("images_per_s", e.images_per_s);
  visit("result", e.result);
  visit("flip_tta", e.flip_tta);
}

inline MetricsRecord describe_metrics(const eg::data::ClassificationMetrics& m,
                                      const std::vector<std::string>& names) {
  MetricsRecord out{.images = m.images(),
                    .without_prediction = m.invalid(),
                    .top1 = m.accuracy(),
                    .top5 = m.top(5),
                    .loss = m.loss(),
                    .calibration_error = m.calibration_error(),
                    .calibration_bins = {},
                    .classes = {}};
  for (const auto& bin : m.bins()) {
    out.calibration_bins.push_back({bin.images, bin.confidence(), bin.accuracy()});
  }
  for (Index c = 0; c < m.classes(); ++c) {
    const Index* row = m.confusion().data() + c * m.classes();
    out.classes.push_back({names[static_cast<std::size_t>(c)], m.images(c),
                           m.images(c) ? m.recall(c) : std::nan(""), m.precision(c),
                           std::vector<Index>(row, row + m.classes())});
  }
  return out;
}

}  // namespace vit
