// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <thread>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/kernels/peak.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/model.hpp>
#include <examples/vit_cifar10/progress.hpp>
#include <examples/vit_cifar10/run_log.hpp>

namespace vit {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string default_folder() {
  const std::time_t now = std::time(nullptr);
  char text[64];
  std::strftime(text, sizeof text, "runs/%Y%m%d-%H%M%S", std::localtime(&now));
  return text;
}

/// The optimisers that the settings name, under one schedule.
class Optimizers {
 public:
  Optimizers(const Model& model, const TrainSettings& t, Index total_steps)
      : schedule_(eg::optim::cosine(
            {.warmup_steps = static_cast<Index>(std::lround(t.warmup * double(total_steps))),
             .total_steps = total_steps})) {
    auto [hidden, others] = eg::optim::hidden_groups(model.named_parameters());
    const eg::optim::AdamWOptions adamw{
        .lr = t.lr, .betas = {0.9, 0.99}, .weight_decay = t.weight_decay};
    if (t.optimizer == "muon") {
      muon_.emplace(hidden,
                    eg::optim::MuonOptions{.lr = t.muon_lr, .weight_decay = t.muon_weight_decay});
      adamw_.emplace(others, adamw);
    } else {
      adamw_.emplace(eg::optim::decay_groups(model.named_parameters()), adamw);
    }
  }

  void zero_grad() {
    if (muon_) muon_->zero_grad();
    adamw_->zero_grad();
  }

  void step() {
    const double factor = schedule_(adamw_->step_count());
    adamw_->set_lr_factor(factor);
    adamw_->step();
    if (!muon_) return;
    muon_->set_lr_factor(factor);
    muon_->step();
  }

  double lr() const { return adamw_->lr(); }

 private:
  eg::optim::Schedule schedule_;
  std::optional<eg::optim::Muon<float>> muon_;
  std::optional<eg::optim::AdamW<float>> adamw_;
};

eg::data::Flip flip_of(const std::string& word) {
  return word == "alternating" ? eg::data::Flip::kAlternating
         : word == "random"    ? eg::data::Flip::kRandom
                               : eg::data::Flip::kNone;
}

struct Run {
  const TrainSettings& settings;
  eg::data::TrainValidation data;
  Checkpoint checkpoint;
  RunLog log;
};

/// One pass over the training images.
EpochRecord train_epoch(Run& run, Optimizers& optimizers, eg::data::DataLoader& loader, int epoch,
                        Clock::time_point start) {
  const TrainSettings& t = run.settings;
  const Model& model = run.checkpoint.model;
  model.train();
  const std::vector<eg::Tensor<float>> parameters = model.parameters();
  ProgressBar bar;
  Metrics metrics;
  const auto epoch_start = Clock::now();
  const double total = double(run.data.train.size() / t.batch * t.batch);
  for (auto& [images, labels, targets] : loader.epoch(epoch - 1)) {
    optimizers.zero_grad();
    const eg::Tensor<float> logits = model(images);
    const eg::Tensor<float> loss =
        eg::cross_entropy(logits, labels, targets, {.label_smoothing = t.label_smoothing});
    if (!std::isfinite(loss.item())) {
      bar.clear();
      throw eg::StateError("the loss is not finite in epoch " + std::to_string(epoch) +
                           "; lower --lr or --muon-lr. The last epoch's checkpoint is kept");
    }
    loss.backward();
    if (t.clip > 0) eg::optim::clip_grad_norm(parameters, t.clip);
    optimizers.step();
    metrics.add(double(loss.item()), logits.value(), labels);

    const double seconds = seconds_since(epoch_start);
    const double rate = double(metrics.images) / seconds;
    const double left = (total * (t.epochs - epoch + 1) - double(metrics.images)) / rate;
    bar.draw({epoch, t.epochs, double(metrics.images) / total, metrics.loss(), metrics.accuracy(),
              rate, left});
  }
  bar.clear();
  EpochRecord record;
  record.epoch = epoch;
  record.train_loss = metrics.loss();
  record.train_accuracy = metrics.accuracy();
  record.learning_rate = optimizers.lr();
  record.images_per_s = double(metrics.images) / seconds_since(epoch_start);
  if (run.data.validation.size() > 0) {
    const Metrics held_out = measure(model, run.data.validation, run.checkpoint.normalization);
    record.has_validation = true;
    record.validation_loss = held_out.loss();
    record.validation_accuracy = held_out.accuracy();
  }
  record.seconds = seconds_since(start);
  return record;
}

void print_epoch(const EpochRecord& e, int epochs) {
  std::printf("epoch %d/%d  loss %.3f  train %.2f %%", e.epoch, epochs, e.train_loss,
              e.train_accuracy);
  if (e.has_validation) std::printf("  validation %.2f %%", e.validation_accuracy);
  std::printf("  %.0f images/s  %s\n", e.images_per_s, ProgressBar::duration(e.seconds).c_str());
  std::fflush(stdout);
}

void run_training(TrainSettings& t, const std::string& command_line) {
  const auto start = Clock::now();
  eg::set_num_threads(t.threads > 0 ? t.threads
                                    : static_cast<int>(std::thread::hardware_concurrency()));
  // Everything that can be wrong is looked at before the first step.
  eg::data::ImageDataset all = load_dataset(t.dataset, t.data, eg::data::CifarPart::kTrain);
  const eg::data::ImageDataset test = load_dataset(t.dataset, t.data, eg::data::CifarPart::kTest);
  if (t.limit > 0 && t.limit < all.size()) {
    all = eg::data::subset(all, eg::NdArray<Index>::arange(t.limit));
  }
  if (t.validation + t.batch > all.size()) {
    throw cli::UsageError("--validation " + std::to_string(t.validation) + " and --batch " +
                          std::to_string(t.batch) + " leave no step of the " +
                          std::to_string(all.size()) + " training images");
  }
  t.model.classes = static_cast<Index>(all.classes().size());
  t.model.image_size = all.height();
  if (t.out.empty()) t.out = default_folder();
  eg::io::make_folder(t.out);

  eg::Generator rng(t.seed);
  Model model = build_model(t.model, rng);
  eg::data::TrainValidation data = eg::data::split(all, t.validation, t.seed);
  const eg::data::Normalization normalization = eg::data::channel_statistics(data.train);
  const double peak = eg::kernels::peak_gflops<float>();

  Json head = Json::object();
  head["command"] = command_line;
  head["configuration"] = to_json(t);
  head["seed"] = t.seed;
  head["threads"] = eg::num_threads();
  head["versions"] = RunLog::versions();
  head["parameters"] = model.parameter_count();
  head["training_images"] = data.train.size();
  head["validation_images"] = data.validation.size();
  head["peak_gflops"] = peak;

  const Index steps = data.train.size() / t.batch * t.epochs;
  Optimizers optimizers(model, t, steps);
  Run run{t,
          std::move(data),
          {t.model, normalization, all.classes(), model},
          RunLog(t.out, std::move(head))};
  eg::data::DataLoader loader(run.data.train, {.batch_size = t.batch,
                                               .shuffle = true,
                                               .drop_last = true,
                                               .seed = t.seed,
                                               .augment = {.normalization = normalization,
                                                           .crop_padding = t.crop_padding,
                                                           .flip = flip_of(t.flip)}});
  std::printf(
      "%lld parameters, %lld training images, %lld for validation, %d threads, peak %.0f "
      "GFLOP/s; results go to %s\n",
      static_cast<long long>(model.parameter_count()),
      static_cast<long long>(run.data.train.size()),
      static_cast<long long>(run.data.validation.size()), eg::num_threads(), peak, t.out.c_str());
  std::fflush(stdout);

  double trained_images = 0;
  double training_seconds = 0;
  for (int epoch = 1; epoch <= t.epochs; ++epoch) {
    const EpochRecord record = train_epoch(run, optimizers, loader, epoch, start);
    trained_images += double(steps / t.epochs * t.batch);
    training_seconds += double(steps / t.epochs * t.batch) / record.images_per_s;
    save_checkpoint(t.out + "/model.safetensors", run.checkpoint);
    run.log.add(record);
    print_epoch(record, t.epochs);
  }
  const Metrics final_test = measure(model, test, normalization);
  run.log.finish(seconds_since(start), trained_images / training_seconds, final_test.loss(),
                 final_test.accuracy());
  std::printf("test accuracy %.2f %%\n", final_test.accuracy());
}

}  // namespace

int train(const std::vector<std::string>& arguments, const std::string& command_line) {
  TrainSettings settings;
  cli::Options options(
      "vit_cifar10 train --data DIR [options]",
      "Trains a Vision Transformer, measures it on held-out training images after "
      "each epoch and\non the test images at the end. Defaults stand in brackets.");
  add_train_options(options, settings);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  run_training(settings, command_line);
  return 0;
}

}  // namespace vit
