// SPDX-License-Identifier: MIT
#include <cstdio>

#include <examples/common/program.hpp>
#include <examples/pretrain/commands.hpp>
#include <examples/pretrain/task.hpp>

namespace pretrain {
namespace {

struct ProbeSettings {
  std::string data;
  Index images = 10000;
  Index epochs = 30;
  Index batch = 256;
  double lr = 0.01;
  int threads = 0;
};

/// What an encoder makes of labelled images.
struct Features {
  eg::NdArray<float> x;  ///< (N, C)
  eg::NdArray<Index> labels;
};

Features features(const Learner& learner, const eg::data::ImageDataset& images) {
  const eg::NoGrad no_grad;
  const eg::EvaluationMode evaluation(learner.module());
  Features out{eg::NdArray<float>({images.size(), learner.encoder().options().dim}),
               images.labels()};
  float* to = out.x.data();
  for (const eg::data::Batch& batch : measuring_loader(images).epoch(0)) {
    const auto x = learner.encoder().features(learner.input(batch.images)).value();
    to = std::copy(x.begin(), x.end(), to);
  }
  return out;
}

/// Gives every feature of the training images mean 0 and deviation 1, and those of the validation
/// images the same treatment.
void standardise(eg::NdArray<float>& train, eg::NdArray<float>& validation) {
  const eg::NoGrad no_grad;
  const eg::Tensor<float> x(train);
  const auto mean = eg::mean(x, {0}, true);
  const auto scale = eg::rsqrt(eg::var(x, {0}, {.correction = 0, .keepdim = true}) + 1e-12f);
  for (eg::NdArray<float>* part : {&train, &validation}) {
    *part = ((eg::Tensor<float>(*part) - mean) * scale).value();
  }
}

/// Trains a linear classifier on features. **Returns** how many percent of the validation images it
/// recognises after the last epoch.
double probe_accuracy(Features train, Features validation, Index classes, const ProbeSettings& s,
                      std::uint64_t seed) {
  standardise(train.x, validation.x);
  eg::Generator rng(seed, 3);
  const eg::nn::Linear<float> classifier({.in_features = train.x.dim(1), .out_features = classes},
                                         rng);
  eg::optim::AdamW<float> adam(classifier.parameters(), {.lr = s.lr});
  const Index n = train.x.dim(0);
  const Index batches = (n + s.batch - 1) / s.batch;
  const auto schedule = eg::optim::cosine({.lr = s.lr, .total_steps = s.epochs * batches});
  const eg::Tensor<float> x(train.x);
  for (Index epoch = 0; epoch < s.epochs; ++epoch) {
    const eg::NdArray<Index> order = rng.permutation(n);
    for (Index first = 0; first < n; first += s.batch) {
      eg::NdArray<Index> rows({std::min(s.batch, n - first)});
      eg::NdArray<Index> labels(rows.shape());
      for (Index i = 0; i < rows.numel(); ++i) {
        rows(i) = order.data()[first + i];
        labels(i) = train.labels.data()[rows(i)];
      }
      adam.zero_grad();
      eg::cross_entropy(classifier(eg::index_select(x, 0, rows)), labels).backward();
      adam.set_lr(schedule(adam.step_count()));
      adam.step();
    }
  }
  const eg::NoGrad no_grad;
  eg::data::ClassificationMetrics metrics(classes);
  metrics.add(classifier(eg::Tensor<float>(validation.x)).value(), validation.labels);
  return metrics.accuracy_percent();
}

}  // namespace

int probe(const std::vector<std::string>& arguments) {
  ProbeSettings s;
  std::vector<std::string> folders;
  cli::Options options(
      "pretrain probe RUN --data DIR [options]",
      "Trains a linear classifier on what a run's frozen encoder makes of labelled "
      "images, and another\non what the same encoder made before its first step.");
  options.section("Options");
  add_data_option(options, s.data);
  options.add("images", s.images, "N", "labelled training images; 0 uses all", 0);
  options.add("epochs", s.epochs, "N", "passes of the classifier over them", 1);
  options.add("batch", s.batch, "N", "images per step", 1, 1000000);
  options.add("lr", s.lr, "X", "peak learning rate of AdamW; it falls to 0 along a cosine", 0, 10);
  cli::add_threads_option(options, s.threads);
  options.positional(folders);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  const std::string& folder = only_run("probe", folders);
  const Learner before = untrained_learner(folder);
  const Learner after = load_learner(folder);
  const std::uint64_t seed = after.record().seed;
  const eg::data::TrainValidation images = load_images(s.data, seed, s.images);
  cli::set_threads(s.threads);
  const auto classes = static_cast<Index>(images.train.classes().size());
  std::printf("a linear classifier on %lld features, %lld labelled images, %lld for validation\n",
              static_cast<long long>(after.encoder().options().dim),
              static_cast<long long>(images.train.size()),
              static_cast<long long>(images.validation.size()));
  const auto accuracy = [&](const Learner& learner) {
    return probe_accuracy(features(learner, images.train), features(learner, images.validation),
                          classes, s, seed);
  };
  const double untrained = accuracy(before);
  std::printf("untrained encoder          %6.2f %%\n", untrained);
  std::fflush(stdout);
  const double pretrained = accuracy(after);
  std::printf("pretrained, %-13s  %6.2f %% (%+.2f)\n", after.record().task.c_str(), pretrained,
              pretrained - untrained);
  return 0;
}

}  // namespace pretrain
