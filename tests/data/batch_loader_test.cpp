// SPDX-License-Identifier: MIT
#include <eigengrad/data/array_dataset.hpp>
#include <eigengrad/data/batch_loader.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace data = eg::data;
using data::BatchLoader;
using data::BatchLoaderOptions;
using test::Index;
using test::NdArray;

namespace {

data::ArrayDataset<Index> numbered(Index n) {
  return {test::random<float>({n, 3}), NdArray<Index>::arange(n)};
}

/// A data set of a user: squares, computed when they are asked for.
struct Squares {
  Index count;
  Index size() const { return count; }
  std::vector<Index> batch(const NdArray<Index>& indices) const {
    std::vector<Index> out;
    for (const Index i : indices) {
      if (i == 13) throw std::runtime_error("no thirteen");
      out.push_back(i * i);
    }
    return out;
  }
};

template <class D>
std::vector<Index> targets(const BatchLoader<D>& loader, Index epoch, Index first = 0) {
  std::vector<Index> out;
  for (const auto& [inputs, labels] : loader.epoch(epoch, first)) {
    out.insert(out.end(), labels.begin(), labels.end());
  }
  return out;
}

}  // namespace

TEST_CASE("batch_loader: value") {
  for (const Index prefetch : {0, 3}) {
    const BatchLoader loader(numbered(10), {.batch_size = 4, .prefetch = prefetch});
    CHECK(loader.batches() == 3);
    Index seen = 0;
    for (auto& [inputs, labels] : loader.epoch(0)) {
      CHECK(inputs.shape() == test::Shape{seen == 8 ? 2 : 4, 3});
      for (Index i = 0; i < labels.numel(); ++i, ++seen) {
        CHECK(labels(i) == seen);
        CHECK(inputs.value()(i, 2) == loader.dataset().inputs()(seen, 2));
      }
    }
    CHECK(seen == 10);
  }
  const BatchLoader dropping(numbered(10), {.batch_size = 4, .drop_last = true});
  CHECK(targets(dropping, 0).size() == 8);
}

TEST_CASE("batch_loader: the order follows from seed and epoch") {
  const BatchLoaderOptions options{.batch_size = 7, .shuffle = true, .prefetch = 0, .seed = 3};
  const std::vector<Index> first = targets(BatchLoader(numbered(50), options), 2);
  std::vector<Index> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted != first);
  for (Index i = 0; i < 50; ++i) CHECK(sorted[static_cast<std::size_t>(i)] == i);
  BatchLoaderOptions ahead = options;
  ahead.prefetch = 4;
  for (const int n : {1, 4}) {
    const test::Threads guard(n);
    for (const Index workers : {0, 3}) {
      ahead.workers = workers;
      const BatchLoader loader(numbered(50), ahead);
      CHECK(targets(loader, 2) == first);
      CHECK(targets(loader, 3) != first);
      CHECK(targets(loader, 2, 5) == std::vector<Index>(first.begin() + 35, first.end()));
      CHECK(targets(loader, 2, 8).empty());
    }
  }
}

TEST_CASE("batch_loader: a data set of a user") {
  const BatchLoader loader(Squares{5}, {.batch_size = 2});
  std::vector<std::vector<Index>> batches;
  for (const auto& batch : loader.epoch(0)) batches.push_back(batch);
  CHECK(batches == std::vector<std::vector<Index>>{{0, 1}, {4, 9}, {16}});
  SECTION("by weights") {
    const BatchLoader drawn(Squares{5}, {.batch_size = 3, .weights = {0, 0, 0, 1, 0}});
    for (const auto& batch : drawn.epoch(0)) {
      for (const Index x : batch) CHECK(x == 9);
    }
  }
  SECTION("its exceptions reach the consumer") {
    const BatchLoader bad(Squares{20}, {.batch_size = 10});
    auto epoch = bad.epoch(0);
    auto at = epoch.begin();
    CHECK(at->size() == 10);
    CHECK_THROWS_WITH(++at, "no thirteen");
  }
}

TEST_CASE("batch_loader: error") {
  const auto make = [](Index n, const BatchLoaderOptions& options) {
    BatchLoader<Squares> loader(Squares{n}, options);
  };
  CHECK_ERROR((make(0, {}), 0), eg::ValueError, "[data_loader] the data set has no samples");
  CHECK_ERROR((make(5, {.batch_size = 0}), 0), eg::ValueError,
              "[data_loader] batch_size must be at least 1: 0");
  CHECK_ERROR((make(5, {.prefetch = -1}), 0), eg::ValueError,
              "[data_loader] prefetch must not be negative: -1");
  CHECK_ERROR((make(5, {.workers = -1}), 0), eg::ValueError,
              "[data_loader] workers must not be negative: -1");
  CHECK_ERROR((make(5, {.batch_size = 6, .drop_last = true}), 0), eg::ValueError,
              "[data_loader] drop_last leaves no batch: 5 samples, batch_size 6");
  const BatchLoader loader(Squares{5});
  CHECK_ERROR((loader.epoch(-1), 0), eg::ValueError,
              "[data_loader] epoch must not be negative: -1");
  CHECK_ERROR((loader.epoch(0, 2), 0), eg::ValueError,
              "[data_loader] first_batch 2 is out of range for 1 batches");
}
