// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <utility>

#include <examples/char_lm/measure.hpp>
#include <examples/char_lm/trainer.hpp>
#include <examples/char_lm/write.hpp>
#include <examples/common/clock_time.hpp>
#include <examples/common/run_folder.hpp>

namespace char_lm {
namespace {

constexpr const char* kRun = "char_lm.run";
constexpr const char* kState = "char_lm.state";

Model make_model(const TrainSettings& t, Index vocabulary) {
  eg::Generator rng(t.seed);
  return Model({.vocabulary = vocabulary,
                .context = t.context,
                .dim = t.dim,
                .depth = t.depth,
                .layer = {.heads = t.heads},
                .dropout = t.dropout},
               rng);
}

/// Streams of their own: what is measured is not what is learned from next.
enum class Stream : std::uint64_t { kTrain, kMeasured, kValidation };

eg::data::TokenWindowsOptions windows(const TrainSettings& t, Stream stream) {
  eg::Generator rng = eg::Generator(t.seed).fork(static_cast<std::uint64_t>(stream), 1);
  return {.context = t.context, .batch = t.batch, .seed = rng.next()};
}

const Measurement& best_of(const std::vector<Measurement>& measurements) {
  return *std::min_element(
      measurements.begin(), measurements.end(),
      [](const auto& a, const auto& b) { return a.validation_loss < b.validation_loss; });
}

long long printed(Index n) { return static_cast<long long>(n); }

}  // namespace

SavedRun open_run(const std::string& folder) {
  SavedRun out{cli::SavedState(cli::state_path(folder)), {}, {}};
  const eg::io::Json run = out.saved.metadata(kRun);
  const eg::io::Json state = out.saved.metadata(kState);
  out.saved.guard([&] {
    out.run = eg::io::from_json<RunDescription>(run);
    out.state = eg::io::from_json<RunState>(state);
  });
  return out;
}

Trainer::Trainer(TrainSettings settings, Text text, eg::io::Json configuration)
    : t_(std::move(settings)),
      text_(std::move(text)),
      train_(text_.train, windows(t_, Stream::kTrain)),
      measured_(text_.train, windows(t_, Stream::kMeasured)),
      validation_(text_.validation, windows(t_, Stream::kValidation)),
      model_(make_model(t_, text_.vocabulary.size())),
      parameters_(model_.parameters()),
      adam_(eg::optim::decay_groups(model_.parameters_with_roles()),
            {.lr = t_.lr, .betas = {0.9, 0.99}, .weight_decay = t_.weight_decay}),
      schedule_(eg::optim::cosine({.warmup_steps = std::min(t_.warmup, t_.steps),
                                   .total_steps = t_.steps,
                                   .min_factor = t_.lr > 0 ? t_.final_lr / t_.lr : 1})),
      run_{std::move(configuration), text_.fingerprint, text_.size(), text_.vocabulary.size(),
           model_.parameter_count()} {}

void Trainer::restore(const cli::SavedState& saved) {
  const eg::io::SafetensorsFile& file = saved.file();
  saved.guard([&] {
    state_ = eg::io::from_json<RunState>(saved.metadata(kState));
    model_.load_state_dict(file.get_all<float>("model."));
    eg::nn::load_random_state(model_, file.get_all<Index>("random."));
    adam_.load_state_dict(file.get_all<float>("adamw."));
  });
}

double Trainer::lap() {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_lap_).count();
  last_lap_ = now;
  state_.seconds += seconds;
  return seconds;
}

int Trainer::run() {
  print_start();
  lap();
  if (state_.measurements.empty()) measure();
  while (state_.step < t_.steps) {
    train_step();
    if (state_.step % t_.eval_every == 0 || state_.step == t_.steps) measure();
    if (const int signal = signals_.received(); signal != 0 && state_.step < t_.steps) {
      save_state();
      print_interruption(signal);
      return 128 + signal;
    }
  }
  finish();
  return 0;
}

void Trainer::train_step() {
  adam_.zero_grad();
  const eg::Tensor<float> loss = batch_loss(model_, train_.random(state_.step));
  loss.backward();
  const double norm = t_.clip > 0 ? eg::optim::clip_grad_norm(parameters_, t_.clip)
                                  : eg::optim::grad_norm(parameters_);
  if (!std::isfinite(loss.item()) || !std::isfinite(norm)) {
    throw eg::StateError("the loss or its gradient is not finite in step " +
                         std::to_string(state_.step + 1) + "; start again with a lower --lr");
  }
  adam_.set_lr_factor(schedule_(state_.step));
  adam_.step();
  state_.step += 1;
  state_.train_seconds += lap();
}

void Trainer::measure() {
  Measurement m{.step = state_.step,
                .train_loss = sampled_loss(model_, measured_, t_.eval_batches),
                .validation_loss = sampled_loss(model_, validation_, t_.eval_batches)};
  lap();
  m.seconds = state_.seconds;
  state_.measurements.push_back(m);
  std::printf("step %5lld/%lld  train %.4f  validation %.4f  %s", printed(m.step),
              printed(t_.steps), m.train_loss, m.validation_loss,
              cli::clock_time(m.seconds).c_str());
  if (m.step > 0) {
    const double characters = static_cast<double>(m.step * t_.batch * t_.context);
    std::printf("  %.0f characters/s", characters / state_.train_seconds);
  }
  std::printf("\n");
  std::fflush(stdout);
  // The state comes last: a run that goes on from the state before makes the same model again.
  if (&best_of(state_.measurements) == &state_.measurements.back()) {
    save_checkpoint(t_.out + "/model.safetensors", model_, text_.vocabulary);
  }
  save_state();
}

void Trainer::save_state() {
  lap();
  eg::io::SafetensorsWriter file;
  file.add_all("model.", model_.state_dict());
  file.add_all("random.", eg::nn::random_state(model_));
  file.add_all("adamw.", adam_.state_dict());
  file.add_metadata(kRun, eg::io::to_json(run_).dump());
  file.add_metadata(kState, eg::io::to_json(state_).dump());
  file.write(cli::state_path(t_.out));
}

void Trainer::finish() {
  const Checkpoint best = load_checkpoint(t_.out);
  const RunRecord record{.run = run_,
                         .measurements = state_.measurements,
                         .validation_loss = whole_loss(best.model, validation_),
                         .ms_per_step = 1000 * state_.train_seconds / double(t_.steps),
                         .seconds = state_.seconds};
  eg::io::write_file(t_.out + "/run.json", eg::io::to_json(record).dump(2) + "\n");
  std::printf("%lld steps in %s, %.1f ms per step and the rest for measuring\n", printed(t_.steps),
              cli::clock_time(state_.seconds).c_str(), record.ms_per_step);
  std::printf(
      "validation loss %.4f per character (%.3f bits) over all %lld windows, after step %lld\n",
      record.validation_loss, record.validation_loss / std::log(2.0),
      printed(validation_.window_count()), printed(best_of(state_.measurements).step));
  std::printf("in %s: model.safetensors (least validation loss), run.json, state.safetensors\n\n",
              t_.out.c_str());
  eg::Generator rng(t_.seed);
  write(best, first_prompt(best.vocabulary), {.count = 500, .sample = kUsualSample}, rng);
  std::printf("\n\nmore: %s sample %s --prompt \"...\"\n", t_.program.c_str(), t_.out.c_str());
  state_.finished = true;
  save_state();
}

void Trainer::print_start() const {
  std::printf("%s: %lld characters, %lld different ones; the last %lld validate\n", t_.text.c_str(),
              printed(text_.size()), printed(text_.vocabulary.size()),
              printed(text_.validation.numel()));
  std::printf("%lld layers, %lld heads, %lld wide, context %lld: %lld parameters; %d thread%s\n",
              printed(t_.depth), printed(t_.heads), printed(t_.dim), printed(t_.context),
              printed(run_.parameters), eg::num_threads(), eg::num_threads() == 1 ? "" : "s");
  if (state_.step > 0) std::printf("continuing after step %lld\n", printed(state_.step));
  std::fflush(stdout);
}

void Trainer::print_interruption(int signal) const {
  std::printf("%s: saved after step %lld of %lld; to continue:\n  %s train --resume %s\n",
              signal == SIGINT ? "interrupted" : "terminated", printed(state_.step),
              printed(t_.steps), t_.program.c_str(), t_.out.c_str());
  std::fflush(stdout);
}

}  // namespace char_lm
