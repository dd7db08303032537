// SPDX-License-Identifier: MIT
#include <cstdio>

#include <examples/common/program.hpp>
#include <examples/common/run_folder.hpp>
#include <examples/common/saved_options.hpp>
#include <examples/pretrain/commands.hpp>
#include <examples/pretrain/trainer.hpp>

namespace pretrain {
namespace {

/// The layers see the mean of their tokens as the features of an image.
eg::models::VisionTransformerOptions encoder_options(const RunSettings& s, Index classes) {
  return {.image_size = 32,
          .classes = s.task == "rotation" ? 4 : classes,
          .tokenizer = eg::models::PatchEmbeddingOptions{.patch_size = s.patch_size},
          .dim = s.dim,
          .depth = s.depth,
          .layer = {.heads = s.heads},
          .pooling = eg::models::Pooling::kMean};
}

void check(const RunSettings& s) {
  if (s.task.empty()) {
    throw cli::UsageError("--task is required: completion, rotation or colourisation");
  }
  if (32 % s.patch_size != 0) {
    throw cli::UsageError("--patch-size must divide the images' 32 pixels: " +
                          std::to_string(s.patch_size));
  }
  if (s.dim % s.heads != 0) {
    throw cli::UsageError("--heads must divide --dim: " + std::to_string(s.heads) + " and " +
                          std::to_string(s.dim));
  }
  if (eg::io::is_file(s.out + "/encoder.safetensors")) {
    throw cli::UsageError("--out " + s.out + " holds a run already; choose another folder");
  }
}

/// **Throws** UsageError unless there is a batch to learn from.
void check(const RunSettings& s, const eg::data::ImageDataset& train) {
  if (train.size() < s.batch) {
    throw cli::UsageError("--batch " + std::to_string(s.batch) + " is more than the " +
                          std::to_string(train.size()) + " training images; give a smaller one");
  }
}

void write_record(const std::string& folder, const cli::Options& options,
                  const std::vector<Measurement>& measurements) {
  eg::io::Json record = eg::io::Json::object();
  record["configuration"] = cli::to_json(options);
  record["measurements"] = eg::io::to_json(measurements);
  eg::io::write_file(folder + "/run.json", record.dump(2) + "\n");
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  RunSettings s;
  cli::Options options("pretrain run --task TASK --data DIR [options]",
                       "Pretrains a Vision Transformer on images without their labels. Defaults "
                       "are in brackets.");
  add_run_options(options, s);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (s.out.empty()) s.out = cli::default_folder();
  check(s);
  cli::set_threads(s.threads);
  const eg::data::TrainValidation images = load_images(s.data, s.seed, s.limit);
  check(s, images.train);
  const Learner learner(s, encoder_options(s, static_cast<Index>(images.train.classes().size())));
  eg::io::make_folder(s.out);  // only now: a wrong model leaves no folder
  std::printf("%s: %lld images to train, %lld for validation; %lld parameters; %d threads\n",
              s.task.c_str(), static_cast<long long>(images.train.size()),
              static_cast<long long>(images.validation.size()),
              static_cast<long long>(learner.module().parameter_count()), eg::num_threads());
  const std::vector<Measurement> measurements = train(s, learner, images);
  save_learner(s.out, learner);
  write_record(s.out, options, measurements);
  std::printf("the encoder is in %s/encoder.safetensors\n", s.out.c_str());
  return 0;
}

}  // namespace pretrain
