// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <examples/vit_cifar10/history.hpp>
#include <examples/vit_cifar10/metrics.hpp>
#include <examples/vit_cifar10/optimizers.hpp>

/// state.safetensors: all that a run needs to continue as if nothing had happened, in one file
/// that is replaced as a whole.
namespace vit {

/// The place of a run and what it has measured so far. A batch follows from its number and the
/// seed, the learning rate from the step, so no more is needed beside the arrays.
struct RunState {
  int epoch = 1;    ///< that is under way
  Index batch = 0;  ///< of its batches, how many are done
  Metrics metrics;  ///< of these batches
  double train_seconds = 0;
  double wait_seconds = 0;
  double epoch_seconds = 0;
  double seconds = 0;  ///< of the whole run
  bool finished = false;
  Index patch_size = 0;             ///< of the model as it is saved
  std::vector<EpochRecord> epochs;  ///< that are complete
};

inline Json to_json(const RunState& s) {
  Json j = Json::object();
  j["epoch"] = s.epoch;
  j["batch"] = s.batch;
  j["loss_sum"] = s.metrics.loss_sum;
  j["images"] = s.metrics.images;
  j["top1"] = s.metrics.top1;
  j["top5"] = s.metrics.top5;
  j["train_seconds"] = s.train_seconds;
  j["wait_seconds"] = s.wait_seconds;
  j["epoch_seconds"] = s.epoch_seconds;
  j["seconds"] = s.seconds;
  j["finished"] = s.finished;
  j["patch_size"] = s.patch_size;
  j["epochs"] = to_json(s.epochs);
  return j;
}

inline RunState state_from_json(const Json& j) {
  RunState s;
  s.epoch = static_cast<int>(j.at("epoch").as_integer());
  s.batch = j.at("batch").as_integer();
  s.metrics.loss_sum = j.at("loss_sum").as_number();
  s.metrics.images = j.at("images").as_integer();
  s.metrics.top1 = j.at("top1").as_integer();
  s.metrics.top5 = j.at("top5").as_integer();
  s.train_seconds = j.at("train_seconds").as_number();
  s.wait_seconds = j.at("wait_seconds").as_number();
  s.epoch_seconds = j.at("epoch_seconds").as_number();
  s.seconds = j.at("seconds").as_number();
  s.finished = j.at("finished").as_bool();
  s.patch_size = j.at("patch_size").as_integer();
  s.epochs = epochs_from_json(j.at("epochs"));
  return s;
}

/// What changes while a model trains.
struct Learner {
  Model model;
  Optimizers optimizers;
  std::unique_ptr<eg::optim::Ema<float>> ema;  ///< or none
};

inline std::unique_ptr<eg::optim::Ema<float>> make_ema(const Model& model, const TrainSettings& t) {
  if (t.ema == 0) return nullptr;
  return std::make_unique<eg::optim::Ema<float>>(
      model.parameters(), eg::optim::EmaOptions{.decay = t.ema}, model.named_buffers());
}

/// `description` says what run this is: settings, data, versions.
inline void save_state(const std::string& path, const RunState& state, const Learner& learner,
                       const Json& description) {
  eg::io::SafetensorsWriter file;
  file.add_all("model.", learner.model.state_dict());
  file.add_all("random.", eg::nn::random_state(learner.model));
  learner.optimizers.save(file);
  if (learner.ema) file.add_all("ema.", learner.ema->state_dict());
  file.add_metadata("vit_cifar10_run", description.dump());
  file.add_metadata("vit_cifar10_state", to_json(state).dump());
  file.write(path);
}

/// A state file open for reading.
class StateFile {
 public:
  /// **Throws** IoError, in one line, for whatever is wrong with the file.
  explicit StateFile(const std::string& path)
      : path_(path), file_(open(path)), description_(metadata("vit_cifar10_run")) {
    guard([&] { state_ = state_from_json(metadata("vit_cifar10_state")); });
  }

  const Json& description() const { return description_; }
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
  Json description_;
  RunState state_;
};

}  // namespace vit
