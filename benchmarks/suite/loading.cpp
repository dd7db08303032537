// SPDX-License-Identifier: MIT
// Batches of augmented images, compared with what a training step consumes.
#include <benchmarks/step.hpp>
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>
#include <cstdio>

#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/synthetic.hpp>

namespace bench {
namespace {

constexpr Index kImages = 1280, kBatch = 128, kPad = 4, kSide = 32;
const std::vector<float> kMean = {0.5f, 0.45f, 0.4f}, kDeviation = {0.2f, 0.25f, 0.3f};

/// Where a pixel beyond the edge comes from: the image's mirror image without the edge.
Index reflect(Index at) { return at < 0 ? -at : at < kSide ? at : 2 * (kSide - 1) - at; }

/// The largest distance of an image to the original, moved by (down, right) and maybe mirrored.
double distance(const float* image, const std::uint8_t* from, Index down, Index right, bool flip,
                double enough) {
  double worst = 0;
  for (Index at = 0; at < 3 * kSide * kSide && worst < enough; ++at) {
    const Index c = at / kSide / kSide, y = at / kSide % kSide;
    const Index x = flip ? kSide - 1 - at % kSide : at % kSide;
    const double pixel = from[(c * kSide + reflect(y + down)) * kSide + reflect(x + right)] / 255.0;
    const double expected = (pixel - kMean[std::size_t(c)]) / kDeviation[std::size_t(c)];
    worst = std::max(worst, std::abs(image[at] - expected));
  }
  return worst;
}

/// How far each image is from the nearest of all those that it may have become.
double augmentation_error(const eg::data::ImageDataset& images, const Array& batch) {
  double worst = 0;
  for (Index i = 0; i < kBatch; ++i) {
    double best = 1e9;
    for (Index down = -kPad; down <= kPad; ++down) {
      for (Index right = -kPad; right <= kPad; ++right) {
        for (bool flip : {false, true}) {
          best = std::min(best, distance(batch.data() + i * 3 * kSide * kSide, images.image(i),
                                         down, right, flip, best));
        }
      }
    }
    worst = std::max(worst, best);
  }
  return worst;
}

/// Seconds per image of the default model's training step.
double step_seconds(bool quick) {
  static const double seconds = [quick] {
    Step step({.batch = kBatch, .depth = 4, .mlp_ratio = 2, .channels = "32,96"});
    return time_runs(step, quick ? 1 : 5, quick ? 0 : 2).median / double(kBatch);
  }();
  return seconds;
}

/// What one image costs, compared with a training step's time for it.
std::string rate(const Timing& t, bool quick) {
  const double each = t.median / double(kImages);
  char text[96];
  std::snprintf(text, sizeof text, "%.0f images/s, a step consumes %.0f: %.1f %% of it", 1 / each,
                1 / step_seconds(quick), 100 * each / step_seconds(quick));
  return text;
}

struct Loading {
  eg::data::ImageDataset images;
  eg::data::DataLoader loader;

  Loading(const eg::data::Augment& augment, Index prefetch, const eg::data::MixOptions& mix = {})
      : images(eg::data::synthetic_images({.images = kImages})),
        loader(images, {.batch_size = kBatch,
                        .prefetch = prefetch,
                        .workers = 1,
                        .augment = augment,
                        .mix = mix}) {}

  void run() const {
    for (auto& batch : loader.epoch(0)) (void)batch;
  }
};

void add(Suite& suite, const std::string& name, Index prefetch) {
  const bool quick = suite.settings().quick;
  suite.add(name, {}, 1e-5, [=] {
    auto loading = std::make_shared<Loading>(
        eg::data::Augment{.normalization = {.mean = kMean, .stddev = kDeviation},
                          .crop_padding = kPad,
                          .flip = eg::data::Flip::kRandom},
        prefetch);
    return Kernel{.run = [=] { loading->run(); },
                  .error =
                      [=] {
                        auto epoch = loading->loader.epoch(0);
                        return augmentation_error(loading->images, epoch.begin()->images.value());
                      },
                  .note = [=](const Timing& t) { return rate(t, quick); }};
  });
}

/// One transform, by one worker. What it does to an image is held against Pillow in tests/data;
/// here each image must be what it is alone.
void add_transform(Suite& suite, const std::string& name, eg::data::Augment augment) {
  const bool quick = suite.settings().quick;
  augment.normalization = {.mean = kMean, .stddev = kDeviation};
  suite.add("loading, " + name, {}, 0, [=] {
    auto loading = std::make_shared<Loading>(augment, 2);
    return Kernel{.run = [=] { loading->run(); },
                  .error =
                      [=] {
                        const eg::data::DataLoader alone(
                            loading->images, {.batch_size = 1, .prefetch = 0, .augment = augment});
                        auto batches = loading->loader.epoch(0);
                        const Array expected = batches.begin()->images.value();
                        const Index size = expected.numel() / kBatch;
                        double worst = 0;
                        Index image = 0;
                        for (auto& one : alone.epoch(0)) {
                          for (Index i = 0; i < size; ++i) {
                            worst = std::max(worst,
                                             double(std::abs(one.images.value().data()[i] -
                                                             expected.data()[image * size + i])));
                          }
                          if (++image == kBatch) break;
                        }
                        return worst;
                      },
                  .note = [=](const Timing& t) { return rate(t, quick); }};
  });
}

/// A training run whose batches are made in the background, by one worker as hard as can be: how
/// much of the time the model waits for them.
void add_training(Suite& suite) {
  const bool quick = suite.settings().quick;
  suite.add("training while loading, RandAugment, CutMix", {}, 0, [=] {
    auto loading = std::make_shared<Loading>(eg::data::Augment{.crop_padding = kPad,
                                                               .flip = eg::data::Flip::kRandom,
                                                               .policy = eg::data::RandAugment{},
                                                               .erasing = {.probability = 0.25}},
                                             2, eg::data::MixOptions{.cutmix_alpha = 1});
    auto step = std::make_shared<Step>(
        StepSettings{.batch = kBatch, .depth = 4, .mlp_ratio = 2, .channels = "32,96"});
    auto waited = std::make_shared<double>(0);
    return Kernel{.run =
                      [=] {
                        auto epoch = loading->loader.epoch(0);
                        Index batches = 0;
                        for (auto& batch : epoch) {
                          (void)batch;
                          (*step)();
                          if (quick && ++batches == 2) break;
                        }
                        *waited = epoch.seconds_waited();
                      },
                  .error = [=] { return 0.0; },
                  .note =
                      [=](const Timing& t) {
                        char text[96];
                        std::snprintf(text, sizeof text, "the model waited %.2f %% of the time",
                                      100 * *waited / t.median);
                        return std::string(text);
                      }};
  });
}

}  // namespace

void loading_benchmarks(Suite& suite) {
  add(suite, "loading, crop and flip, in the background", 2);
  add(suite, "loading, crop and flip, when asked for", 0);
  using namespace eg::data;
  add_transform(suite, "nothing but normalised", {});
  add_transform(suite, "random resized crop", {.resized_crop = RandomResizedCrop{}});
  add_transform(suite, "random resized crop, bicubic",
                {.resized_crop = RandomResizedCrop{.interpolation = eg::Interpolation::kBicubic}});
  add_transform(suite, "rotation and zoom", {.rotation = 15, .zoom = {0.9, 1.1}});
  add_transform(suite, "RandAugment", {.policy = RandAugment{}});
  add_transform(suite, "AutoAugment", {.policy = AutoAugment{}});
  add_transform(suite, "TrivialAugmentWide", {.policy = TrivialAugmentWide{}});
  add_transform(suite, "jitter without hue",
                {.jitter = {.brightness = 0.4, .contrast = 0.4, .saturation = 0.4}});
  add_transform(suite, "jitter of the hue", {.jitter = {.hue = 0.1}});
  add_transform(suite, "erasing", {.erasing = {.probability = 0.25}});
  add_transform(suite, "erasing, noise", {.erasing = {.probability = 0.25, .noise = true}});
  add_training(suite);
}

}  // namespace bench
