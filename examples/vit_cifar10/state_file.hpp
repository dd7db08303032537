// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/io/fields.hpp>
#include <examples/vit_cifar10/learner.hpp>
#include <examples/vit_cifar10/run_record.hpp>
#include <examples/vit_cifar10/run_state.hpp>

/// state.safetensors: all that a run needs to continue as if nothing had happened, in one file
/// that is replaced as a whole.
namespace vit {

inline std::string state_path(const std::string& folder) { return folder + "/state.safetensors"; }

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
  explicit StateFile(const std::string& path) : path_(path), file_(open(path)) {
    const Json run = metadata("vit_cifar10_run");
    const Json state = metadata("vit_cifar10_state");
    guard([&] {
      run_ = eg::io::from_json<RunDescription>(run, {.lenient = true});
      state_ = eg::io::from_json<RunState>(state);
    });
  }

  const RunDescription& run() const { return run_; }
  const RunState& state() const { return state_; }

  void load(Learner& learner) const {
    guard([&] {
      learner.model.load_state_dict(file_.get_all<float>("model."));
      eg::nn::load_random_state(learner.model, file_.get_all<Index>("random."));
      learner.optimizers.load(file_);
      if (learner.ema) learner.ema->load_state_dict(file_.get_all<float>("ema."));
    });
  }

 private:
  static eg::io::SafetensorsFile open(const std::string& path) {
    if (!eg::io::is_file(path)) {
      throw eg::IoError("there is no " + path +
                        "; --resume needs the folder of a run that `train` has begun");
    }
    return eg::io::SafetensorsFile(path);
  }

  Json metadata(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) {
      throw eg::IoError(path_ +
                        " is no state of a run; --resume needs a state.safetensors that "
                        "`train` wrote");
    }
    return Json::parse(found->second, path_);
  }

  template <class F>
  void guard(F&& f) const {
    try {
      f();
    } catch (const std::exception& error) {
      throw eg::IoError(path_ + " does not fit this program or its own settings: " + error.what());
    }
  }

  std::string path_;
  eg::io::SafetensorsFile file_;
  RunDescription run_;
  RunState state_;
};

}  // namespace vit
