// SPDX-License-Identifier: MIT
#include <set>

#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/sampler.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using data::detail::Sampler;
using test::Index;
using test::NdArray;

namespace {

std::vector<Index> counts(const NdArray<Index>& order, Index n) {
  std::vector<Index> out(static_cast<std::size_t>(n), 0);
  for (const Index i : order) ++out[static_cast<std::size_t>(i)];
  return out;
}

/// Image i has the label i and the pixels i.
data::ImageDataset numbered(Index n) {
  NdArray<std::uint8_t> images({n, 1, 4, 4});
  for (Index i = 0; i < n * 16; ++i) images.data()[i] = static_cast<std::uint8_t>(i);
  return data::ImageDataset(images, NdArray<Index>::arange(n),
                            std::vector<std::string>(static_cast<std::size_t>(n), "c"));
}

}  // namespace

TEST_CASE("sampler: value") {
  const Sampler sampler(5, false, {1, 0, 3, 0, 0}, 8000, 7);
  CHECK(sampler.size() == 8000);
  const NdArray<Index> first = sampler.order(0);
  const std::vector<Index> n = counts(first, 5);
  CHECK(n[0] + n[2] == 8000);  // what has no weight never comes
  CHECK(n[0] > 1850);          // 2000, within four standard deviations
  CHECK(n[0] < 2150);
  CHECK_SAME(sampler.order(0), first);
  CHECK_SAME(Sampler(5, true, {2, 0, 6, 0, 0}, 8000, 7).order(0), first);
  CHECK(counts(sampler.order(1), 5)[0] != n[0]);
  CHECK(counts(Sampler(5, false, {1, 0, 3, 0, 0}, 8000, 8).order(0), 5)[0] != n[0]);
  CHECK(Sampler(3, false, {0, 1, 0}, 0, 1).size() == 3);
  CHECK_SAME(Sampler(3, false, {0, 1, 0}, 0, 1).order(4), NdArray<Index>({3}, {1, 1, 1}));
}

TEST_CASE("sampler: weights that balance classes") {
  const NdArray<Index> labels({6}, {2, 0, 2, 2, 0, 2});
  CHECK(data::class_balanced_weights(labels) ==
        std::vector<double>{0.25, 0.5, 0.25, 0.25, 0.5, 0.25});
  CHECK_ERROR(data::class_balanced_weights(NdArray<Index>({1}, {-1})), eg::ValueError,
              "[class_balanced_weights] labels must not be negative: -1");
}

TEST_CASE("sampler: a loader of images draws by weights") {
  data::DataLoaderOptions options{.batch_size = 4, .prefetch = 0, .seed = 3};
  options.augment.crop_padding = 2;
  options.weights = {0, 0, 1, 0, 1, 0};
  options.samples = 10;
  const data::DataLoader loader(numbered(6), options);
  CHECK(loader.batches() == 3);
  std::vector<data::Batch> batches;
  for (auto& batch : loader.epoch(1)) batches.push_back(batch);
  REQUIRE(batches.size() == 3);
  CHECK(batches[2].images.dim(0) == 2);
  for (const auto& batch : batches) {
    for (const Index label : batch.labels) CHECK((label == 2 || label == 4));
  }
  SECTION("an image that comes twice looks different") {
    std::set<std::vector<float>> looks;
    for (const auto& batch : batches) {
      const float* x = batch.images.value().data();
      for (Index i = 0; i < batch.labels.numel(); ++i) looks.emplace(x + i * 16, x + i * 16 + 16);
    }
    CHECK(looks.size() > 2);
  }
  SECTION("and goes on from any batch with the same bits") {
    Index k = 1;
    for (auto& batch : loader.epoch(1, 1)) {
      CHECK_SAME(batch.labels, batches[static_cast<std::size_t>(k)].labels);
      CHECK_SAME(batch.images.value(), batches[static_cast<std::size_t>(k++)].images.value());
    }
    CHECK(k == 3);
  }
}

TEST_CASE("sampler: error") {
  const auto make = [](const std::vector<double>& weights, Index samples) {
    Sampler(2, false, weights, samples, 0);
  };
  CHECK_ERROR((make({1}, 0), 0), eg::ValueError,
              "[data_loader] weights must be one for each sample: 1 for 2");
  CHECK_ERROR((make({1, -1}, 0), 0), eg::ValueError,
              "[data_loader] weights must be finite and not negative: -1");
  CHECK_ERROR((make({0, 0}, 0), 0), eg::ValueError,
              "[data_loader] the sum of the weights must be positive: 0");
  CHECK_ERROR((make({}, 5), 0), eg::ValueError, "[data_loader] samples needs weights: 5");
  CHECK_ERROR((make({1, 1}, -5), 0), eg::ValueError,
              "[data_loader] samples must not be negative: -5");
}
