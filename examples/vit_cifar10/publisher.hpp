// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <examples/vit_cifar10/learner.hpp>
#include <examples/vit_cifar10/plan.hpp>
#include <examples/vit_cifar10/progress.hpp>
#include <examples/vit_cifar10/report/predictions.hpp>
#include <examples/vit_cifar10/run_state.hpp>
#include <examples/vit_cifar10/training_data.hpp>

namespace vit {

/// Gives a person what a run makes: lines and a bar on the console, models, the report.
class Publisher {
 public:
  /// Refers to its arguments.
  Publisher(const TrainSettings& t, const TrainingData& data, const Plan& plan)
      : t_(t), data_(data), plan_(plan), bar_(t.progress) {}

  /// Draws the bar. `step` is the number of steps that are done.
  void draw(const RunState& state, Index step);
  /// Removes the bar.
  void clear() { bar_.clear(); }

  void print_patches(const Model& model) const;
  void print_epoch(const std::vector<EpochRecord>& epochs) const;
  void print_interruption(const RunState& state, Index step) const;
  void print_early_end() const;
  void print_test_accuracy(double percent) const;
  /// What came of the run, what was written and what to do with it.
  void print_end(const std::vector<EpochRecord>& epochs) const;

  /// Writes the weights that are saved as FOLDER/name.
  void save_model(Learner& learner, const std::string& name) const;
  /// Writes FOLDER/report.html from what the recorder and `save_model` wrote. `loader` makes the
  /// batches that the run learned from.
  void write_report(report::Predictions predictions, const eg::data::DataLoader& loader) const;

 private:
  double seconds_left(const RunState& state, Index step) const;

  const TrainSettings& t_;
  const TrainingData& data_;
  const Plan& plan_;
  ProgressBar bar_;
};

}  // namespace vit
