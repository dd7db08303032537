// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <examples/vit_cifar10/history.hpp>
#include <examples/vit_cifar10/progress.hpp>

/// The lines that `train` prints, on a terminal and in a file.
namespace vit {

/// The last epoch's line.
inline void print_epoch(const std::vector<EpochRecord>& epochs, int planned) {
  const EpochRecord& e = epochs.back();
  std::printf("epoch %d/%d  loss %.3f  train %.2f %%", e.epoch, planned, e.train_loss,
              e.train_accuracy);
  if (e.has_validation) {
    std::printf("  validation %.2f %%%s", e.validation_accuracy,
                best_epoch(epochs) == &e && e.epoch > 1 ? " (best)" : "");
  }
  std::printf("  %.0f images/s  %s\n", e.images_per_s, duration(e.seconds).c_str());
  std::fflush(stdout);
}

inline void print_interruption(const std::string& program, const std::string& folder, int epoch,
                               int planned, Index step) {
  std::printf(
      "interrupted: saved after step %lld, in epoch %d of %d; to continue:\n"
      "  %s train --resume %s\n",
      static_cast<long long>(step), epoch, planned, program.c_str(), folder.c_str());
  std::fflush(stdout);
}

/// What came of a run, what was written and what to do with it. `data` is the --data folder.
inline void print_end(const std::string& program, const std::string& folder,
                      const std::string& data, const std::vector<EpochRecord>& epochs) {
  const EpochRecord& last = epochs.back();
  std::printf("%d epochs in %s; at the end: training accuracy %.2f %%", last.epoch,
              duration(last.seconds).c_str(), last.train_accuracy);
  const EpochRecord* best = best_epoch(epochs);
  if (best != nullptr) {
    std::printf(", validation %.2f %% (best: %.2f %% in epoch %d)", last.validation_accuracy,
                best->validation_accuracy, best->epoch);
  }
  std::printf(
      "\nin %s: report.html (open it in a browser), model.safetensors (last epoch), %smetrics.csv, "
      "run.json, events for TensorBoard\nwhat next:\n",
      folder.c_str(), best != nullptr ? "best.safetensors (best validation), " : "");
  const std::string checkpoint = " --checkpoint " + folder + "/model.safetensors";
  for (const std::string& command :
       {program + " eval" + checkpoint + " --data " + data,
        program + " predict" + checkpoint + " IMAGE...",
        program + " explain" + checkpoint + " IMAGE", "tensorboard --logdir " + folder}) {
    std::printf("  %s\n", command.c_str());
  }
  std::fflush(stdout);
}

}  // namespace vit
