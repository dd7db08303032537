// SPDX-License-Identifier: MIT
// The page as a whole, and the command that makes it from a run's folder.
#include <cstdio>
#include <optional>
#include <vector>

#include <examples/common/options.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/report/report.hpp>
#include <examples/vit_cifar10/report/sections.hpp>
#include <examples/vit_cifar10/report/style.hpp>
#include <examples/vit_cifar10/train_options.hpp>
#include <examples/vit_cifar10/trainer.hpp>

namespace vit {
namespace report {

std::string make_report(const std::string& folder, Predictions predictions,
                        const eg::data::DataLoader* training) {
  const Checkpoint checkpoint = load_checkpoint(folder + "/model.safetensors");
  checkpoint.model.eval();
  const Index side = checkpoint.model.options().image_size;
  const Material m{
      read_run(folder), checkpoint, std::move(predictions),
      eg::inspect::summarize(checkpoint.model,
                             eg::Tensor<float>(eg::NdArray<float>::zeros({1, 3, side, side}))),
      training ? first_images(*training) : std::vector<SeenImage>{}};
  const std::pair<const char*, std::string> parts[] = {
      {"Training", curves_section(m)},
      {"Classes", classes_section(m)},
      {"Confidence", calibration_section(m)},
      {"Mistakes", mistakes_section(m)},
      {"Attention", attention_section(m)},
      {"Weights", weights_section(m)},
      {"Training images", training_images_section(m)},
      {"Model", model_section(m)},
      {"Settings", run_section(m)}};
  std::string links;
  std::string body;
  for (const auto& [name, part] : parts) {
    if (part.empty()) continue;
    const std::size_t id = part.find('"') + 1;  // <section id="...">
    links += "<a href=\"#" + part.substr(id, part.find('"', id) - id) + "\">" + name + "</a>\n";
    body += part;
  }
  const std::string title = "Vision Transformer on " + dataset_title(m) + ": " +
                            percent(m.predictions.metrics.accuracy(), 2);
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n<title>" +
      title + "</title>\n<link rel=\"icon\" href=\"data:,\"/>\n<style>" + kStyle +
      "</style>\n</head>\n<body>\n<main>\n" + header(m) + "<nav>" + links + "</nav>\n" + body +
      "</main>\n</body>\n</html>\n";
  const std::string path = folder + "/report.html";
  eg::io::write_file(path, page);
  return path;
}

}  // namespace report

int report_command(const std::vector<std::string>& arguments) {
  std::string data;
  std::vector<std::string> folders;
  cli::Options options("vit_cifar10 report RUNDIR [options]",
                       "Makes RUNDIR/report.html again: one page with everything about the run.");
  options.section("Options");
  options.add("data", data, "DIR", "the data set's folder [the one that the run used]");
  options.positional(folders);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (folders.size() != 1) {
    throw cli::UsageError("report needs the folder of one run, such as runs/20260101-120000");
  }
  const std::string& folder = folders.front();
  const Json run = report::read_run(folder);
  Checkpoint c = load_checkpoint(folder + "/model.safetensors");
  c.data.folder = data.empty() ? report::text(run, "configuration", "data") : data;
  ImageData images = load_data(c.data, {}, c.class_names);
  // The test images are for the end of a run; until then it is judged by the validation images.
  const bool finished = report::find(run, "test_accuracy") != nullptr;
  if (!finished && images.validation.size() == 0) {
    throw eg::StateError("[report] the run in " + folder +
                         " is not finished and has no validation images; let it end first: "
                         "`vit_cifar10 train --resume " +
                         folder + "`");
  }
  report::Predictions predictions =
      finished ? report::predict_all(c.model, c.normalization, images.test, "test")
               : report::predict_all(c.model, c.normalization, images.validation, "validation");
  // The training images come to the page as they came to the model. A run of another version may
  // have had other settings: its page goes without them.
  std::optional<eg::data::DataLoader> training;
  try {
    TrainSettings t;
    cli::Options settings("", "");
    add_train_options(settings, t);
    resume_options(settings, run.at("configuration"));
    training.emplace(make_loader(
        t, {images.train, images.validation, images.test, c.normalization, c.data}, false));
  } catch (const cli::UsageError&) {
  } catch (const eg::IoError&) {
  }
  const std::string path =
      report::make_report(folder, std::move(predictions), training ? &*training : nullptr);
  std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace vit
