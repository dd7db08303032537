// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/file.hpp>
#include <examples/class_token/model.hpp>
#include <examples/common/line_chart.hpp>

/// What training measures: a CSV file, and the picture that is drawn from it.
namespace class_token {

struct Record {
  std::string variant;
  int epoch;
  double loss;      ///< mean of the epoch's training batches
  double accuracy;  ///< of the validation images, in percent
};

inline constexpr const char* kHeader = "variant,epoch,training_loss,validation_percent";

inline std::string to_csv(const std::vector<Record>& records) {
  std::string out = std::string(kHeader) + "\n";
  for (const Record& r : records) {
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, ",%d,%.4f,%.2f\n", r.epoch, r.loss, r.accuracy);
    out += r.variant + numbers;
  }
  return out;
}

/// **Throws** IoError, naming file and line, for what `to_csv` does not write.
inline std::vector<Record> read_csv(const std::string& path) {
  std::istringstream file(eg::io::read_file(path));
  std::string line;
  if (!std::getline(file, line) || line != kHeader) {
    throw eg::IoError(path + " does not begin with " + kHeader);
  }
  std::vector<Record> records;
  for (int number = 2; std::getline(file, line); ++number) {
    const std::size_t comma = line.find(',');
    Record r{.variant = line.substr(0, comma), .epoch = 0, .loss = 0, .accuracy = 0};
    char end = 0;
    if (comma == std::string::npos || std::sscanf(line.c_str() + comma, ",%d,%lf,%lf%c", &r.epoch,
                                                  &r.loss, &r.accuracy, &end) != 3) {
      throw eg::IoError(path + ":" + std::to_string(number) + ": needs " + kHeader + ": " + line);
    }
    records.push_back(r);
  }
  return records;
}

/// Accuracy and loss against epochs, one line per variant.
inline std::string to_svg(const std::vector<Record>& records) {
  chart::LineChart accuracy{"validation accuracy, %", "epoch", {}};
  chart::LineChart loss{"training loss, as each variant computes it", "epoch", {}};
  for (const Variant& variant : variants()) {  // all of them, so that each keeps its colour
    accuracy.lines.push_back({variant.label, {}});
    loss.lines.push_back({variant.label, {}});
    for (const Record& r : records) {
      if (r.variant != variant.name) continue;
      accuracy.lines.back().points.emplace_back(r.epoch, r.accuracy);
      loss.lines.back().points.emplace_back(r.epoch, r.loss);
    }
  }
  return chart::line_charts({accuracy, loss});
}

}  // namespace class_token
