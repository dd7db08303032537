// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>

#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/common/clock_time.hpp>
#include <examples/vit_cifar10/publisher.hpp>
#include <examples/vit_cifar10/report/report.hpp>

namespace vit {

void Publisher::draw(const RunState& state, Index step) {
  bar_.draw({.epoch = state.epoch,
             .epochs = plan_.epochs,
             .epoch_fraction = double(state.batch) / double(plan_.batches),
             .run_fraction = double(step) / double(plan_.steps),
             .loss = state.so_far.mean_loss(),
             .accuracy_percent = state.so_far.accuracy_percent(),
             .images_per_s = state.images_per_s(),
             .seconds_left = seconds_left(state, step)});
}

double Publisher::seconds_left(const RunState& state, Index step) const {
  const double images = double((plan_.steps - step) * t_.accumulate * t_.batch);
  double left = images / state.images_per_s();
  if (!state.epochs.empty()) {
    // What an epoch takes besides its steps: measuring and saving.
    const EpochRecord& e = state.epochs.back();
    const double steps = double(plan_.batches * t_.batch) / e.images_per_s;
    left += std::max(e.epoch_seconds - steps, 0.0) * double(plan_.epochs - state.epoch + 1);
  }
  return left;
}

void Publisher::print_patches(const Model& model) const {
  std::printf("patches of %lld pixels from here on: %lld tokens per image\n",
              static_cast<long long>(eg::models::patch_size(model.options().tokenizer)),
              static_cast<long long>(model.grid() * model.grid()));
  std::fflush(stdout);
}

void Publisher::print_epoch(const std::vector<EpochRecord>& epochs) const {
  const EpochRecord& e = epochs.back();
  std::printf("epoch %d/%d  loss %.3f  train %.2f %%", e.epoch, plan_.epochs, e.train_loss,
              e.train_accuracy);
  if (e.validation_accuracy) {
    std::printf("  validation %.2f %%%s", *e.validation_accuracy,
                best_epoch(epochs) == &e && e.epoch > 1 ? " (best)" : "");
  }
  std::printf("  %.0f images/s  %s\n", e.images_per_s, cli::clock_time(e.seconds).c_str());
  std::fflush(stdout);
}

void Publisher::print_interruption(const RunState& state, Index step) const {
  std::printf(
      "interrupted: saved after step %lld, in epoch %d of %d; to continue:\n"
      "  %s train --resume %s\n",
      static_cast<long long>(step), state.epoch, plan_.epochs, t_.program.c_str(), t_.out.c_str());
  std::fflush(stdout);
}

void Publisher::print_early_end() const {
  std::printf("ended early: validation accuracy has not improved for %d epochs\n", t_.patience);
}

void Publisher::print_test_accuracy(double percent) const {
  std::printf("test accuracy %.2f %%\n", percent);
}

void Publisher::print_end(const std::vector<EpochRecord>& epochs) const {
  const EpochRecord& last = epochs.back();
  std::printf("%d epochs in %s; training accuracy %.2f %%", last.epoch,
              cli::clock_time(last.seconds).c_str(), last.train_accuracy);
  const EpochRecord* best = best_epoch(epochs);
  if (best != nullptr) {
    std::printf(", validation %.2f %% (best: %.2f %% in epoch %d)", *last.validation_accuracy,
                *best->validation_accuracy, best->epoch);
  }
  std::printf(
      "\nin %s: report.html (open it in a browser), model.safetensors (last epoch), %smetrics.csv, "
      "run.json, events for TensorBoard\nwhat next:\n",
      t_.out.c_str(), best != nullptr ? "best.safetensors (best validation), " : "");
  const std::string checkpoint = " --checkpoint " + t_.out + "/model.safetensors";
  for (const std::string& command :
       {t_.program + " eval" + checkpoint + " --data " + t_.data.folder,
        t_.program + " predict" + checkpoint + " PICTURE...",
        t_.program + " explain" + checkpoint + " PICTURE", "tensorboard --logdir " + t_.out}) {
    std::printf("  %s\n", command.c_str());
  }
  std::fflush(stdout);
}

void Publisher::save_model(Learner& learner, const std::string& name) const {
  const UseSavedWeights use(learner);
  save_checkpoint(t_.out + "/" + name, {data_.normalization, data_.train.classes(), data_.source},
                  learner.model);
}

void Publisher::write_report(report::Predictions predictions,
                             const eg::data::DataLoader& loader) const {
  report::make_report(t_.out, std::move(predictions), &loader);
}

}  // namespace vit
