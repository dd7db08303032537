// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <examples/char_lm/checkpoint.hpp>
#include <examples/char_lm/run_record.hpp>
#include <examples/char_lm/text.hpp>
#include <examples/common/saved_state.hpp>
#include <examples/common/signals.hpp>

namespace char_lm {

/// A run from its first or a saved step to its end, or to a signal.
class Trainer {
 public:
  /// **Throws** ValueError on options out of range.
  Trainer(TrainSettings settings, Text text, eg::io::Json configuration);

  /// Goes on from a saved state. **Throws** IoError when it does not fit.
  void restore(const cli::SavedState& saved);

  /// The exit status: 0, or 128 and the signal.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  void train_step();
  /// Prints both losses; saves the model if it is the best so far, and the state.
  void measure();
  void save_state();
  void finish();
  void print_start() const;
  void print_interruption(int signal) const;
  /// Adds the time since the last call to the run, and returns it.
  double lap();

  TrainSettings t_;
  Text text_;
  eg::data::TokenWindows train_;
  eg::data::TokenWindows measured_;  ///< of the training text
  eg::data::TokenWindows validation_;
  Model model_;
  std::vector<eg::Tensor<float>> parameters_;
  eg::optim::AdamW<float> adam_;
  eg::optim::Schedule schedule_;
  RunDescription run_;
  RunState state_;
  cli::Signals signals_;
  Clock::time_point last_lap_ = Clock::now();
};

/// state.safetensors of a folder: what the run was begun with, and how far it is.
struct SavedRun {
  cli::SavedState saved;
  RunDescription run;
  RunState state;
};
/// **Throws** IoError for whatever is wrong with the file.
SavedRun open_run(const std::string& folder);

}  // namespace char_lm
