// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/io/fields.hpp>
#include <examples/common/run_folder.hpp>
#include <examples/common/saved_state.hpp>
#include <examples/vit_cifar10/learner.hpp>
#include <examples/vit_cifar10/run_record.hpp>
#include <examples/vit_cifar10/run_state.hpp>

/// state.safetensors: all that a run needs to continue as if nothing had happened, in one file
/// that is replaced as a whole.
namespace vit {

using cli::state_path;

inline void save_state(const std::string& path, const RunState& state, const Learner& learner,
                       const RunDescription& run) {
  eg::io::SafetensorsWriter file;
  file.add_all("model.", learner.model.state_dict());
  file.add_all("random.", eg::nn::random_state(learner.model));
  learner.optimizers.save(file);
  if (learner.ema) file.add_all("ema.", learner.ema->state_dict());
  file.add_metadata("vit_cifar10_run", eg::io::to_json(run).dump());
  file.add_metadata("vit_cifar10_state", eg::io::to_json(state).dump());
  file.write(path);
}

/// A state file open for reading.
class StateFile {
 public:
  /// **Throws** IoError, in one line, for whatever is wrong with the file.
  explicit StateFile(const std::string& path) : saved_(path) {
    const Json run = saved_.metadata("vit_cifar10_run");
    const Json state = saved_.metadata("vit_cifar10_state");
    saved_.guard([&] {
      run_ = eg::io::from_json<RunDescription>(run, {.lenient = true});
      state_ = eg::io::from_json<RunState>(state);
    });
  }

  const RunDescription& run() const { return run_; }
  const RunState& state() const { return state_; }

  void load(Learner& learner) const {
    const eg::io::SafetensorsFile& file = saved_.file();
    saved_.guard([&] {
      learner.model.load_state_dict(file.get_all<float>("model."));
      eg::nn::load_random_state(learner.model, file.get_all<Index>("random."));
      learner.optimizers.load(file);
      if (learner.ema) learner.ema->load_state_dict(file.get_all<float>("ema."));
    });
  }

 private:
  cli::SavedState saved_;
  RunDescription run_;
  RunState state_;
};

}  // namespace vit
