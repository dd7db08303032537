// SPDX-License-Identifier: MIT
// Runs side by side, a line each: what they cost and what they reached.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <examples/common/options.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/progress.hpp>
#include <examples/vit_cifar10/report/run_record.hpp>

namespace vit {
namespace {

using Row = std::vector<std::string>;
using report::Json;

const Row kHeader = {"run",          "preset",   "tokenizer",    "parameters", "epochs",
                     "time",         "images/s", "peak GFLOP/s", "PFLOP",      "seed",
                     "validation %", "test %",   "top-5 %"};

/// With so many digits behind the point; a dash for what is not there.
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

/// Of the test images. Of no more classes than that it says nothing.
double top5(const Json& run) {
  const Json* classes = report::find(run, "data", "class_names");
  const bool says = classes && classes->items().size() > 5;
  return says ? report::number(run, "test_top5") : report::kMissing;
}

Row row_of(const std::string& folder) {
  using report::number;
  using report::text;
  const Json run = report::read_run(folder);
  const std::vector<Json>& epochs = run.at("epochs").items();
  const Json none = Json::object();
  const Json& last = epochs.empty() ? none : epochs.back();
  const std::string planned = text(run, "configuration", "epochs");
  const bool finished = text(run, "status") == "finished";
  const double seconds = number(finished ? run : last, "seconds");
  return {name_of(folder),
          text(run, "configuration", "preset"),
          text(run, "configuration", "tokenizer"),
          text(run, "parameters"),
          std::to_string(epochs.size()) + (finished ? "" : " of " + planned),
          std::isfinite(seconds) ? duration(seconds) : "-",
          shown(number(finished ? run : last, "images_per_s"), 0),
          shown(number(run, "peak_gflops"), 0),
          shown(seconds * number(run, "peak_gflops") * 1e-6, 3),
          text(run, "seed"),
          shown(number(last, "validation_accuracy"), 2),
          shown(number(run, "test_accuracy"), 2),
          shown(top5(run), 2)};
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
                       "Prints a line for each run: what it cost and what it reached, at its last "
                       "epoch.\nPFLOP is its time times the machine's peak of multiply-adds.");
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
    } catch (const eigengrad::IoError& error) {  // runs/* may have more in it than runs
      std::fprintf(stderr, "vit_cifar10: %s\n", error.what());
    }
  }
  if (rows.size() > 1) std::fputs(table(rows, markdown).c_str(), stdout);
  return rows.size() == folders.size() + 1 ? 0 : 1;
}

}  // namespace vit
