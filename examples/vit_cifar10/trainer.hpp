// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <examples/vit_cifar10/learner.hpp>
#include <examples/vit_cifar10/patch_schedule.hpp>
#include <examples/vit_cifar10/plan.hpp>
#include <examples/vit_cifar10/publisher.hpp>
#include <examples/vit_cifar10/recorder.hpp>
#include <examples/vit_cifar10/run_state.hpp>
#include <examples/common/signals.hpp>
#include <examples/vit_cifar10/state_file.hpp>
#include <examples/vit_cifar10/training_data.hpp>

namespace vit {

/// The loop of a run: steps and epochs from its beginning, or from where a state file left it, to
/// its end. What is written down is the recorder's work, what a person gets is the publisher's.
///
/// A step's result depends on the settings and the number of the step alone; so a run that was
/// interrupted, at whatever place, ends with the same bits.
class Trainer {
 public:
  /// **Throws** what a wrong model or option gives.
  Trainer(TrainSettings settings, TrainingData data);
  Trainer(const Trainer&) = delete;  // the publisher refers to members
  Trainer& operator=(const Trainer&) = delete;

  /// Takes up the run that the file holds.
  void restore(const StateFile& file);

  /// Trains, measures and saves. **Returns** the program's exit status: 0, or 128 and the number of
  /// the signal that ended the run early.
  int run(RunDescription description);

  const Model& model() const { return learner_.model; }

 private:
  using Clock = std::chrono::steady_clock;

  bool stopped_early() const;
  bool done() const { return state_.epoch > plan_.epochs || stopped_early(); }

  void adopt(Learner learner);
  /// Gives the model the patches of the epoch that is to begin.
  void change_patches();
  /// **Returns** false when a signal has come before the epoch's end.
  bool train_epoch();
  void train_step(eg::data::Epoch& epoch, eg::data::Epoch::Iterator& batch, Index batches);
  eg::Tensor<float> batch_loss(const eg::Tensor<float>& logits, const eg::data::Batch& batch,
                               Index group) const;
  /// Says where the numbers went wrong. **Throws** StateError.
  [[noreturn]] void give_up(const std::string& what, const std::vector<eg::data::Batch>& batches);
  /// Weights that are not finite never reach a file.
  void require_finite();
  /// The epoch as it was: training's sums, and a measurement of the validation images.
  EpochRecord measure_epoch();
  void finish_epoch();
  void finish_run();
  void save();

  /// Seconds since the last call; they count to the run.
  double lap();

  TrainSettings t_;
  TrainingData data_;
  Plan plan_;
  eg::data::DataLoader loader_;
  eg::data::DataLoader plain_loader_;  ///< for the last epochs
  PatchSchedule patches_;
  RunState state_;
  Learner learner_;
  std::vector<eg::Tensor<float>> parameters_;
  eg::GeneratorSnapshot random_;  ///< when the step began
  Recorder recorder_;
  Publisher publisher_;
  cli::Signals signals_;
  Clock::time_point last_lap_ = Clock::now();
  Clock::time_point last_save_ = Clock::now();
};

}  // namespace vit
