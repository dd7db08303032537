// SPDX-License-Identifier: MIT
// Says what is in pictures.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <iostream>
#include <optional>

#include <eigengrad/data/image_folder.hpp>
#include <eigengrad/eigengrad.hpp>
#include <eigengrad/io/fields.hpp>
#include <examples/common/program.hpp>
#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/ranking.hpp>

namespace vit {
namespace {

using Clock = std::chrono::steady_clock;

struct PredictSettings {
  std::string checkpoint;
  std::string list;
  std::vector<std::string> paths;
  Index top = 5;
  Index batch = 128;
  int threads = 0;
  bool json = false;
  bool timing = false;
};

void read_lines(std::istream& in, std::vector<std::string>& out) {
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) out.push_back(line);
  }
}

/// The files that the arguments name. What is wrong with a folder goes to `errors`.
std::vector<std::string> collect(const PredictSettings& p, std::vector<std::string>& errors) {
  std::vector<std::string> paths;
  for (const std::string& path : p.paths) {
    if (path == "-") {
      read_lines(std::cin, paths);
    } else {
      paths.push_back(path);
    }
  }
  if (!p.list.empty()) {
    std::ifstream file(p.list);
    if (!file) throw cli::UsageError("--list " + p.list + ": cannot open the file");
    read_lines(file, paths);
  }
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!eg::io::is_folder(path)) {
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> found = eg::data::find_images(path);
    if (found.empty()) {
      errors.push_back("the folder " + path + " holds no PNG, JPEG, BMP, PPM or PGM pictures");
    }
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

/// Lines of --json.
struct Answer {
  std::string name;
  double probability = 0;
};
struct Line {
  std::string file;
  std::optional<std::vector<Answer>> predictions;
  std::optional<std::string> error;  ///< instead of predictions
};
template <class Visit>
void visit_fields(Answer& a, Visit&& visit) {
  visit("class", a.name);
  visit("probability", a.probability);
}
template <class Visit>
void visit_fields(Line& l, Visit&& visit) {
  visit("file", l.file);
  visit("predictions", l.predictions);
  visit("error", l.error);
}

class Printer {
 public:
  Printer(const PredictSettings& settings, const std::vector<std::string>& class_names)
      : settings_(settings), names_(class_names) {}

  void error(const std::string& text) {
    ++errors_;
    std::fprintf(stderr, "vit_cifar10: %s\n", text.c_str());
  }
  void error(const std::string& file, const std::string& text) {
    error(text);
    if (settings_.json) print({file, std::nullopt, text});
  }

  /// Probabilities (K), largest first.
  void prediction(const std::string& file, const float* p) {
    std::vector<Index> order;
    try {
      order = top_classes(p, static_cast<Index>(names_.size()), settings_.top, file);
    } catch (const eg::StateError& bad) {
      return error(file, bad.what());
    }
    if (settings_.json) {
      std::vector<Answer> answers;
      for (const Index k : order) {
        answers.push_back({names_[static_cast<std::size_t>(k)], double(p[k])});
      }
      return print({file, answers, std::nullopt});
    }
    std::string line = file + ":";
    for (const Index k : order) {
      char share[32];
      std::snprintf(share, sizeof share, " %.1f %%", 100 * double(p[k]));
      line += (k == order.front() ? " " : ", ") + names_[static_cast<std::size_t>(k)] + share;
    }
    std::printf("%s\n", line.c_str());
  }

  Index errors() const { return errors_; }

 private:
  static void print(const Line& line) { std::printf("%s\n", eg::io::to_json(line).dump().c_str()); }

  const PredictSettings& settings_;
  const std::vector<std::string>& names_;
  Index errors_ = 0;
};

/// While the model works on one batch of pictures, the next is read.
void classify(const PredictSettings& p, const Checkpoint& c, const std::vector<std::string>& files,
              Printer& printer) {
  const eg::NoGrad no_grad;
  c.model.eval();
  const Index side = c.model.options().image_size;
  const auto total = static_cast<Index>(files.size());
  const int threads = eg::num_threads();
  const auto read = [&](Index begin) {
    return std::async(std::launch::async, [&, begin] {
      eg::set_num_threads(threads);
      return eg::data::decode_images(files, begin, std::min(begin + p.batch, total), side);
    });
  };
  std::future<eg::data::DecodedImages> next = read(0);
  for (Index begin = 0; begin < total; begin += p.batch) {
    const eg::data::DecodedImages batch = next.get();
    if (begin + p.batch < total) next = read(begin + p.batch);
    const eg::Tensor<float> input(eg::data::normalize(batch.images, c.normalization));
    const eg::NdArray<float> probabilities = eg::softmax(c.model(input)).value();
    for (std::size_t i = 0; i < batch.errors.size(); ++i) {
      const std::string& file = files[static_cast<std::size_t>(begin) + i];
      if (!batch.errors[i].empty()) {
        printer.error(file, batch.errors[i]);
      } else {
        printer.prediction(file,
                           probabilities.data() + static_cast<Index>(i) * probabilities.cols());
      }
    }
  }
}

}  // namespace

int predict(const std::vector<std::string>& arguments) {
  PredictSettings p;
  cli::Options options(
      "vit_cifar10 predict --checkpoint FILE [options] PICTURE|FOLDER|-...",
      "Says what is in pictures (PNG, JPEG, BMP, PPM, PGM), in folders of them, or in files whose\n"
      "names are read from standard input (-). The middle square of each picture is scaled to the\n"
      "model's size, as for training. The exit status is 1 when one could not be read; the others\n"
      "are printed even so. Defaults are in brackets.");
  options.section("Options");
  options.add("checkpoint", p.checkpoint, "FILE", "model.safetensors of a run (required)");
  options.add("list", p.list, "FILE", "names of more pictures or folders, one per line");
  options.add("top", p.top, "N", "classes to print for each picture", 1);
  options.flag("json", p.json,
               "print one JSON object per line: {\"file\", \"predictions\": [{\"class\", "
               "\"probability\"}, ...]}, or {\"file\", \"error\"}");
  options.add("batch", p.batch, "N", "pictures per call of the model", 1, 65536);
  cli::add_threads_option(options, p.threads);
  options.flag("timing", p.timing, "print the speed at the end, on standard error");
  options.positional(p.paths);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (p.paths.empty() && p.list.empty()) {
    throw cli::UsageError("predict needs at least one picture or folder, or --list FILE");
  }
  cli::set_threads(p.threads);
  const Checkpoint c = load_checkpoint(p.checkpoint);
  Printer printer(p, c.class_names);
  std::vector<std::string> errors;
  const std::vector<std::string> files = collect(p, errors);
  for (const std::string& error : errors) printer.error(error);
  const auto start = Clock::now();
  if (!files.empty()) classify(p, c, files, printer);
  if (p.timing) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::fprintf(stderr, "%zu pictures in %.2f s, %.0f per second\n", files.size(), seconds,
                 double(files.size()) / seconds);
  }
  return printer.errors() > 0 ? 1 : 0;
}

}  // namespace vit
