// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <thread>

#include <eigengrad/data/loader.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace data = eg::data;
using data::DataLoader;
using data::DataLoaderOptions;
using test::Index;
using test::NdArray;

namespace {

/// Image i of (3, 8, 8) has the label i and random pixels.
data::ImageDataset numbered(Index n) {
  NdArray<std::uint8_t> images({n, 3, 8, 8});
  eg::Generator rng(4);
  for (auto& pixel : images) pixel = static_cast<std::uint8_t>(rng.next());
  return data::ImageDataset(images, NdArray<Index>::arange(n),
                            std::vector<std::string>(static_cast<std::size_t>(n), "c"));
}

/// All that an epoch gives, from `first` on.
std::vector<data::Batch> collect(const DataLoader& loader, Index epoch, Index first = 0) {
  std::vector<data::Batch> out;
  for (auto& batch : loader.epoch(epoch, first)) out.push_back(batch);
  return out;
}

std::vector<Index> labels_of(const std::vector<data::Batch>& batches) {
  std::vector<Index> out;
  for (const auto& batch : batches) {
    out.insert(out.end(), batch.labels.begin(), batch.labels.end());
  }
  return out;
}

void check_same(const std::vector<data::Batch>& a, const std::vector<data::Batch>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK_SAME(a[i].images.value(), b[i].images.value());
    CHECK_SAME(a[i].labels, b[i].labels);
    CHECK_SAME(a[i].targets, b[i].targets);
  }
}

DataLoaderOptions augmented(Index prefetch, Index workers = 1) {
  DataLoaderOptions options;
  options.batch_size = 16;
  options.shuffle = true;
  options.prefetch = prefetch;
  options.workers = workers;
  options.seed = 9;
  options.augment.crop_padding = 2;
  options.augment.flip = data::Flip::kRandom;
  options.augment.resized_crop = data::RandomResizedCrop{};
  options.augment.rotation = 10;
  options.augment.policy = data::RandAugment{.magnitude_std = 0.5};
  options.augment.jitter = {.brightness = 0.1, .contrast = 0.1, .saturation = 0.1, .hue = 0.1};
  options.augment.erasing = {.probability = 0.3, .noise = true};
  options.augment.cutout = 2;
  options.mix = {.mixup_alpha = 0.8, .cutmix_alpha = 1, .probability = 0.5};
  return options;
}

}  // namespace

TEST_CASE("loader: value") {
  const data::ImageDataset set = numbered(10);
  for (const Index prefetch : {0, 1, 3}) {
    const DataLoader loader(set, {.batch_size = 4, .prefetch = prefetch});
    CHECK(loader.batches() == 3);
    Index seen = 0;
    for (auto& [images, labels, targets] : loader.epoch(0)) {
      CHECK(images.shape() == test::Shape{seen == 8 ? 2 : 4, 3, 8, 8});
      CHECK_FALSE(images.requires_grad());
      for (Index i = 0; i < labels.numel(); ++i, ++seen) {
        CHECK(labels(i) == seen);
        CHECK(images.value()(i, 2, 7, 5) == set.images()(seen, 2, 7, 5) / 255.0f);
      }
    }
    CHECK(seen == 10);
    const DataLoader dropping(set, {.batch_size = 4, .drop_last = true, .prefetch = prefetch});
    CHECK(dropping.batches() == 2);
    CHECK(labels_of(collect(dropping, 0)) == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7});
  }
}

TEST_CASE("loader: shuffle") {
  const DataLoader loader(numbered(100), {.batch_size = 7, .shuffle = true, .seed = 3});
  const std::vector<Index> first = labels_of(collect(loader, 0));
  const std::vector<Index> second = labels_of(collect(loader, 1));
  CHECK(first != second);
  CHECK(labels_of(collect(loader, 0)) == first);
  for (std::vector<Index> order : {first, second}) {
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
    std::sort(order.begin(), order.end());
    for (Index i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  }
  const DataLoader other(numbered(100), {.batch_size = 7, .shuffle = true, .seed = 4});
  CHECK(labels_of(collect(other, 0)) != first);
}

TEST_CASE("loader: the same bits with and without prefetching, workers and threads") {
  const data::ImageDataset set = numbered(333);
  const std::vector<data::Batch> expected = collect(DataLoader(set, augmented(0)), 5);
  for (const int n : {1, 2, 4}) {
    const test::Threads guard(n);
    for (const Index prefetch : {0, 1, 2, 50}) {
      for (const Index workers : {0, 1, 2, 4}) {
        check_same(collect(DataLoader(set, augmented(prefetch, workers)), 5), expected);
      }
    }
  }

  SECTION("an image looks the same in any batch") {
    DataLoaderOptions options = augmented(2);
    options.mix = {};
    const std::vector<data::Batch> plain = collect(DataLoader(set, options), 5);
    options.batch_size = 50;
    options.shuffle = false;
    const std::vector<data::Batch> other = collect(DataLoader(set, options), 5);
    for (Index i = 0; i < 16; ++i) {
      const Index image = plain[3].labels(i);
      const auto& batch = other[static_cast<std::size_t>(image / 50)].images.value();
      const NdArray<float> a(test::Shape{192},
                             std::span<const float>(batch.data() + image % 50 * 192, 192));
      const NdArray<float> b(test::Shape{192},
                             std::span<const float>(plain[3].images.value().data() + i * 192, 192));
      CHECK_SAME(a, b);
    }
  }
}

TEST_CASE("loader: resumes at any batch") {
  for (const Index workers : {0, 1, 2, 4}) {
    const DataLoader loader(numbered(100), augmented(workers == 0 ? 0 : 2, workers));
    const std::vector<data::Batch> all = collect(loader, 2);
    CHECK(all.size() == 7);
    for (const Index first : {1, 4, 6}) {
      check_same(collect(loader, 2, first),
                 std::vector<data::Batch>(all.begin() + first, all.end()));
    }
    CHECK(collect(loader, 2, 7).empty());
  }
}

TEST_CASE("loader: edge") {
  const data::ImageDataset set = numbered(100);
  for (const Index prefetch : {0, 1, 4}) {
    SECTION("leaving early, with " + std::to_string(prefetch) + " ahead") {
      std::atomic<int> made{0};
      DataLoaderOptions options = augmented(prefetch);
      options.augment.custom = [&](std::span<float>, eg::Generator&) { ++made; };
      const DataLoader loader(set, options);
      for (auto& [images, labels, targets] : loader.epoch(0)) {
        CHECK(labels.numel() == 16);
        break;
      }
      CHECK(made <= 16 * (prefetch + 2));  // the queue is bounded
      { const auto untouched = loader.epoch(1); }
      CHECK(collect(loader, 0).size() == 7);
    }
    SECTION("going on after a break, with " + std::to_string(prefetch) + " ahead") {
      const DataLoader loader(set, {.batch_size = 30, .prefetch = prefetch});
      auto epoch = loader.epoch(0);
      for (auto& batch : epoch) {
        CHECK(batch.labels(0) == 0);
        break;
      }
      Index next = 30;
      for (auto& batch : epoch) {
        CHECK(batch.labels(0) == next);
        next += 30;
      }
      CHECK(next == 120);
      for (auto& batch : epoch) FAIL(batch.labels(0));
    }
    SECTION("one batch of all, with " + std::to_string(prefetch) + " ahead") {
      CHECK(collect(DataLoader(set, {.batch_size = 1000, .prefetch = prefetch}), 0).size() == 1);
      CHECK(collect(DataLoader(numbered(1), {.batch_size = 1, .prefetch = prefetch}), 0).size() ==
            1);
    }
  }
  SECTION("an epoch outlives its loader, a batch its epoch") {
    auto loader = std::make_unique<DataLoader>(set, DataLoaderOptions{.batch_size = 50});
    auto epoch = loader->epoch(0);
    loader.reset();
    std::vector<data::Batch> kept;
    for (auto& batch : epoch) kept.push_back(std::move(batch));
    CHECK(labels_of(kept).size() == 100);
  }
}

TEST_CASE("loader: an exception in the background reaches the training loop") {
  // The images 39, in the third batch, and 60 are black.
  data::ImageDataset set = numbered(100);
  NdArray<std::uint8_t> pixels = set.images();
  for (const Index bad : {39, 60}) std::fill_n(pixels.data() + bad * 192, 192, std::uint8_t{0});
  for (const Index workers : {0, 1, 2, 4}) {
    DataLoaderOptions options = augmented(workers == 0 ? 0 : 4, workers);
    options.shuffle = false;
    options.mix = {};
    options.augment = {};
    auto failing = std::make_shared<std::atomic<bool>>(true);
    options.augment.custom = [failing](std::span<float> image, eg::Generator&) {
      if (*failing && image[0] == 0 && image[100] == 0) throw std::runtime_error("a black image");
    };
    const DataLoader loader(set, options);
    Index batches = 0;
    std::string message;
    try {
      for (auto& batch : loader.epoch(0)) {
        CHECK(batch.labels(0) == 16 * batches);
        ++batches;
      }
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    CHECK(message == "a black image");
    CHECK(batches == 2);
    *failing = false;
    CHECK(collect(loader, 0).size() == 7);  // nothing of the failure stays
  }
}

TEST_CASE("loader: images of another size than the stored ones") {
  const DataLoader loader(numbered(10), {.batch_size = 4, .augment = {.output_size = 5}});
  for (auto& [images, labels, targets] : loader.epoch(0)) {
    CHECK(images.shape() == test::Shape{labels.numel(), 3, 5, 5});
    CHECK_FALSE(targets.defined());
  }
}

TEST_CASE("loader: the time that the walk waited") {
  DataLoaderOptions options = {.batch_size = 10, .prefetch = 0};
  options.augment.custom = [](std::span<float>, eg::Generator&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  const DataLoader slow(numbered(20), options);
  auto epoch = slow.epoch(0);
  CHECK(epoch.seconds_waited() == 0);
  for (auto& batch : epoch) (void)batch;
  CHECK(epoch.seconds_waited() >= 0.1 / eg::num_threads());
  SECTION("what was made ahead is there") {
    options.prefetch = 2;
    const DataLoader ahead(numbered(20), options);
    auto walk = ahead.epoch(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    for (auto& batch : walk) (void)batch;
    CHECK(walk.seconds_waited() < 0.02);
  }
}

TEST_CASE("loader: a batch that is kept is not written again") {
  for (const Index prefetch : {0, 2}) {
    const DataLoader loader(numbered(64), {.batch_size = 8, .prefetch = prefetch});
    std::vector<eg::Tensor<float>> kept;
    std::vector<NdArray<float>> copies;
    for (auto& batch : loader.epoch(0)) {
      if (kept.size() % 2 == 0) copies.push_back(batch.images.value().clone());
      if (kept.size() % 2 == 0)
        kept.push_back(batch.images);
      else
        kept.emplace_back();
    }
    for (std::size_t i = 0; i < copies.size(); ++i) CHECK_SAME(kept[2 * i].value(), copies[i]);
  }
}

TEST_CASE("loader: error") {
  const data::ImageDataset set = numbered(10);
  CHECK_ERROR(DataLoader(set, {.batch_size = 0}), eg::ValueError,
              "[data_loader] batch_size must be at least 1: 0");
  CHECK_ERROR(DataLoader(set, {.prefetch = -1}), eg::ValueError,
              "[data_loader] prefetch must not be negative: -1");
  CHECK_ERROR(DataLoader(set, {.workers = -2}), eg::ValueError,
              "[data_loader] workers must not be negative: -2");
  CHECK_ERROR(DataLoader(data::ImageDataset()), eg::ValueError,
              "[data_loader] the data set has no images");
  CHECK_ERROR(DataLoader(set, {.batch_size = 11, .drop_last = true}), eg::ValueError,
              "[data_loader] drop_last leaves no batch: 10 images, batch_size 11");
  const DataLoader loader(set, {.batch_size = 4});
  CHECK_ERROR(loader.epoch(-1), eg::ValueError, "[data_loader] epoch must not be negative: -1");
  CHECK_ERROR(loader.epoch(0, 4), eg::ValueError,
              "[data_loader] first_batch 4 is out of range for 3 batches");
  CHECK_ERROR(loader.epoch(0, -1), eg::ValueError,
              "[data_loader] first_batch -1 is out of range for 3 batches");
}
