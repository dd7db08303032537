// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <eigengrad/io/file.hpp>
#include <eigengrad/io/tensorboard.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/version.hpp>
#include <examples/vit_cifar10/history.hpp>
#include <examples/vit_cifar10/model.hpp>

/// The record of a run: run.json and metrics.csv, rewritten whole after each epoch, and an event
/// file for TensorBoard.
namespace vit {

inline Json versions() {
  Json v = Json::object();
  v["eigengrad"] = EIGENGRAD_VERSION;
  v["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
               "." + std::to_string(EIGEN_MINOR_VERSION);
#if defined(__clang__)
  v["compiler"] = "clang " __clang_version__;
#else
  v["compiler"] = "gcc " __VERSION__;
#endif
#ifdef _OPENMP
  v["openmp"] = _OPENMP;
#endif
  v["isa"] = eigengrad::simd::isa_name(eigengrad::simd::active_isa());
  return v;
}

class RunLog {
 public:
  /// Opens the event file. `step` is where the run stands: later events of earlier files, which a
  /// run wrote before it was killed, count no more.
  void begin(const std::string& folder, Index step, const Json& run) {
    folder_ = folder;
    board_ = std::make_unique<eg::io::TensorBoardWriter>(
        folder, eg::io::TensorBoardOptions{.purge_step = step > 0 ? step + 1 : -1});
    if (step > 0) return;
    std::string table = "| option | value |\n|---|---|\n";
    for (const auto& [name, value] : run.at("configuration").members()) {
      table +=
          "| " + name + " | " + (value.is_string() ? value.as_string() : value.dump()) + " |\n";
    }
    board_->text("command", 0, "`" + run.at("command").as_string() + "`");
    board_->text("configuration", 0, table);
  }

  /// Every tenth step is drawn.
  static bool draws(Index step) { return step % 10 == 0; }

  void add_step(Index step, double loss, double gradient_norm, double learning_rate) {
    board_->scalar("step/loss", step, loss);
    board_->scalar("step/gradient_norm", step, gradient_norm);
    board_->scalar("step/learning_rate", step, learning_rate);
  }

  void add_epoch(const EpochRecord& e, const Model& model) {
    board_->scalar("loss/train", e.step, e.train_loss);
    board_->scalar("accuracy/train", e.step, e.train_accuracy);
    board_->scalar("top5/train", e.step, e.train_top5);
    if (e.has_validation) {
      board_->scalar("loss/validation", e.step, e.validation_loss);
      board_->scalar("accuracy/validation", e.step, e.validation_accuracy);
      board_->scalar("top5/validation", e.step, e.validation_top5);
    }
    board_->scalar("speed/images_per_s", e.step, e.images_per_s);
    board_->scalar("speed/wait_seconds", e.step, e.wait_seconds);
    for (const auto& [name, x] : model.named_parameters()) {
      board_->histogram("weights/" + name, e.step, x.value());
    }
  }

  /// Everything reaches its file. `run` is what run.json says besides the epochs.
  void write(Json run, const std::vector<EpochRecord>& epochs) {
    run["epochs"] = to_json(epochs);
    eg::io::write_file(folder_ + "/metrics.csv", to_csv(epochs));
    eg::io::write_file(folder_ + "/run.json", run.dump(2) + "\n");
    flush();
  }
  void flush() { board_->flush(); }

 private:
  std::string folder_;
  std::unique_ptr<eg::io::TensorBoardWriter> board_;
};

}  // namespace vit
