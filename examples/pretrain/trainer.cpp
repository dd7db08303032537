// SPDX-License-Identifier: MIT
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <examples/pretrain/trainer.hpp>

namespace pretrain {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The loss on validation images; masks are the same each time.
Measurement measure(const Learner& learner, const eg::data::ImageDataset& images) {
  const eg::NoGrad no_grad;
  const eg::EvaluationMode evaluation(learner.module());
  eg::Generator masks(learner.record().seed, 2);
  double sum = 0;
  Index correct = 0;
  Index asked = 0;
  for (const eg::data::Batch& batch : measuring_loader(images).epoch(0)) {
    const Outcome outcome = learner(batch.images, masks);
    sum += double(outcome.loss.item()) * double(batch.images.dim(0));
    correct += outcome.correct;
    asked += outcome.asked;
  }
  Measurement out{.validation_loss = sum / double(images.size())};
  if (asked > 0) out.validation_accuracy = 100.0 * double(correct) / double(asked);
  return out;
}

void print(const Measurement& m, Index epochs, double images_per_s) {
  std::printf("epoch %lld/%lld", static_cast<long long>(m.epoch), static_cast<long long>(epochs));
  if (m.train_loss) std::printf("  loss %.4f", *m.train_loss);
  std::printf("  validation %.4f", m.validation_loss);
  if (m.validation_accuracy) std::printf(", %.2f %% right", *m.validation_accuracy);
  if (images_per_s > 0) std::printf("  %.0f images/s  %.0f s", images_per_s, m.seconds);
  std::printf("\n");
  std::fflush(stdout);
}

/// The optimiser with its learning rate from step to step.
class Stepper {
 public:
  Stepper(const RunSettings& s, const eg::nn::Module<float>& module, Index steps)
      : parameters_(module.parameters()),
        clip_(s.clip),
        adam_(eg::optim::decay_groups(module.parameters_with_roles()),
              {.lr = s.lr, .weight_decay = s.weight_decay}),
        schedule_(eg::optim::cosine(
            {.lr = s.lr, .warmup_steps = std::min(s.warmup, steps), .total_steps = steps})) {}

  void operator()(const eg::Tensor<float>& loss) {
    adam_.zero_grad();
    loss.backward();
    if (!std::isfinite(eg::optim::clip_grad_norm(parameters_, clip_))) {
      throw std::runtime_error("the loss is no number any more; try a lower --lr");
    }
    adam_.set_lr(schedule_(adam_.step_count()));
    adam_.step();
  }

 private:
  std::vector<eg::Tensor<float>> parameters_;
  double clip_;
  eg::optim::AdamW<float> adam_;
  eg::optim::Schedule schedule_;
};

}  // namespace

std::vector<Measurement> train(const RunSettings& s, const Learner& learner,
                               const eg::data::TrainValidation& images) {
  const auto start = Clock::now();
  const eg::data::DataLoader loader(images.train, {.batch_size = s.batch,
                                                   .shuffle = true,
                                                   .drop_last = true,
                                                   .seed = s.seed,
                                                   .augment = {.normalization = normalization(),
                                                               .flip = eg::data::Flip::kRandom}});
  Stepper step(s, learner.module(), s.epochs * loader.batches());
  eg::Generator masks(s.seed, 1);
  std::vector<Measurement> out = {measure(learner, images.validation)};
  print(out.back(), s.epochs, 0);
  for (Index epoch = 1; epoch <= s.epochs; ++epoch) {
    const auto begin = Clock::now();
    double sum = 0;
    for (const eg::data::Batch& batch : loader.epoch(epoch - 1)) {
      const eg::Tensor<float> loss = learner(batch.images, masks).loss;
      step(loss);
      sum += double(loss.item());
    }
    const double took = seconds_since(begin);
    out.push_back(measure(learner, images.validation));
    out.back().epoch = epoch;
    out.back().train_loss = sum / double(loader.batches());
    out.back().seconds = seconds_since(start);
    print(out.back(), s.epochs, double(loader.batches() * s.batch) / took);
  }
  return out;
}

}  // namespace pretrain
