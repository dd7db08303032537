// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <eigengrad/io/tensorboard.hpp>
#include <examples/vit_cifar10/learner.hpp>
#include <examples/vit_cifar10/run_record.hpp>
#include <examples/vit_cifar10/run_state.hpp>

namespace vit {

/// Writes down what happens in a run: run.json and metrics.csv, whole after each epoch; an event
/// file for TensorBoard; and state.safetensors, from which the run goes on.
class Recorder {
 public:
  explicit Recorder(std::string folder) : folder_(std::move(folder)) {}

  /// Opens the event file of the run. `step` is the last step that counts: later events of earlier
  /// files, which the run wrote before it was killed, are purged.
  void begin(RunDescription run, Index step);

  /// Draws every tenth step.
  void add_step(Index step, double loss, double gradient_norm, double learning_rate);
  void add_epoch(const EpochRecord& e, const Model& model);

  /// What is known of the run, to be completed at its end.
  RunDescription& run() { return run_; }

  /// Everything but the state reaches its file.
  void write(const std::vector<EpochRecord>& epochs);
  /// The state reaches its file, and no event before it is lost.
  void save(const RunState& state, const Learner& learner);

 private:
  std::string folder_;
  RunDescription run_;
  std::unique_ptr<eg::io::TensorBoardWriter> events_;
};

}  // namespace vit
