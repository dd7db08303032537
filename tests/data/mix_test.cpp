// SPDX-License-Identifier: MIT
#include <eigengrad/data/loader.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using data::DataLoader;
using data::DataLoaderOptions;
using data::MixOptions;
using data::detail::Mixing;
using test::Index;
using test::NdArray;
using test::Shape;

namespace {

constexpr Index kClasses = 5;

/// Image i is all of the byte i + 1 and has the class i % 5.
data::ImageDataset flat_images(Index n) {
  NdArray<std::uint8_t> images({n, 3, 6, 9});
  NdArray<Index> labels(Shape{n});
  for (Index i = 0; i < n; ++i) {
    std::fill_n(images.data() + i * 162, 162, static_cast<std::uint8_t>(i + 1));
    labels(i) = i % kClasses;
  }
  return data::ImageDataset(images, labels, std::vector<std::string>(kClasses, "c"));
}

std::vector<data::Batch> collect(const DataLoader& loader, Index epoch) {
  std::vector<data::Batch> out;
  for (auto& batch : loader.epoch(epoch)) out.push_back(batch);
  return out;
}

DataLoaderOptions mixed(const MixOptions& mix) {
  return {.batch_size = 8, .drop_last = true, .seed = 3, .mix = mix};
}

/// Numbers 1, 2, ... as images (B, 1, 2, 3).
NdArray<float> counted(Index n) { return NdArray<float>::arange(6 * n).reshape({n, 1, 2, 3}); }

}  // namespace

TEST_CASE("mix: value") {
  SECTION("MixUp") {
    NdArray<float> images = counted(3);
    data::detail::mix_images(images, {.lambda = 0.75});
    for (Index i = 0; i < 6; ++i) {
      const auto at = static_cast<float>(i);
      CHECK(images.data()[i] == 0.75f * at + 0.25f * (at + 12));
      CHECK(images.data()[6 + i] == at + 6);  // in the middle, mixed with itself
      CHECK(images.data()[12 + i] == 0.75f * (at + 12) + 0.25f * at);
    }
  }
  SECTION("CutMix") {
    NdArray<float> images = counted(2);
    data::detail::mix_images(images, {0.5, 0, 1, 1, 2});
    CHECK_SAME(images, NdArray<float>({2, 1, 2, 3}, {0, 7, 8, 3, 4, 5, 6, 1, 2, 9, 10, 11}));
  }
  SECTION("labels") {
    NdArray<Index> labels({3}, {0, 1, 2});
    NdArray<float> targets({3, 4});
    data::detail::mix_labels(targets, labels, 0.75);
    CHECK_CLOSE(targets,
                NdArray<float>({3, 4}, {0.75f, 0, 0.25f, 0, 0, 1, 0, 0, 0.25f, 0, 0.75f, 0}), 0);
    CHECK_SAME(labels, NdArray<Index>({3}, {0, 1, 2}));
    data::detail::mix_labels(targets, labels, 0.25);
    CHECK_SAME(labels, NdArray<Index>({3}, {2, 1, 0}));
  }
}

TEST_CASE("mix: lambda follows Beta(alpha, alpha)") {
  for (const double alpha : {0.001, 0.2, 1.0, 4.0}) {
    eg::Generator rng(2);
    double sum = 0;
    double squares = 0;
    constexpr int n = 20000;
    for (int i = 0; i < n; ++i) {
      const double x = data::detail::beta_draw(rng, alpha);
      REQUIRE((x >= 0 && x <= 1));
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    CHECK(std::abs(sum / n - 0.5) < 0.015);
    const double variance = 1 / (4 * (2 * alpha + 1));
    CHECK(std::abs(squares / n - variance) < 0.03 * variance);
  }
}

TEST_CASE("mix: the loader's images and targets agree") {
  const data::ImageDataset set = flat_images(80);
  const auto share = [](float value, Index own, Index other) {  // of the image itself
    return (value * 255 - static_cast<float>(other + 1)) / static_cast<float>(own - other);
  };
  Index mixups = 0;
  Index cuts = 0;
  for (Index epoch = 0; epoch < 20; ++epoch) {
    const auto batches =
        collect(DataLoader(set, mixed({.mixup_alpha = 0.8, .cutmix_alpha = 1})), epoch);
    for (std::size_t b = 0; b < batches.size(); ++b) {
      const data::Batch& batch = batches[b];
      if (!batch.targets.defined()) continue;  // a rectangle without area
      REQUIRE(batch.targets.shape() == Shape{8, kClasses});
      bool cut = true;
      for (Index i = 0; i < 8; ++i) {
        const Index own = static_cast<Index>(b) * 8 + i;
        const Index other = static_cast<Index>(b) * 8 + 7 - i;
        const float* pixels = batch.images.value().data() + i * 162;
        double mean = 0;
        for (Index p = 0; p < 162; ++p) {
          const float s = share(pixels[p], own, other);
          mean += double(s) / 162;
          cut = cut && (std::abs(s) < 1e-3 || std::abs(s - 1) < 1e-3);
        }
        const Index a = own % kClasses;
        const Index c = other % kClasses;
        CHECK(std::abs(batch.targets(i, a) - (a == c ? 1 : mean)) < 1e-3);
        CHECK(std::abs(batch.targets(i, c) - (a == c ? 1 : 1 - mean)) < 1e-3);
        if (std::abs(mean - 0.5) > 1e-3) CHECK(batch.labels(i) == (mean > 0.5 ? a : c));
      }
      ++(cut ? cuts : mixups);
    }
  }
  CHECK(mixups > 70);
  CHECK(cuts > 70);
}

TEST_CASE("mix: which batches") {
  const data::ImageDataset set = flat_images(80);
  const auto count = [&](const MixOptions& mix, Index epoch) {
    Index n = 0;
    for (const auto& batch : collect(DataLoader(set, mixed(mix)), epoch)) {
      n += batch.targets.defined();
    }
    return n;
  };
  CHECK(count({}, 0) == 0);
  CHECK(count({.mixup_alpha = 1}, 0) == 10);
  CHECK(count({.mixup_alpha = 1, .probability = 0}, 0) == 0);
  SECTION("until off_epoch") {
    CHECK(count({.mixup_alpha = 1, .off_epoch = 3}, 2) == 10);
    CHECK(count({.mixup_alpha = 1, .off_epoch = 3}, 3) == 0);
    CHECK(count({.mixup_alpha = 1, .off_epoch = 0}, 0) == 0);
  }
  SECTION("by chance") {
    Index n = 0;
    for (Index epoch = 0; epoch < 40; ++epoch) {
      n += count({.mixup_alpha = 1, .probability = 0.3}, epoch);
    }
    CHECK(n > 80);
    CHECK(n < 160);
  }
  SECTION("what is not mixed is as without") {
    const auto plain = collect(DataLoader(set, mixed({})), 1);
    const auto some = collect(DataLoader(set, mixed({.mixup_alpha = 1, .probability = 0.3})), 1);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (some[i].targets.defined()) continue;
      CHECK_SAME(some[i].images.value(), plain[i].images.value());
      CHECK_SAME(some[i].labels, plain[i].labels);
    }
  }
}

TEST_CASE("mix: error") {
  const auto made = [](const MixOptions& mix) { return DataLoader(flat_images(8), mixed(mix)); };
  CHECK_ERROR(made({.mixup_alpha = -1}), eg::ValueError,
              "[mix] mixup_alpha must not be negative: -1");
  CHECK_ERROR(made({.cutmix_alpha = NAN}), eg::ValueError,
              "[mix] cutmix_alpha must not be negative: nan");
  CHECK_ERROR(made({.probability = 1.5}), eg::ValueError,
              "[mix] probability must be in [0, 1]: 1.5");
  CHECK_ERROR(made({.switch_probability = -0.5}), eg::ValueError,
              "[mix] switch_probability must be in [0, 1]: -0.5");
}
