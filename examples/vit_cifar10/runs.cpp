// SPDX-License-Identifier: MIT
// Compares runs, one line each: what they cost and what they reached.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <examples/common/options.hpp>
#include <examples/common/clock_time.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/run_record.hpp>

namespace vit {
namespace {

using Row = std::vector<std::string>;

const Row kHeader = {"run",          "preset",   "tokenizer",    "parameters", "epochs",
                     "time",         "images/s", "peak GFLOP/s", "PFLOP",      "seed",
                     "validation %", "test %",   "top-5 %"};

/// A number with `digits` after the point; a dash for one that is missing.
std::string shown(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string name_of(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder.substr(folder.rfind('/') + 1);
}

Row row_of(const std::string& folder) {
  const RunRecord run = read_run(folder);
  const EpochRecord last = run.epochs.empty() ? EpochRecord{} : run.epochs.back();
  const bool finished = run.status == "finished";
  const double seconds = finished ? run.seconds.value_or(kMissing) : last.seconds;
  const double speed = finished ? run.images_per_s.value_or(kMissing) : last.images_per_s;
  const double peak = run.peak_gflops.value_or(kMissing);
  const bool has_top5 = run.data.class_names.size() > 5;  // of fewer classes it says nothing
  return {name_of(folder),
          option_text(run, "preset"),
          option_text(run, "tokenizer"),
          run.parameters ? std::to_string(*run.parameters) : "",
          std::to_string(run.epochs.size()) + (finished ? "" : " of " + option_text(run, "epochs")),
          std::isfinite(seconds) ? cli::clock_time(seconds) : "-",
          shown(speed, 0),
          shown(peak, 0),
          shown(seconds * peak * 1e-6, 3),
          std::to_string(run.seed),
          shown(last.validation_accuracy.value_or(kMissing), 2),
          shown(run.test_accuracy.value_or(kMissing), 2),
          shown(has_top5 ? run.test_top5.value_or(kMissing) : kMissing, 2)};
}

std::string table(const std::vector<Row>& rows, bool markdown) {
  std::vector<std::size_t> widths(kHeader.size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line = markdown ? "|" : "";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      const std::string cell = i < 3 ? row[i] + space : space + row[i];
      line += markdown ? " " + row[i] + " |" : (i > 0 ? "  " : "") + cell;
    }
    out += line + "\n";
    if (markdown && &row == &rows.front()) {
      out += "|---|---|---";
      for (std::size_t i = 3; i < row.size(); ++i) out += "|--:";
      out += "|\n";
    }
  }
  return out;
}

}  // namespace

int runs(const std::vector<std::string>& arguments) {
  bool markdown = false;
  std::vector<std::string> folders;
  cli::Options options("vit_cifar10 runs RUNDIR... [options]",
                       "Prints a line for each run: what it cost, and what it reached in its last "
                       "epoch.\nPFLOP is its time multiplied by the machine's peak.");
  options.section("Options");
  options.flag("markdown", markdown, "as a Markdown table");
  options.positional(folders);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (folders.empty()) throw cli::UsageError("runs needs the folders of runs, such as runs/*");
  std::vector<Row> rows = {kHeader};
  for (const std::string& folder : folders) {
    try {
      rows.push_back(row_of(folder));
    } catch (const eigengrad::IoError& error) {  // runs/* may match more than runs
      std::fprintf(stderr, "vit_cifar10: %s\n", error.what());
    }
  }
  if (rows.size() > 1) std::fputs(table(rows, markdown).c_str(), stdout);
  return rows.size() == folders.size() + 1 ? 0 : 1;
}

}  // namespace vit
