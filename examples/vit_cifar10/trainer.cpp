// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/models/whitening_filters.hpp>
#include <examples/vit_cifar10/console.hpp>
#include <examples/vit_cifar10/report/report.hpp>
#include <examples/vit_cifar10/trainer.hpp>

namespace vit {
namespace {

Learner make_learner(const TrainSettings& t, const ModelSettings& settings,
                     const TrainingData& data, const Plan& plan) {
  eg::Generator rng(t.seed);
  Model model = build_model(settings, rng);
  eg::models::initialize_whitening(model, data.train, {.normalization = data.normalization});
  Optimizers optimizers(model, t, plan.steps_per_epoch, plan.steps);
  return {model, std::move(optimizers), make_ema(model, t)};
}

}  // namespace

eg::data::DataLoader make_loader(const TrainSettings& t, const TrainingData& data, bool plain) {
  return eg::data::DataLoader(data.train,
                              {.batch_size = t.batch,
                               .shuffle = true,
                               .drop_last = true,
                               .workers = t.workers,
                               .seed = t.seed,
                               .augment = to_augment(t.augment, data.normalization, plain),
                               .mix = to_mix(t.augment, plain)});
}

Plan::Plan(const TrainSettings& t, Index images)
    : batches(images / t.batch),
      steps_per_epoch(eg::divide_up(batches, t.accumulate)),
      steps(t.steps > 0 ? t.steps : t.epochs * steps_per_epoch),
      epochs(static_cast<int>(eg::divide_up(steps, steps_per_epoch))) {}

Trainer::Trainer(TrainSettings settings, TrainingData data)
    : t_(std::move(settings)),
      data_(std::move(data)),
      plan_(t_, data_.train.size()),
      loader_(make_loader(t_, data_, false)),
      plain_loader_(make_loader(t_, data_, true)),
      patches_(t_.patch_schedule),
      learner_(make_learner(t_, t_.model, data_, plan_)),
      bar_(t_.progress) {
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
  const double seconds = std::chrono::duration<double>(now - last_lap_).count();
  last_lap_ = now;
  state_.seconds += seconds;
  state_.epoch_seconds += seconds;
  return seconds;
}

int Trainer::run(Json description) {
  description_ = std::move(description);
  log_.begin(t_.out, learner_.optimizers.step_count(), description_);
  if (state_.seconds == 0) {
    log_.write(description_, state_.epochs);
    save();  // from here on --resume works
  }
  while (!done()) {
    const bool complete = train_epoch();
    if (complete) finish_epoch();
    if (const int signal = signals_.received()) {
      save();
      print_interruption(t_.program, t_.out, state_.epoch, plan_.epochs,
                         learner_.optimizers.step_count());
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
  const Index grid = learner_.model.grid();
  std::printf("patches of %lld pixels from here on: %lld tokens an image\n",
              static_cast<long long>(wanted), static_cast<long long>(grid * grid));
  std::fflush(stdout);
}

bool Trainer::train_epoch() {
  change_patches();
  learner_.model.train();
  // With --steps the last epoch may be a part of one.
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
    draw();
    if (signals_.received()) break;
    if (std::chrono::duration<double>(Clock::now() - last_save_).count() > t_.save_every) save();
  }
  bar_.clear();
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
    state_.metrics.add(double(loss.item()) * double(group), logits.value(), batch->labels);
  }
  const double norm = t_.clip > 0 ? eg::optim::clip_grad_norm(parameters_, t_.clip)
                                  : eg::optim::grad_norm(parameters_);
  if (!std::isfinite(norm)) give_up("the gradient is", group_batches);
  learner_.optimizers.step();
  if (learner_.ema) learner_.ema->update();
  state_.batch += group;
  const Index step = learner_.optimizers.step_count();
  if (RunLog::draws(step)) log_.add_step(step, step_loss, norm, learner_.optimizers.last_lr());
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
  bar_.clear();
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
  throw eg::StateError(eg::detail::concat(
      what, " not finite in step ", step, " (epoch ", state_.epoch, "): ", where,
      "; the checkpoints from before are kept in ", t_.out,
      "; start again with a lower --lr or --muon-lr, a longer --warmup or --clip 1"));
}

void Trainer::require_finite() {
  if (!eg::inspect::find_non_finite(learner_.model).empty()) give_up("weights are", {});
}

Metrics Trainer::measure_on(const eg::data::ImageDataset& images) {
  std::optional<eg::optim::UseEma<float>> use;
  if (learner_.ema) use.emplace(*learner_.ema);
  return measure(learner_.model, images, data_.normalization);
}

report::Predictions Trainer::predict(const eg::data::ImageDataset& images,
                                     const std::string& part) {
  std::optional<eg::optim::UseEma<float>> use;
  if (learner_.ema) use.emplace(*learner_.ema);
  return report::predict_all(learner_.model, data_.normalization, images, part);
}

void Trainer::finish_epoch() {
  require_finite();
  EpochRecord e;
  e.epoch = state_.epoch;
  e.step = learner_.optimizers.step_count();
  e.train_loss = state_.metrics.loss();
  e.train_accuracy = state_.metrics.accuracy();
  e.train_top5 = state_.metrics.top5_accuracy();
  e.learning_rate = learner_.optimizers.last_lr();
  e.images_per_s = double(state_.metrics.images) / state_.train_seconds;
  e.wait_seconds = state_.wait_seconds;
  if (data_.validation.size() > 0) {
    const Metrics held_out = measure_on(data_.validation);
    e.has_validation = true;
    e.validation_loss = held_out.loss();
    e.validation_accuracy = held_out.accuracy();
    e.validation_top5 = held_out.top5_accuracy();
  }
  lap();
  e.epoch_seconds = state_.epoch_seconds;
  e.seconds = state_.seconds;
  state_.epochs.push_back(e);
  state_.epoch += 1;
  state_.batch = 0;
  state_.metrics = {};
  state_.train_seconds = state_.wait_seconds = state_.epoch_seconds = 0;

  // The state comes last: whatever is missing of the rest when the program dies in between is
  // written again, with the same bits, by the run that goes on from the state before.
  save_model("model.safetensors");
  const EpochRecord* best = best_epoch(state_.epochs);
  if (best && best->epoch == e.epoch) save_model("best.safetensors");
  log_.add_epoch(e, learner_.model);
  log_.write(description_, state_.epochs);
  save();

  print_epoch(state_.epochs, plan_.epochs);
}

void Trainer::finish_run() {
  if (stopped_early()) {
    std::printf("ended early: validation has not improved for %d epochs\n", t_.patience);
  }
  double trained = 0;
  double train_seconds = 0;
  for (const EpochRecord& e : state_.epochs) {
    const double images = double(plan_.batches * t_.batch);
    trained += images;
    train_seconds += images / e.images_per_s;
  }
  description_["status"] = "finished";
  description_["images_per_s"] = trained / train_seconds;
  const bool tested = data_.test.size() > 0;
  report::Predictions predictions =
      tested ? predict(data_.test, "test") : predict(data_.validation, "validation");
  if (tested) {
    const double accuracy = 100 * predictions.metrics.accuracy();
    description_["test_loss"] = predictions.metrics.loss();
    description_["test_accuracy"] = accuracy;
    description_["test_top5"] = 100 * predictions.metrics.top(5);
    std::printf("test accuracy %.2f %%\n", accuracy);
  }
  lap();
  description_["seconds"] = state_.seconds;
  log_.write(description_, state_.epochs);
  if (predictions.size() > 0) report::make_report(t_.out, std::move(predictions), &loader_);
  state_.finished = true;  // last: until the page is there, --resume has something left to do
  save();
}

void Trainer::save_model(const std::string& name) {
  std::optional<eg::optim::UseEma<float>> use;
  if (learner_.ema) use.emplace(*learner_.ema);
  save_checkpoint(t_.out + "/" + name,
                  {data_.normalization, data_.train.classes(), data_.source, learner_.model});
}

void Trainer::save() {
  require_finite();
  log_.flush();  // what is behind the saved step in the event file will be purged
  save_state(t_.out + "/state.safetensors", state_, learner_, description_);
  last_save_ = Clock::now();
  lap();
}

void Trainer::draw() {
  const Index step = learner_.optimizers.step_count();
  const double rate = double(state_.metrics.images) / state_.train_seconds;
  double left = double((plan_.steps - step) * t_.accumulate * t_.batch) / rate;
  if (!state_.epochs.empty()) {
    // What an epoch takes beside its steps: measuring and saving.
    const EpochRecord& e = state_.epochs.back();
    const double beside = e.epoch_seconds - double(plan_.batches * t_.batch) / e.images_per_s;
    left += std::max(beside, 0.0) * double(plan_.epochs - state_.epoch + 1);
  }
  bar_.draw({.epoch = state_.epoch,
             .epochs = plan_.epochs,
             .epoch_fraction = double(state_.batch) / double(plan_.batches),
             .run_fraction = double(step) / double(plan_.steps),
             .loss = state_.metrics.loss(),
             .accuracy_percent = state_.metrics.accuracy(),
             .images_per_s = rate,
             .seconds_left = left});
}

}  // namespace vit
