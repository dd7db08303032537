// SPDX-License-Identifier: MIT
// Batches of augmented images, beside what a training step consumes.
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

/// Seconds that the step of the default model takes for an image.
double step_seconds(bool quick) {
  static const double seconds = [quick] {
    Step step({.batch = kBatch, .depth = 4, .mlp_ratio = 2, .channels = "32,96"});
    return time_runs(step, quick ? 1 : 5, quick ? 0 : 2).median / double(kBatch);
  }();
  return seconds;
}

void add(Suite& suite, const std::string& name, Index prefetch) {
  const bool quick = suite.settings().quick;
  suite.add(name, {}, 1e-5, [=] {
    auto images =
        std::make_shared<eg::data::ImageDataset>(eg::data::synthetic_images({.images = kImages}));
    auto loader = std::make_shared<eg::data::DataLoader>(
        *images, eg::data::DataLoaderOptions{
                     .batch_size = kBatch,
                     .prefetch = prefetch,
                     .augment = {.normalization = {.mean = kMean, .stddev = kDeviation},
                                 .crop_padding = kPad,
                                 .flip = eg::data::Flip::kRandom}});
    auto run = [=] {
      for (auto& batch : loader->epoch(0)) (void)batch;
    };
    return Kernel{.run = run,
                  .error =
                      [=] {
                        auto epoch = loader->epoch(0);
                        return augmentation_error(*images, epoch.begin()->images.value());
                      },
                  .note =
                      [=](const Timing& t) {
                        const double each = t.median / double(kImages);
                        char text[96];
                        std::snprintf(
                            text, sizeof text, "%.0f images/s, a step consumes %.0f: %.1f %% of it",
                            1 / each, 1 / step_seconds(quick), 100 * each / step_seconds(quick));
                        return std::string(text);
                      }};
  });
}

}  // namespace

void loading_benchmarks(Suite& suite) {
  add(suite, "loading, crop and flip, in the background", 2);
  add(suite, "loading, crop and flip, when asked for", 0);
}

}  // namespace bench
