// SPDX-License-Identifier: MIT
// Measures a trained model: accuracies, loss, classes, calibration.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <optional>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/io/fields.hpp>
#include <examples/common/program.hpp>
#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/eval_record.hpp>

namespace vit {
namespace {

using eg::data::ClassificationMetrics;
using eg::data::ImageDataset;
using Clock = std::chrono::steady_clock;

constexpr Index kTableRows = 20;

struct EvalSettings {
  std::string checkpoint;
  DataSettings data;
  std::string part = "test";
  std::string json;
  Index batch = 256;
  bool flip_tta = false;
  int threads = 0;
};

/// The images to measure on. The run's settings, from the checkpoint, find its validation images.
ImageDataset images_of(EvalSettings& e, const Checkpoint& c) {
  DataSettings d = c.data;
  d.folder = e.data.folder;
  d.dataset = e.data.dataset;
  d.skip_unreadable = d.skip_unreadable || e.data.skip_unreadable;
  d.image_size = c.model.options().image_size;
  if (e.part == "all") {
    d.limit = 0;
    d.validation = 0;
    d.test_share = 0;
  }
  ImageData data = load_data(
      d, {.train = e.part != "test", .test = e.part == "test" || e.part == "all"}, c.class_names);
  e.data = d;
  std::printf("%s\n", data.about.c_str());
  if (e.part == "test" && data.held_out) {
    std::printf(
        "these are the pictures that training on this folder holds out; --part all takes "
        "every one\n");
  }
  if (e.part == "test") return data.test;
  if (e.part == "train") return data.train;
  if (e.part == "validation") {
    if (data.validation.size() == 0) {
      throw cli::UsageError("--part validation: the run held out no images (--validation 0)");
    }
    return data.validation;
  }
  std::vector<ImageDataset> sets = {data.train};
  for (const ImageDataset& set : {data.validation, data.test}) {
    if (set.size() > 0) sets.push_back(set);
  }
  return eg::data::join(sets);
}

/// Logits whose softmax is the mean of the probabilities for an image and for its mirror image.
eg::NdArray<float> average_with_mirrored(const Model& model, const eg::Tensor<float>& x,
                                         const eg::NdArray<float>& logits) {
  const eg::NdArray<float>& pixels = x.value();
  eg::NdArray<float> mirrored(pixels.shape());
  const Index width = pixels.dim(3);
  eg::parallel_for(pixels.rows(), eg::row_grain(width), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      std::reverse_copy(pixels.data() + r * width, pixels.data() + (r + 1) * width,
                        mirrored.data() + r * width);
    }
  });
  eg::NdArray<float> p = eg::softmax(eg::Tensor<float>(logits)).value();
  const eg::NdArray<float> q = eg::softmax(model(eg::Tensor<float>(mirrored))).value();
  eg::NdArray<float> out(p.shape());
  out.array() = ((p.array() + q.array()) / 2).log();
  return out;
}

struct Evaluation {
  ClassificationMetrics plain;
  std::optional<ClassificationMetrics> mirrored;
  double images_per_s = 0;
};

Evaluation evaluate_on(const EvalSettings& e, const Checkpoint& c, const ImageDataset& images) {
  ClassificationMetrics mirrored(c.model.options().classes);
  const auto add_mirrored = [&](const eg::data::Batch& batch, const eg::NdArray<float>& logits) {
    if (!e.flip_tta) return;
    mirrored.add(average_with_mirrored(c.model, batch.images, logits), batch.labels);
  };
  const auto start = Clock::now();
  const ClassificationMetrics plain = eg::data::evaluate(
      measuring_loader(images, c.normalization, c.model.options().image_size, e.batch), c.model,
      add_mirrored);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {plain, e.flip_tta ? std::optional(mirrored) : std::nullopt,
          double(images.size()) / seconds};
}

/// Without top-5 where there are no more classes than that.
void print_summary(const char* name, const ClassificationMetrics& m) {
  std::printf("%s: top-1 %.2f %%, ", name, m.accuracy_percent());
  if (m.classes() > 5) std::printf("top-5 %.2f %%, ", m.top_percent(5));
  std::printf("loss %.4f, calibration error %.2f %%\n", m.loss(), 100 * m.calibration_error());
}

/// The class that images of class `c` are most often taken for by mistake, or -1.
Index confused_with(const ClassificationMetrics& m, Index c) {
  Index best = -1;
  for (Index k = 0; k < m.classes(); ++k) {
    if (k == c || m.confusion()(c, k) == 0) continue;
    if (best < 0 || m.confusion()(c, k) > m.confusion()(c, best)) best = k;
  }
  return best;
}

/// Every class in its order, or the worst of many.
void print_table(const ClassificationMetrics& m, const std::vector<std::string>& names) {
  std::vector<Index> rows(names.size());
  std::iota(rows.begin(), rows.end(), Index{0});
  std::erase_if(rows, [&](Index c) { return m.images(c) == 0; });
  std::size_t width = 5;
  for (const std::string& name : names) width = std::max(width, name.size());
  if (static_cast<Index>(rows.size()) > kTableRows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](Index a, Index b) { return m.recall(a) < m.recall(b); });
    rows.resize(kTableRows);
    std::printf("the %lld classes that are recognised least (--json FILE has them all)\n",
                static_cast<long long>(kTableRows));
  }
  const int w = static_cast<int>(width);
  std::printf("%-*s  images  accuracy  precision  most often taken for\n", w, "class");
  for (const Index c : rows) {
    std::printf("%-*s  %6lld  %6.2f %%   %6.2f %%", w, names[static_cast<std::size_t>(c)].c_str(),
                static_cast<long long>(m.images(c)), 100 * m.recall(c), 100 * m.precision(c));
    if (const Index other = confused_with(m, c); other >= 0) {
      std::printf("  %s, %.1f %%", names[static_cast<std::size_t>(other)].c_str(),
                  100 * double(m.confusion()(c, other)) / double(m.images(c)));
    }
    std::printf("\n");
  }
}

void print_evaluation(const EvalSettings& e, const Evaluation& result,
                      const std::vector<std::string>& names) {
  print_table(result.plain, names);
  if (result.plain.invalid() > 0) {
    std::printf("the model gives no numbers for %lld images; they count as wrong\n",
                static_cast<long long>(result.plain.invalid()));
  }
  if (result.mirrored) print_summary("with mirror images averaged in", *result.mirrored);
  std::printf("%lld images, %.0f images/s\n", static_cast<long long>(result.plain.images()),
              result.images_per_s);
  print_summary(e.part.c_str(), result.plain);
  std::printf("%s accuracy %.2f %%\n", e.part.c_str(), result.plain.accuracy_percent());
}

void write_json(const EvalSettings& e, const Evaluation& result,
                const std::vector<std::string>& names) {
  EvalRecord out{e.checkpoint,
                 e.data.folder,
                 e.part,
                 result.images_per_s,
                 describe_metrics(result.plain, names),
                 std::nullopt};
  if (result.mirrored) out.flip_tta = describe_metrics(*result.mirrored, names);
  eg::io::write_file(e.json, eg::io::to_json(out).dump(1) + "\n");
}

}  // namespace

int evaluate(const std::vector<std::string>& arguments) {
  EvalSettings e;
  cli::Options options(
      "vit_cifar10 eval --checkpoint FILE --data DIR [options]",
      "Measures a checkpoint: top-1 and top-5 accuracy, loss, each class, and how far confidence "
      "is\n"
      "from accuracy (expected calibration error in 15 bins; Guo et al., arXiv 1706.04599). An\n"
      "image for which the model gives no numbers counts as wrong. Defaults are in brackets.");
  options.section("Options");
  options.add("checkpoint", e.checkpoint, "FILE", "model.safetensors of a run (required)");
  add_source_options(options, e.data);
  options.add("part", e.part, {"test", "validation", "train", "all"},
              "which of the run's images; all takes everything in the folder");
  options.flag(
      "flip-tta", e.flip_tta,
      "print also what the mean of an image's and its mirror image's probabilities reaches");
  options.add("json", e.json, "FILE", "write all numbers to FILE too, with the confusion matrix");
  options.add("batch", e.batch, "N", "images per call of the model", 1);
  cli::add_threads_option(options, e.threads);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  cli::set_threads(e.threads);
  const Checkpoint c = load_checkpoint(e.checkpoint);
  const ImageDataset images = images_of(e, c);
  const Evaluation result = evaluate_on(e, c, images);
  print_evaluation(e, result, c.class_names);
  if (!e.json.empty()) write_json(e, result, c.class_names);
  return 0;
}

}  // namespace vit
