// SPDX-License-Identifier: MIT
// The report's parts about the run as a whole: its result, its curves, its settings.
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <examples/vit_cifar10/report/chart.hpp>
#include <examples/vit_cifar10/report/sections.hpp>

namespace vit::report {
namespace {

/// Where the accuracy on infinitely many such images lies with 95 % probability, by E. Wilson's
/// interval (1927), which is right near 0 and 1 too.
std::pair<double, double> interval(double share, double n) {
  const double z = 1.96;
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

/// A line for one number of all epochs; empty where the run did not record it.
template <class Number>
Series series(const Material& m, Number EpochRecord::*number, const std::string& name,
              const std::string& colour, bool dashed = false) {
  Series out{name, colour, dashed, {}};
  for (const EpochRecord& epoch : m.run.epochs) {
    const std::optional<double> y = epoch.*number;
    if (y) out.points.emplace_back(epoch.epoch, *y);
  }
  return out;
}

/// Among five classes or fewer the right one always is one of the five most probable.
bool tells_top5(const Material& m) { return m.checkpoint.class_names.size() > 5; }

std::string accuracy_figure(const Material& m) {
  std::vector<Series> curves = {series(m, &EpochRecord::train_accuracy, "train", "c1"),
                                series(m, &EpochRecord::validation_accuracy, "validation", "c2")};
  std::string caption = "Images whose class is the most probable one";
  if (tells_top5(m)) {
    curves.push_back(series(m, &EpochRecord::train_top5, "train, top-5", "c1", true));
    curves.push_back(series(m, &EpochRecord::validation_top5, "validation, top-5", "c2", true));
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
  if (option_text(m.run, "optimizer") != "muon") return out;
  const double lr = option_number(m.run, "lr");
  const double matrices = option_number(m.run, "muon_lr") / lr;
  const double kernels = option_number(m.run, "kernel_lr") / lr;
  if (!std::isfinite(matrices)) return out;
  const bool apart = kernels > 0 && option_text(m.run, "conv_norm") == "batch" &&
                     option_text(m.run, "tokenizer") == "conv";
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

/// "label_smoothing" as "label smoothing", values as in run.json.
void add_settings(std::vector<std::pair<std::string, std::string>>& out, const Json& json) {
  for (const auto& [name, value] : json.members()) {
    if (value.is_object()) {
      add_settings(out, value);
      continue;
    }
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    const bool fraction = value.is_number() && !value.is_integer();
    out.emplace_back(words, fraction ? significant(value.as_number(), 6) : as_text(value));
  }
}

}  // namespace

std::string dataset_title(const Material& m) {
  const DataSettings& data = m.checkpoint.data;
  if (data.dataset == "cifar10") return "CIFAR-10";
  if (data.dataset == "cifar100") {
    return data.labels == "coarse" ? "CIFAR-100, coarse labels" : "CIFAR-100";
  }
  std::string name = option_text(m.run, "data");
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return escape(name.substr(name.rfind('/') + 1));
}

std::string header(const Material& m) {
  const Predictions& p = m.predictions;
  const double accuracy = p.metrics.accuracy();
  const auto [low, high] = interval(accuracy, double(p.size()));
  const std::size_t epochs = m.run.epochs.size();
  const double images_per_s = m.run.images_per_s.value_or(kMissing);
  const double seconds = m.run.seconds.value_or(kMissing);
  const double peak = m.run.peak_gflops.value_or(kMissing);

  std::string tiles;
  if (tells_top5(m)) tiles += tile(percent(p.metrics.top(5), 2), "top-5 accuracy");
  tiles += tile(short_count(double(m.checkpoint.model.parameter_count())), "parameters");
  tiles += tile(count(double(epochs)), epochs == 1 ? "epoch" : "epochs");
  if (std::isfinite(seconds)) tiles += tile(duration(seconds), "from start to result");
  if (std::isfinite(images_per_s)) tiles += tile(count(images_per_s), "training images per second");
  const double share = images_per_s * training_gflop(m.run) / peak;
  if (std::isfinite(share)) tiles += tile(percent(share, 0), "of the multiply-add peak");
  std::string out = element("h1", "", "Vision Transformer on " + dataset_title(m));
  out += element("p", "small",
                 "trained from scratch with eigengrad " +
                     escape(member_text(m.run.versions, "eigengrad")) + " on " +
                     std::to_string(m.run.threads) + " CPU threads");
  out +=
      element("div", "hero",
              element("div", "",
                      element("div", "value", percent(accuracy, 2)) +
                          element("div", "small",
                                  "accuracy on " + scored_images(p) + "<br/>95\u202f% interval " +
                                      fixed(100 * low, 1) + " to " + percent(high))) +
                  element("div", "tiles", tiles));
  const double recorded = p.part == "test" ? m.run.test_accuracy.value_or(kMissing) : kMissing;
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
  for (const auto& [epoch, rate] : series(m, &EpochRecord::learning_rate, "", "").points) {
    peak = std::max(peak, std::isfinite(rate) ? rate : 0);
  }
  const auto rate = [peak](double x) { return x < peak / 200 ? "≈ 0" : significant(x, 2); };
  const std::string loss =
      line_chart({.x_label = "epoch",
                  .y_label = "Loss",
                  .series = {series(m, &EpochRecord::train_loss, "train", "c1"),
                             series(m, &EpochRecord::validation_loss, "validation", "c2")},
                  .show = one});
  const std::string learning_rate =
      line_chart({.x_label = "epoch",
                  .y_label = "Learning rate",
                  .series = {series(m, &EpochRecord::learning_rate, "learning rate", "c1")},
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
                 "validation images, which it never learns from, after each epoch.",
                 element("div", "columns", charts));
}

std::string run_section(const Material& m) {
  std::vector<std::pair<std::string, std::string>> settings;
  add_settings(settings, m.run.configuration);
  const double seconds = m.run.seconds.value_or(kMissing);
  const double peak = m.run.peak_gflops.value_or(kMissing);
  std::vector<std::pair<std::string, std::string>> circumstances = {
      {"seed", std::to_string(m.run.seed)},
      {"date", m.run.date},
      {"time", duration(seconds)},
      {"training images", count(double(m.run.data.training_images))},
      {"validation images", count(double(m.run.data.validation_images))},
      {"test images", count(double(m.run.data.test_images))},
      {"threads", std::to_string(m.run.threads)},
      {"peak", significant(peak) + " GFLOP/s (multiply-adds, measured)"},
      {"budget", significant(seconds * peak / 1e6, 2) + " PFLOP (time × peak)"}};
  for (const auto& [name, value] : m.run.versions.members()) {
    circumstances.emplace_back(name == "isa" ? "instruction set" : name, as_text(value));
  }
  std::string content = element("pre", "", escape(m.run.command));
  content +=
      element("div", "split",
              element("div", "", element("h3", "", "Settings") + facts(settings)) +
                  element("div", "", element("h3", "", "Circumstances") + facts(circumstances)));
  return section("run", "To repeat this run",
                 "The same command gives the same bits on any number of threads.", content);
}

}  // namespace vit::report
