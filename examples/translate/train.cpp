// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include <examples/common/clock_time.hpp>
#include <examples/common/program.hpp>
#include <examples/common/run_folder.hpp>
#include <examples/common/saved_options.hpp>
#include <examples/translate/commands.hpp>
#include <examples/translate/measure.hpp>
#include <examples/translate/run_record.hpp>
#include <examples/translate/settings.hpp>

namespace translate {
namespace {

long long printed(Index n) { return static_cast<long long>(n); }

Model make_model(const TrainSettings& t, const Vocabularies& vocabularies) {
  eg::Generator rng(t.task.seed);
  return Model({.source_vocabulary = vocabularies.source.size(),
                .target_vocabulary = vocabularies.target.size(),
                .dim = t.dim,
                .encoder_depth = t.encoder_depth,
                .decoder_depth = t.decoder_depth,
                .layer = {.heads = t.heads},
                .dropout = t.dropout,
                .max_length = longest(t.task),
                .padding = Vocabulary::kPadding},
               rng);
}

/// A run from its first step to its end.
class Trainer {
 public:
  Trainer(TrainSettings settings, eg::io::Json configuration)
      : t_(std::move(settings)),
        task_(t_.task, Part::kTrain),
        unseen_(Task(t_.task, Part::kUnseen).next(t_.eval_pairs)),
        learned_(make_learned(t_)),
        parameters_(learned_.model.parameters()),
        adam_(eg::optim::decay_groups(learned_.model.parameters_with_roles()),
              {.lr = t_.lr, .betas = {0.9, 0.98}, .weight_decay = t_.weight_decay}),
        schedule_(eg::optim::cosine({.warmup_steps = std::min(t_.warmup, t_.steps),
                                     .total_steps = t_.steps,
                                     .min_factor = 0.05})) {
    record_.configuration = std::move(configuration);
    record_.parameters = learned_.model.parameter_count();
  }

  void run() {
    print_start();
    for (Index step = 0; step < t_.steps; ++step) {
      const auto start = Clock::now();
      sum_ += train_step(step);
      train_seconds_ += seconds_since(start);
      if ((step + 1) % t_.eval_every == 0 || step + 1 == t_.steps) measure(step + 1);
    }
    finish();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static Checkpoint make_learned(const TrainSettings& t) {
    Vocabularies vocabularies = make_vocabularies(t.task.task);
    Model model = make_model(t, vocabularies);
    return {std::move(model), std::move(vocabularies)};
  }
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  double train_step(Index step) {
    adam_.zero_grad();
    const Batch batch = make_batch(task_.next(t_.batch), learned_.vocabularies);
    const eg::Tensor<float> loss = batch_loss(learned_.model, batch);
    loss.backward();
    const double norm = t_.clip > 0 ? eg::optim::clip_grad_norm(parameters_, t_.clip)
                                    : eg::optim::grad_norm(parameters_);
    if (!std::isfinite(loss.item()) || !std::isfinite(norm)) {
      throw eg::StateError("the loss or its gradient is not finite in step " +
                           std::to_string(step + 1) + "; start again with a lower --lr");
    }
    adam_.set_lr_factor(schedule_(step));
    adam_.step();
    return static_cast<double>(loss.item());
  }

  void measure(Index step) {
    const auto steps = static_cast<double>(step - measured_at_);
    const Measurement m{.step = step,
                        .train_loss = sum_ / steps,
                        .unseen_loss = mean_loss(learned_, unseen_),
                        .right = share_right(translations(learned_, unseen_, 0), unseen_),
                        .seconds = seconds_since(start_)};
    record_.measurements.push_back(m);
    sum_ = 0;
    measured_at_ = step;
    std::printf("step %5lld/%lld  loss %.4f  unseen %.4f  right %5.1f %%  %s\n", printed(step),
                printed(t_.steps), m.train_loss, m.unseen_loss, 100 * m.right,
                cli::clock_time(m.seconds).c_str());
    std::fflush(stdout);
    save_checkpoint(t_.out + "/model.safetensors", learned_);
  }

  void finish() {
    const auto greedy = translations(learned_, unseen_, 0);
    const auto beam = translations(learned_, unseen_, t_.beams);
    record_.greedy_right = share_right(greedy, unseen_);
    record_.beam_right = share_right(beam, unseen_);
    record_.ms_per_step = 1000 * train_seconds_ / static_cast<double>(t_.steps);
    record_.seconds = seconds_since(start_);
    eg::io::write_file(t_.out + "/run.json", eg::io::to_json(record_).dump(2) + "\n");
    std::printf("%lld steps, %.1f ms each\n", printed(t_.steps), record_.ms_per_step);
    std::printf(
        "of %zu unseen pairs, %.1f %% are right by greedy search, %.1f %% with %lld beams\n",
        unseen_.size(), 100 * record_.greedy_right, 100 * record_.beam_right, printed(t_.beams));
    std::printf("in %s: model.safetensors, run.json\n\n", t_.out.c_str());
    for (std::size_t i = 0; i < std::min<std::size_t>(unseen_.size(), 8); ++i) {
      const bool right = beam[i] == unseen_[i].target;
      std::printf("%s -> %s%s\n", unseen_[i].source.c_str(), beam[i].c_str(),
                  right ? "" : (" (it is " + unseen_[i].target + ")").c_str());
    }
    std::printf("\nmore: %s run %s \"%s\"\n", t_.program.c_str(), t_.out.c_str(),
                unseen_[0].source.c_str());
  }

  void print_start() const {
    const auto& options = learned_.model.options();
    std::printf(
        "task %s: %lld source tokens, %lld target tokens; a tenth of the sources is unseen\n",
        t_.task.task.c_str(), printed(options.source_vocabulary),
        printed(options.target_vocabulary));
    std::printf("%lld + %lld layers, %lld heads, %lld wide: %lld parameters; %d thread%s\n",
                printed(t_.encoder_depth), printed(t_.decoder_depth), printed(t_.heads),
                printed(t_.dim), printed(record_.parameters), eg::num_threads(),
                eg::num_threads() == 1 ? "" : "s");
    std::fflush(stdout);
  }

  TrainSettings t_;
  Task task_;
  std::vector<Pair> unseen_;
  Checkpoint learned_;
  std::vector<eg::Tensor<float>> parameters_;
  eg::optim::AdamW<float> adam_;
  eg::optim::Schedule schedule_;
  RunRecord record_;
  double sum_ = 0;  ///< of the losses since the last measurement
  Index measured_at_ = 0;
  double train_seconds_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

int train(const std::vector<std::string>& arguments, const std::string& program) {
  TrainSettings t;
  cli::Options options(
      "translate train [options]",
      "Trains a transformer, encoder and decoder, on pairs that the program makes, "
      "and prints its\nloss per target token and the share of unseen sources that "
      "it gets right as a whole.");
  add_train_options(options, t);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  check_task(t.task);
  if (t.dim % 2 != 0) throw cli::UsageError("--dim must be even: " + std::to_string(t.dim));
  if (t.dim % t.heads != 0) {
    throw cli::UsageError("--heads must divide --dim: " + std::to_string(t.heads) + " and " +
                          std::to_string(t.dim));
  }
  if (t.out.empty()) t.out = cli::default_folder();
  if (eg::io::is_file(t.out + "/model.safetensors")) {
    throw cli::UsageError("--out " + t.out + " holds a model already; choose another folder");
  }
  t.program = program;
  cli::set_threads(t.threads);
  Trainer trainer(t, cli::to_json(options));
  eg::io::make_folder(t.out);  // only now: a wrong model leaves no folder
  trainer.run();
  return 0;
}

}  // namespace translate
