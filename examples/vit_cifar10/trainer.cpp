// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/report/predictions.hpp>
#include <examples/vit_cifar10/trainer.hpp>

namespace vit {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Images per second over all epochs, each of `images_per_epoch`.
double mean_speed(const std::vector<EpochRecord>& epochs, double images_per_epoch) {
  double images = 0;
  double seconds = 0;
  for (const EpochRecord& e : epochs) {
    images += images_per_epoch;
    seconds += images_per_epoch / e.images_per_s;
  }
  return images / seconds;
}

}  // namespace

Trainer::Trainer(TrainSettings settings, TrainingData data)
    : t_(std::move(settings)),
      data_(std::move(data)),
      plan_(t_, data_.train.size()),
      loader_(training_loader(t_, data_, false)),
      plain_loader_(training_loader(t_, data_, true)),
      patches_(t_.patch_schedule),
      learner_(make_learner(t_, t_.model, data_, plan_)),
      recorder_(t_.out),
      publisher_(t_, data_, plan_) {
  adopt(std::move(learner_));
}

void Trainer::adopt(Learner learner) {
  learner_ = std::move(learner);
  parameters_ = learner_.model.parameters();
  random_ = eg::GeneratorSnapshot(learner_.model.generators());
  state_.patch_size = eg::models::patch_size(learner_.model.options().tokenizer);
}

bool Trainer::stopped_early() const {
  const EpochRecord* best = best_epoch(state_.epochs);
  return t_.patience > 0 && best && state_.epochs.back().epoch - best->epoch >= t_.patience;
}

void Trainer::restore(const StateFile& file) {
  state_ = file.state();
  if (!patches_.empty()) {
    adopt(make_learner(t_, with_patch_size(t_.model, state_.patch_size), data_, plan_));
  }
  file.load(learner_);
}

double Trainer::lap() {
  const auto now = Clock::now();
  const double seconds = seconds_between(last_lap_, now);
  last_lap_ = now;
  state_.seconds += seconds;
  state_.epoch_seconds += seconds;
  return seconds;
}

int Trainer::run(RunDescription description) {
  recorder_.begin(std::move(description), learner_.optimizers.step_count());
  if (state_.seconds == 0) {
    recorder_.write(state_.epochs);
    save();  // from here on --resume works
  }
  while (!done()) {
    const bool complete = train_epoch();
    if (complete) finish_epoch();
    if (const int signal = signals_.received()) {
      save();
      publisher_.print_interruption(state_, learner_.optimizers.step_count());
      return 128 + signal;
    }
  }
  finish_run();
  return 0;
}

void Trainer::change_patches() {
  const Index wanted = patches_.empty() ? state_.patch_size : patches_.patch_size(state_.epoch);
  if (wanted == state_.patch_size) return;
  adopt(change_patch_size(learner_, t_, wanted, plan_.steps_per_epoch, plan_.steps));
  publisher_.print_patches(learner_.model);
}

bool Trainer::train_epoch() {
  change_patches();
  learner_.model.train();
  // --steps may cut the last epoch short.
  const Index steps_left = plan_.steps - (state_.epoch - 1) * plan_.steps_per_epoch;
  const Index batches = std::min(plan_.batches, steps_left * t_.accumulate);
  lap();
  const double waited_before = state_.wait_seconds;
  const bool plain = state_.epoch > plan_.epochs - t_.augment.plain_epochs;
  eg::data::Epoch epoch = (plain ? plain_loader_ : loader_).epoch(state_.epoch - 1, state_.batch);
  auto batch = epoch.begin();
  while (state_.batch < batches) {
    train_step(epoch, batch, batches);
    state_.wait_seconds = waited_before + epoch.seconds_waited();
    publisher_.draw(state_, learner_.optimizers.step_count());
    if (signals_.received()) break;
    if (seconds_between(last_save_, Clock::now()) > t_.save_every) save();
  }
  publisher_.clear();
  return state_.batch == batches;
}

void Trainer::train_step(eg::data::Epoch& epoch, eg::data::Epoch::Iterator& batch, Index batches) {
  const Index group = std::min(t_.accumulate, batches - state_.batch);
  random_.take();
  std::vector<eg::data::Batch> group_batches;
  double step_loss = 0;
  learner_.optimizers.zero_grad();
  for (Index i = 0; i < group; ++i) {
    if (i > 0) ++batch;
    group_batches.push_back(*batch);
    const eg::Tensor<float> logits = learner_.model(batch->images);
    const eg::Tensor<float> loss = batch_loss(logits, *batch, group);
    if (!std::isfinite(loss.item())) give_up("the loss is", group_batches);
    loss.backward();
    step_loss += double(loss.item());
    eg::data::ClassificationMetrics metrics(logits.dim(1));
    metrics.add(logits.value(), batch->labels);
    state_.so_far.add(metrics, double(loss.item()) * double(group));
  }
  const double norm = t_.clip > 0 ? eg::optim::clip_grad_norm(parameters_, t_.clip)
                                  : eg::optim::grad_norm(parameters_);
  if (!std::isfinite(norm)) give_up("the gradient is", group_batches);
  learner_.optimizers.step();
  if (learner_.ema) learner_.ema->update();
  state_.batch += group;
  recorder_.add_step(learner_.optimizers.step_count(), step_loss, norm,
                     learner_.optimizers.last_lr());
  group_batches.clear();
  if (batch != epoch.end()) ++batch;
  state_.train_seconds += lap();
}

eg::Tensor<float> Trainer::batch_loss(const eg::Tensor<float>& logits, const eg::data::Batch& batch,
                                      Index group) const {
  const eg::Tensor<float> loss = eg::cross_entropy(logits, batch.labels, batch.targets,
                                                   {.label_smoothing = t_.label_smoothing});
  return group == 1 ? loss : loss * (1.0f / static_cast<float>(group));
}

void Trainer::give_up(const std::string& what, const std::vector<eg::data::Batch>& batches) {
  publisher_.clear();
  const Index step = learner_.optimizers.step_count() + (batches.empty() ? 0 : 1);
  std::string where = eg::inspect::find_non_finite(learner_.model);
  if (!where.empty()) where = (batches.empty() ? "" : "the step before broke ") + where;
  random_.restore();
  for (std::size_t i = 0; i < batches.size() && where.empty(); ++i) {
    where = eg::inspect::find_anomaly(learner_.model, [&] {
      return batch_loss(learner_.model(batches[i].images), batches[i],
                        static_cast<Index>(batches.size()));
    });
    if (!where.empty()) where.insert(0, "first ");
  }
  if (where.empty()) where = "a second try gives finite numbers; is this machine's memory sound?";
  throw eg::StateError(what + " not finite in step " + std::to_string(step) + " (epoch " +
                       std::to_string(state_.epoch) + "): " + where +
                       "; the checkpoints from before are kept in " + t_.out +
                       "; start again with a lower --lr or --muon-lr, a longer --warmup or "
                       "--clip 1");
}

void Trainer::require_finite() {
  if (!eg::inspect::find_non_finite(learner_.model).empty()) give_up("weights are", {});
}

EpochRecord Trainer::measure_epoch() {
  EpochRecord e;
  e.epoch = state_.epoch;
  e.step = learner_.optimizers.step_count();
  e.train_loss = state_.so_far.mean_loss();
  e.train_accuracy = state_.so_far.accuracy_percent();
  e.train_top5 = state_.so_far.top5_percent();
  e.learning_rate = learner_.optimizers.last_lr();
  e.images_per_s = state_.images_per_s();
  e.wait_seconds = state_.wait_seconds;
  if (data_.validation.size() > 0) {
    const UseSavedWeights use(learner_);
    const auto measured = eg::data::evaluate(measuring_loader(data_.validation, data_.normalization,
                                                              learner_.model.options().image_size),
                                             learner_.model);
    e.validation_loss = measured.loss();
    e.validation_accuracy = measured.accuracy_percent();
    e.validation_top5 = measured.top_percent(5);
  }
  lap();
  e.epoch_seconds = state_.epoch_seconds;
  e.seconds = state_.seconds;
  return e;
}

void Trainer::finish_epoch() {
  require_finite();
  const EpochRecord e = measure_epoch();
  state_.epochs.push_back(e);
  state_.epoch += 1;
  state_.batch = 0;
  state_.so_far = {};
  state_.train_seconds = state_.wait_seconds = state_.epoch_seconds = 0;

  // The state comes last: whatever is missing of the rest when the program dies in between is
  // written again, with the same bits, by the run that goes on from the state before.
  publisher_.save_model(learner_, "model.safetensors");
  const EpochRecord* best = best_epoch(state_.epochs);
  if (best && best->epoch == e.epoch) publisher_.save_model(learner_, "best.safetensors");
  recorder_.add_epoch(e, learner_.model);
  recorder_.write(state_.epochs);
  save();

  publisher_.print_epoch(state_.epochs);
}

void Trainer::finish_run() {
  if (stopped_early()) publisher_.print_early_end();
  RunDescription& run = recorder_.run();
  run.status = "finished";
  run.images_per_s = mean_speed(state_.epochs, double(plan_.batches * t_.batch));
  const bool tested = data_.test.size() > 0;
  report::Predictions predictions = [&] {
    const UseSavedWeights use(learner_);
    return report::predict_all(learner_.model, data_.normalization,
                               tested ? data_.test : data_.validation,
                               tested ? "test" : "validation");
  }();
  if (tested) {
    run.test_loss = predictions.metrics.loss();
    run.test_accuracy = predictions.metrics.accuracy_percent();
    run.test_top5 = predictions.metrics.top_percent(5);
    publisher_.print_test_accuracy(*run.test_accuracy);
  }
  lap();
  run.seconds = state_.seconds;
  recorder_.write(state_.epochs);
  if (predictions.size() > 0) publisher_.write_report(std::move(predictions), loader_);
  state_.finished = true;  // last: until the page is there, --resume has something left to do
  save();
  publisher_.print_end(state_.epochs);
}

void Trainer::save() {
  require_finite();
  recorder_.save(state_, learner_);
  last_save_ = Clock::now();
  lap();
}

}  // namespace vit
