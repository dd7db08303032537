// SPDX-License-Identifier: MIT
#include <eigengrad/io/fields.hpp>
#include <eigengrad/io/file.hpp>
#include <examples/vit_cifar10/recorder.hpp>
#include <examples/vit_cifar10/state_file.hpp>

namespace vit {

void Recorder::begin(RunDescription run, Index step) {
  run_ = std::move(run);
  events_ = std::make_unique<eg::io::TensorBoardWriter>(
      folder_, eg::io::TensorBoardOptions{.purge_step = step > 0 ? step + 1 : -1});
  if (step > 0) return;
  std::string table = "| option | value |\n|---|---|\n";
  for (const auto& [name, value] : run_.configuration.members()) {
    table += "| " + name + " | " + as_text(value) + " |\n";
  }
  events_->text("command", 0, "`" + run_.command + "`");
  events_->text("configuration", 0, table);
}

void Recorder::add_step(Index step, double loss, double gradient_norm, double learning_rate) {
  if (step % 10 != 0) return;
  events_->scalar("step/loss", step, loss);
  events_->scalar("step/gradient_norm", step, gradient_norm);
  events_->scalar("step/learning_rate", step, learning_rate);
}

void Recorder::add_epoch(const EpochRecord& e, const Model& model) {
  events_->scalar("loss/train", e.step, e.train_loss);
  events_->scalar("accuracy/train", e.step, e.train_accuracy);
  events_->scalar("top5/train", e.step, e.train_top5);
  if (e.validation_accuracy) {
    events_->scalar("loss/validation", e.step, *e.validation_loss);
    events_->scalar("accuracy/validation", e.step, *e.validation_accuracy);
    events_->scalar("top5/validation", e.step, *e.validation_top5);
  }
  events_->scalar("speed/images_per_s", e.step, e.images_per_s);
  events_->scalar("speed/wait_seconds", e.step, e.wait_seconds);
  for (const auto& [name, x] : model.named_parameters()) {
    events_->histogram("weights/" + name, e.step, x.value());
  }
}

void Recorder::write(const std::vector<EpochRecord>& epochs) {
  eg::io::write_file(folder_ + "/metrics.csv", to_csv(epochs));
  const RunRecord record{run_, epochs};
  eg::io::write_file(folder_ + "/run.json", eg::io::to_json(record).dump(2) + "\n");
  events_->flush();
}

void Recorder::save(const RunState& state, const Learner& learner) {
  events_->flush();  // events after the saved step will be purged
  save_state(state_path(folder_), state, learner, run_);
}

}  // namespace vit
