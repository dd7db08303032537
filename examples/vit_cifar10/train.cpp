// SPDX-License-Identifier: MIT
#include <cstdio>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/inspect/peak.hpp>
#include <examples/common/program.hpp>
#include <examples/common/run_folder.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/run_record.hpp>
#include <examples/vit_cifar10/state_file.hpp>
#include <examples/vit_cifar10/train_options.hpp>
#include <examples/vit_cifar10/trainer.hpp>
#include <examples/vit_cifar10/versions.hpp>

namespace vit {
namespace {

/// Everything that can be wrong with the data is looked at before the first step. The options stay
/// as they were given; what was found goes with the data.
TrainingData load_training_data(const TrainSettings& t) {
  TrainingData out;
  out.source = t.data;
  out.source.seed = t.seed;
  ImageData images = load_data(out.source, {.test = !t.no_test});
  std::printf("%s\n", images.about.c_str());
  out.train = std::move(images.train);
  out.validation = std::move(images.validation);
  out.test = std::move(images.test);
  out.normalization = eg::data::channel_statistics(out.train);
  return out;
}

DataRecord describe(const TrainingData& data) {
  return {.training_images = data.train.size(),
          .validation_images = data.validation.size(),
          .test_images = data.test.size(),
          .class_names = data.train.classes(),
          .mean = data.normalization.mean,
          .deviation = data.normalization.stddev};
}

RunDescription describe_run(const TrainSettings& t, const cli::Options& options,
                            const TrainingData& data, const std::string& command_line) {
  RunDescription run;
  run.command = command_line;
  run.date = cli::now("%Y-%m-%d %H:%M");
  run.configuration = cli::to_json(options);
  run.seed = t.seed;
  run.threads = eg::num_threads();
  run.versions = versions();
  run.data = describe(data);
  run.peak_gflops = eg::inspect::peak_gflops<float>();
  return run;
}

/// Says what differs from the machine and the program that began the run.
void compare_versions(const RunDescription& run) {
  if (run.versions == versions()) return;
  std::printf(
      "note: the run was begun by another build or on another machine; the weights may "
      "differ in their last digits\n");
}

/// What a person should know before the first step; the numbers of it also go into run.json.
void print_start(const TrainSettings& t, const Trainer& trainer, RunDescription& run) {
  const eg::models::VisionTransformerOptions& m = trainer.model().options();
  const auto images =
      eg::Tensor<float>::zeros({t.batch, m.channels_in, m.image_size, m.image_size});
  const auto summary = eg::inspect::summarize(trainer.model(), images);
  run.parameters = trainer.model().parameter_count();
  run.training_gflop_per_image = summary.step_flops / double(t.batch) * 1e-9;
  std::printf("%s    threads: %d, peak: %.0f GFLOP/s; results go to %s\n", summary.table().c_str(),
              eg::num_threads(), *run.peak_gflops, t.out.c_str());
  std::fflush(stdout);
}

/// What the data and a pretrained model decide of the model.
void take_sizes(TrainSettings& t, const TrainingData& data) {
  t.model.classes = static_cast<Index>(data.train.classes().size());
  t.model.image_size = t.data.image_size;
  if (t.model.image_size > 0) return;
  t.model.image_size =
      t.pretrained.empty()
          ? data.train.height()
          : eg::models::vision_transformer_options(eg::io::SafetensorsFile(t.pretrained))
                .image_size;
}

/// **Throws** UsageError for options of the model, which a pretrained one brings along.
void check_pretrained(const TrainSettings& t, const cli::Options& options) {
  if (t.pretrained.empty()) return;
  ModelSettings unused;
  cli::Options of_the_model("", "");
  add_model_options(of_the_model, unused);
  of_the_model.add("patch-schedule", unused.channels, "", "");
  for (const cli::Options::Value& value : of_the_model.values()) {
    if (options.given(value.name)) {
      throw cli::UsageError("--pretrained " + t.pretrained +
                            " brings its model along; leave out --" + value.name);
    }
  }
}

/// --patch-schedule decides on the epochs and the first patches.
void apply_patch_schedule(TrainSettings& t, cli::Options& options) {
  const PatchSchedule schedule(t.patch_schedule);
  if (schedule.empty()) return;
  for (const char* name : {"epochs", "steps", "patch-size"}) {
    if (options.given(name)) {
      throw cli::UsageError("--patch-schedule takes the place of --" + std::string(name) +
                            "; leave one of them out");
    }
  }
  if (t.model.tokenizer == "conv") {
    throw cli::UsageError("--patch-schedule needs patches; add --tokenizer patch or shifted");
  }
  options.set("epochs", std::to_string(schedule.epochs()));
  options.set("patch-size", std::to_string(schedule.patch_size(1)));
}

int begin(TrainSettings& t, cli::Options& options, const std::string& command_line) {
  if (options.given("steps") && options.given("epochs")) {
    throw cli::UsageError("--epochs and --steps both say when to end; give one of them");
  }
  if (t.patience > 0 && t.data.validation == 0) {
    throw cli::UsageError("--patience needs images to measure; --validation must not be 0");
  }
  check_pretrained(t, options);
  cli::set_threads(t.threads);
  TrainingData data = load_training_data(t);
  apply_preset(options, t.preset, t.model.tokenizer, data.source.dataset);
  apply_patch_schedule(t, options);
  if (data.train.size() < t.batch) {
    throw cli::UsageError("--batch " + std::to_string(t.batch) + " is more than the " +
                          std::to_string(data.train.size()) +
                          " training images; give a smaller one");
  }
  take_sizes(t, data);
  if (t.out.empty()) t.out = cli::default_folder();
  if (eg::io::is_file(state_path(t.out))) {
    throw cli::UsageError("--out " + t.out + " holds a run already; `--resume " + t.out +
                          "` continues it, or choose another folder");
  }
  RunDescription run = describe_run(t, options, data, command_line);
  Trainer trainer(t, std::move(data));
  eg::io::make_folder(t.out);  // only now: a wrong model leaves no folder
  print_start(t, trainer, run);
  return trainer.run(run);
}

int resume(TrainSettings& t, cli::Options& options) {
  const std::string folder = t.resume;
  if (options.given("out") && t.out != folder) {
    throw cli::UsageError("--resume " + folder + " writes to its own folder; leave out --out " +
                          t.out);
  }
  const StateFile file(state_path(folder));
  const RunDescription& run = file.run();
  if (file.state().finished) {
    std::printf("the run in %s is finished: nothing to do\n", folder.c_str());
    return 0;
  }
  resume_options(options, run.configuration);
  t.out = folder;
  cli::set_threads(t.threads);
  TrainingData data = load_training_data(t);
  if (describe(data) != run.data) {
    throw cli::UsageError("the images in --data " + t.data.folder +
                          " are not those of the run in " + folder);
  }
  take_sizes(t, data);
  compare_versions(run);
  Trainer trainer(t, std::move(data));
  trainer.restore(file);
  const RunState& at = file.state();
  std::printf("continuing in epoch %d, after %lld of its batches\n", at.epoch,
              static_cast<long long>(at.batch));
  return trainer.run(run);
}

}  // namespace

int train(const std::vector<std::string>& arguments, const std::string& command_line) {
  TrainSettings settings;
  cli::Options options(
      "vit_cifar10 train --data DIR [options]",
      "Trains a Vision Transformer, measures it on held-out training images after "
      "each epoch and\non the test images once, at the end. Defaults are in brackets.");
  add_train_options(options, settings);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  settings.program = command_line.substr(0, command_line.find(" train"));
  return settings.resume.empty() ? begin(settings, options, command_line)
                                 : resume(settings, options);
}

}  // namespace vit
