// SPDX-License-Identifier: MIT
// Makes the page about a run again, from the run's folder.
#include <cstdio>
#include <optional>

#include <examples/common/options.hpp>
#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/report/report.hpp>
#include <examples/vit_cifar10/run_record.hpp>
#include <examples/vit_cifar10/train_options.hpp>
#include <examples/vit_cifar10/training_data.hpp>

namespace vit {
namespace {

/// The batches that the run learned from: its training images come to the page as they came to the
/// model. Nothing, and a word about it, for a run of another version, which had other settings.
std::optional<eg::data::DataLoader> find_training_loader(const RunRecord& run,
                                                         const TrainingData& data) {
  try {
    TrainSettings t;
    cli::Options settings("", "");
    add_train_options(settings, t);
    resume_options(settings, run.configuration);
    return training_loader(t, data, false);
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "vit_cifar10: the page goes without training images: %s\n", error.what());
    return std::nullopt;
  }
}

}  // namespace

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
  const RunRecord run = read_run(folder);
  Checkpoint c = load_checkpoint(folder + "/model.safetensors");
  c.data.folder = data.empty() ? option_text(run, "data") : data;
  ImageData images = load_data(c.data, {}, c.class_names);
  // The test images are for the end of a run; until then it is judged by the validation images.
  const bool finished = run.test_accuracy.has_value();
  if (!finished && images.validation.size() == 0) {
    throw eg::StateError("[report] the run in " + folder +
                         " is not finished and has no validation images; let it end first: "
                         "`vit_cifar10 train --resume " +
                         folder + "`");
  }
  report::Predictions predictions =
      finished ? report::predict_all(c.model, c.normalization, images.test, "test")
               : report::predict_all(c.model, c.normalization, images.validation, "validation");
  const std::optional<eg::data::DataLoader> training = find_training_loader(
      run, {images.train, images.validation, images.test, c.normalization, c.data});
  const std::string path =
      report::make_report(folder, std::move(predictions), training ? &*training : nullptr);
  std::printf("%s\n", path.c_str());
  return 0;
}

}  // namespace vit
