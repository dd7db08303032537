// SPDX-License-Identifier: MIT
// The report's parts about the run as a whole: its result, its curves, its settings.
#include <cmath>
#include <utility>
#include <vector>

#include <examples/vit_cifar10/report/chart.hpp>
#include <examples/vit_cifar10/report/sections.hpp>

namespace vit::report {
namespace {

std::string tile(const std::string& value, const std::string& what) {
  return element("div", "tile", element("b", "", value) + element("span", "", what));
}

/// Where the accuracy on infinitely many such images lies with 95 % probability, by E. Wilson's
/// interval (1927), which is right near 0 and 1 too.
std::pair<double, double> interval(double share, double n) {
  const double z = 1.96;
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

/// A line for one field of all epochs; empty where the run did not record it.
Series series(const Material& m, const std::string& field, const std::string& name,
              const std::string& colour, bool dashed = false) {
  Series out{name, colour, dashed, {}};
  for (const Json& epoch : m.run.at("epochs").items()) {
    const double x = number(epoch, "epoch");
    const double y = number(epoch, field);
    if (std::isfinite(x)) out.points.emplace_back(x, y);
  }
  return out;
}

/// Among five classes or fewer the right one always is one of the five most probable.
bool tells_top5(const Material& m) { return m.checkpoint.class_names.size() > 5; }

std::string accuracy_figure(const Material& m) {
  std::vector<Series> curves = {series(m, "train_accuracy", "train", "c1"),
                                series(m, "validation_accuracy", "validation", "c2")};
  std::string caption = "Images whose class is the most probable one";
  if (tells_top5(m)) {
    curves.push_back(series(m, "train_top5", "train, top-5", "c1", true));
    curves.push_back(series(m, "validation_top5", "validation, top-5", "c2", true));
    caption += ", and (dotted) among the five most probable";
  }
  return figure(line_chart({.x_label = "epoch",
                            .y_label = "Accuracy, %",
                            .series = curves,
                            .show = [](double x) { return fixed(x, 1); },
                            .highest = 100}),
                caption + ".");
}

/// The curve is that of AdamW; Muon's has its shape and a peak of its own.
std::string rate_caption(const Material& m) {
  const std::string out = "At the end of each epoch.";
  if (text(m.run, "configuration", "optimizer") != "muon") return out;
  const double lr = number(m.run, "configuration", "lr");
  const double matrices = number(m.run, "configuration", "muon_lr") / lr;
  const double kernels = number(m.run, "configuration", "kernel_lr") / lr;
  if (!std::isfinite(matrices)) return out;
  const bool apart = kernels > 0 && text(m.run, "configuration", "conv_norm") == "batch" &&
                     text(m.run, "configuration", "tokenizer") == "conv";
  return "AdamW's, at the end of each epoch. Muon's, for the matrices of the hidden layers, is " +
         significant(matrices, 3) + " times as high throughout" +
         (apart ? ", for the convolutions " + significant(kernels, 3) + " times." : ".");
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) out += element("dt", "", escape(name)) + element("dd", "", escape(value));
  }
  return element("dl", "facts", out);
}

/// "label_smoothing" as "label smoothing", values as they stand in run.json.
void add_settings(std::vector<std::pair<std::string, std::string>>& out, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    if (value.is_object()) {
      add_settings(out, value);
      continue;
    }
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    const bool fraction = value.is_number() && !value.is_integer();
    const std::string shown = value.is_string() ? value.as_string()
                              : fraction        ? significant(value.as_number(), 6)
                                                : value.dump();
    out.emplace_back(words, shown);
  }
}

}  // namespace

std::string dataset_title(const Material& m) {
  const DataSettings& data = m.checkpoint.data;
  if (data.dataset == "cifar10") return "CIFAR-10";
  if (data.dataset == "cifar100") {
    return data.labels == "coarse" ? "CIFAR-100, coarse labels" : "CIFAR-100";
  }
  std::string name = text(m.run, "configuration", "data");
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return escape(name.substr(name.rfind('/') + 1));
}

std::string header(const Material& m) {
  const Predictions& p = m.predictions;
  const double accuracy = p.metrics.accuracy();
  const auto [low, high] = interval(accuracy, double(p.size()));
  const Json::Array& epochs = m.run.at("epochs").items();
  const double images_per_s = number(m.run, "images_per_s");
  const double seconds = number(m.run, "seconds");
  const double peak = number(m.run, "peak_gflops");

  std::string tiles;
  if (tells_top5(m)) tiles += tile(percent(p.metrics.top(5), 2), "top-5 accuracy");
  tiles += tile(short_count(double(m.checkpoint.model.parameter_count())), "parameters");
  tiles += tile(count(double(epochs.size())), epochs.size() == 1 ? "epoch" : "epochs");
  if (std::isfinite(seconds)) tiles += tile(duration(seconds), "from start to result");
  if (std::isfinite(images_per_s)) tiles += tile(count(images_per_s), "training images a second");
  const double share = images_per_s * training_gflop(m.run) / peak;
  if (std::isfinite(share)) tiles += tile(percent(share, 0), "of the multiply-add peak");
  std::string out = element("h1", "", "Vision Transformer on " + dataset_title(m));
  out += element("p", "small",
                 "trained from scratch with eigengrad " +
                     escape(text(m.run, "versions", "eigengrad")) + " on " +
                     escape(text(m.run, "threads")) + " CPU threads");
  out +=
      element("div", "hero",
              element("div", "",
                      element("div", "value", percent(accuracy, 2)) +
                          element("div", "small",
                                  "accuracy on " + scored_images(p) + "<br/>95\u202f% interval " +
                                      fixed(100 * low, 1) + " to " + percent(high))) +
                  element("div", "tiles", tiles));
  const double recorded = number(m.run, p.part + "_accuracy");
  if (std::isfinite(recorded) && std::abs(recorded - 100 * accuracy) > 0.005) {
    out += element("p", "note",
                   "run.json records " + percent(recorded / 100, 2) +
                       " for these images: the weights or the images are not those "
                       "that were measured at the end of the run.");
  }
  return element("header", "", out) + "\n";
}

std::string curves_section(const Material& m) {
  const auto one = [](double x) { return fixed(x, 2); };
  double peak = 0;
  for (const auto& [epoch, rate] : series(m, "learning_rate", "", "").points) {
    peak = std::max(peak, std::isfinite(rate) ? rate : 0);
  }
  const auto rate = [peak](double x) { return x < peak / 200 ? "≈ 0" : significant(x, 2); };
  const std::string loss = line_chart({.x_label = "epoch",
                                       .y_label = "Loss",
                                       .series = {series(m, "train_loss", "train", "c1"),
                                                  series(m, "validation_loss", "validation", "c2")},
                                       .show = one});
  const std::string learning_rate =
      line_chart({.x_label = "epoch",
                  .y_label = "Learning rate",
                  .series = {series(m, "learning_rate", "learning rate", "c1")},
                  .show = rate,
                  .from_zero = true});
  if (loss.empty()) return "";
  std::string charts =
      figure(loss,
             "Cross-entropy. Training images are augmented and their labels smoothed, so "
             "their loss may lie above that of the validation images.");
  charts += accuracy_figure(m);
  charts += figure(learning_rate, rate_caption(m));
  return section("curves", "Training",
                 "Training images are measured during the epoch, while the model learns from them; "
                 "validation images, which it never learns from, behind each epoch.",
                 element("div", "columns", charts));
}

std::string run_section(const Material& m) {
  std::vector<std::pair<std::string, std::string>> settings;
  add_settings(settings, m.run.at("configuration"));
  const Json* versions = find(m.run, "versions");
  std::vector<std::pair<std::string, std::string>> circumstances = {
      {"seed", text(m.run, "seed")},
      {"date", text(m.run, "date")},
      {"time", duration(number(m.run, "seconds"))},
      {"training images", count(number(m.run, "data", "training_images"))},
      {"validation images", count(number(m.run, "data", "validation_images"))},
      {"test images", count(number(m.run, "data", "test_images"))},
      {"threads", text(m.run, "threads")},
      {"peak", significant(number(m.run, "peak_gflops")) + " GFLOP/s (multiply-adds, measured)"},
      {"budget", significant(number(m.run, "seconds") * number(m.run, "peak_gflops") / 1e6, 2) +
                     " PFLOP (time × peak)"}};
  if (versions && versions->is_object()) {
    for (const auto& [name, value] : versions->members()) {
      circumstances.emplace_back(name == "isa" ? "instruction set" : name,
                                 value.is_string() ? value.as_string() : value.dump());
    }
  }
  const std::string command = text(m.run, "command");
  std::string content = element("pre", "", escape(command));
  content +=
      element("div", "split",
              element("div", "", element("h3", "", "Settings") + facts(settings)) +
                  element("div", "", element("h3", "", "Circumstances") + facts(circumstances)));
  return section("run", "To repeat this run",
                 "The same command gives the same bits on any number of threads.", content);
}

}  // namespace vit::report
