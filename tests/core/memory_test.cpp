// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <numeric>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/tensor.hpp>
#include <tests/support/test.hpp>

using eg::detail::BlockCache;
using eg::detail::CacheAllocator;
using eg::detail::LargeBlocks;
using eg::detail::Scratch;
using test::NdArray;

namespace {

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; }

/// Starts and ends a test with an empty cache and the usual limit.
struct EmptyCache {
  EmptyCache() { eg::release_memory(); }
  ~EmptyCache() {
    eg::set_memory_cache_limit(std::size_t{4} << 30);
    eg::release_memory();
  }
};

/// Where an array of 1000 floats would be.
const void* block_of_1000() {
  const NdArray<float> a({1000});
  return a.data();
}

}  // namespace

TEST_CASE("memory: a freed block comes back") {
  EmptyCache guard;
  const void* first = block_of_1000();
  CHECK(eg::cached_memory() >= 4000);
  const NdArray<float> again({1000});
  CHECK(again.data() == first);
  CHECK(eg::cached_memory() == 0);
  const NdArray<float> other({1000});
  CHECK(other.data() != first);
}

TEST_CASE("memory: release gives everything back") {
  EmptyCache guard;
  { const NdArray<float> a({1000}); }
  CHECK(eg::cached_memory() > 0);
  eg::release_memory();
  CHECK(eg::cached_memory() == 0);
}

TEST_CASE("memory: the limit bounds what is kept") {
  EmptyCache guard;
  SECTION("0 disables the cache") {
    eg::set_memory_cache_limit(0);
    { const NdArray<float> a({1000}); }
    CHECK(eg::cached_memory() == 0);
    NdArray<float> b = NdArray<float>::ones({1000});
    CHECK(b.array().sum() == 1000);
  }
  SECTION("lowering it frees what is above") {
    { const NdArray<float> a({100000}); }
    CHECK(eg::cached_memory() > 1000);
    eg::set_memory_cache_limit(1000);
    CHECK(eg::cached_memory() <= 1000);
  }
  SECTION("a block that does not fit is not kept, a smaller one is") {
    eg::set_memory_cache_limit(10000);
    { const NdArray<float> a({100000}); }
    CHECK(eg::cached_memory() == 0);
    { const NdArray<float> a({1000}); }
    CHECK(eg::cached_memory() > 0);
    CHECK(eg::cached_memory() <= 10000);
  }
}

TEST_CASE("memory: every size fits, is aligned and overlaps nothing") {
  EmptyCache guard;
  BlockCache& cache = BlockCache::instance();
  std::vector<unsigned char*> blocks;
  for (std::size_t bytes = 1; bytes <= 10000; ++bytes) {
    auto* block = static_cast<unsigned char*>(cache.allocate(bytes));
    REQUIRE(aligned(block));
    std::memset(block, static_cast<int>(bytes % 251), bytes);
    blocks.push_back(block);
  }
  bool intact = true;
  for (std::size_t bytes = 1; bytes <= 10000; ++bytes) {
    const unsigned char* block = blocks[bytes - 1];
    for (std::size_t i = 0; i < bytes; ++i) intact = intact && block[i] == bytes % 251;
  }
  CHECK(intact);
  for (std::size_t bytes = 1; bytes <= 10000; ++bytes) cache.deallocate(blocks[bytes - 1], bytes);
}

TEST_CASE("memory: at most a fifth of a block is unused, of a large one less than a page") {
  EmptyCache guard;
  BlockCache& cache = BlockCache::instance();
  const std::size_t before = eg::memory_in_use();
  for (std::size_t bytes = 65; bytes < 10000000; bytes += bytes / 7 + 1) {
    void* block = cache.allocate(bytes);
    const std::size_t taken = eg::memory_in_use() - before;
    CHECK(taken >= bytes);
    // 16 bytes are the step of the smallest classes.
    CHECK(taken <= (bytes < BlockCache::kLargeBlock ? bytes * 5 / 4 + 16 : bytes + 4095));
    cache.deallocate(block, bytes);
    CHECK(eg::memory_in_use() == before);
  }
}

TEST_CASE("memory: peak is the most that was in use at once") {
  const std::size_t before = eg::memory_in_use();
  eg::reset_peak_memory();
  CHECK(eg::peak_memory() == before);
  {
    const NdArray<float> a({1 << 20});
    { const NdArray<float> b({1 << 20}); }
    const NdArray<float> c({1 << 19});
  }
  CHECK(eg::peak_memory() >= before + (std::size_t{8} << 20));
  CHECK(eg::peak_memory() <= before + (std::size_t{8} << 20) + 3 * 4096);
  CHECK(eg::memory_in_use() == before);
}

TEST_CASE("memory: a second round of the same sizes asks the system for nothing") {
  EmptyCache guard;
  auto round = [] {
    std::vector<NdArray<float>> alive;
    for (test::Index n : {0, 1, 17, 1000, 1000, 1000, 65536, 3000000}) {
      alive.emplace_back(test::Shape{n});
    }
    NdArray<double> early({500});
    early = NdArray<double>();
    alive.emplace_back(test::Shape{1000});
  };
  round();
  // All that came from the system is in the cache now, and it is no more than this.
  const std::size_t all = eg::cached_memory();
  for (int i = 0; i < 3; ++i) {
    round();
    CHECK(eg::cached_memory() == all);
  }
}

TEST_CASE("memory: so does a graph's second backward") {
  EmptyCache guard;
  using Tensor = test::Tensor<float>;
  auto step = [] {
    const Tensor x(NdArray<float>::ones({100}), true);
    Tensor y = x;
    for (int i = 0; i < 50; ++i) {
      y = eg::make_result(
          "copy", y.value().clone(),
          [](eg::BackwardContext<float>& context) { context.accumulate(0, context.take_dout()); },
          y);
    }
    y.backward(NdArray<float>::ones({100}));
  };
  step();
  const std::size_t all = eg::cached_memory();
  for (int i = 0; i < 3; ++i) {
    step();
    CHECK(eg::cached_memory() == all);
  }
}

TEST_CASE("memory: large blocks are aligned and usable to their end") {
  EmptyCache guard;
  NdArray<float> a({(std::int64_t{5} << 20) + 3});
  CHECK(aligned(a.data()));
  a.fill(2);
  CHECK(a.data()[a.numel() - 1] == 2);
}

TEST_CASE("memory: large blocks take the smallest free range that is large enough") {
  constexpr std::size_t kPage = LargeBlocks::kPage;
  LargeBlocks blocks;
  auto take = [&](std::size_t pages) {
    return static_cast<unsigned char*>(blocks.allocate(pages * kPage - 100));
  };
  unsigned char* const a = take(10);
  unsigned char* const b = take(1);
  unsigned char* const c = take(6);
  unsigned char* const d = take(1);
  CHECK(b == a + 10 * kPage);
  blocks.deallocate(a);
  blocks.deallocate(c);
  CHECK(take(5) == c);  // not a's place, which comes first and would do
  CHECK(take(7) == a);
  CHECK(take(3) == a + 7 * kPage);
  blocks.deallocate(d);
  CHECK(take(2) == c + 5 * kPage);  // what was left of c's place, and d's after it
}

TEST_CASE("memory: freed large blocks merge with both neighbours") {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  LargeBlocks blocks;
  unsigned char* place[5];
  for (auto& p : place) p = static_cast<unsigned char*>(blocks.allocate(kMiB));
  const std::size_t free = blocks.free_bytes();
  for (const int i : {1, 3, 2}) blocks.deallocate(place[i]);
  CHECK(blocks.free_bytes() == free + 3 * kMiB);
  CHECK(blocks.allocate(3 * kMiB) == place[1]);
  for (const int i : {0, 4, 1}) blocks.deallocate(place[i]);
  CHECK(blocks.allocate(free + 5 * kMiB) == place[0]);  // the whole segment
  CHECK(blocks.free_bytes() == 0);
  blocks.deallocate(place[0]);
  blocks.release();
  CHECK(blocks.free_bytes() == 0);
}

TEST_CASE("memory: segments with a block in use are not released") {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  LargeBlocks blocks;
  auto* a = static_cast<unsigned char*>(blocks.allocate(60 * kMiB));
  void* b = blocks.allocate(60 * kMiB);  // has no room next to a
  a[0] = a[60 * kMiB - 1] = 7;
  blocks.deallocate(b);
  const std::size_t before = blocks.free_bytes();
  blocks.release();
  CHECK(blocks.free_bytes() < before);
  CHECK(a[0] + a[60 * kMiB - 1] == 14);
  CHECK(blocks.allocate(kMiB) == a + 60 * kMiB);
  blocks.deallocate(a);
  blocks.deallocate(a + 60 * kMiB);
  blocks.release();
  CHECK(blocks.free_bytes() == 0);
}

TEST_CASE("memory: what the system does not have is std::bad_alloc") {
  EmptyCache guard;
  CHECK_THROWS_AS(BlockCache::instance().allocate(std::size_t{1} << 62), std::bad_alloc);
  CHECK_THROWS_AS(BlockCache::instance().allocate(~std::size_t{0}), std::bad_alloc);
  CHECK_THROWS_AS(CacheAllocator<double>().allocate(~std::size_t{0} / 4), std::bad_alloc);
}

TEST_CASE("memory: scratch is aligned, and one element at least") {
  for (std::int64_t n : {-1, 0, 1, 100}) {
    Scratch<double> s(n);
    CHECK(aligned(s.data()));
    s[0] = 1;
    CHECK(s.data()[0] == 1);
  }
}

TEST_CASE("memory: scratch places do not overlap, and their stack settles") {
  auto nest = [] {
    Scratch<std::int64_t> a(100);
    Scratch<std::int64_t> b(300000);  // at first it does not fit after the first
    Scratch<std::int64_t> c(5);
    std::fill(a.data(), a.data() + 100, 1);
    std::fill(b.data(), b.data() + 300000, 2);
    std::fill(c.data(), c.data() + 5, 3);
    const auto sum = [](Scratch<std::int64_t>& s, std::int64_t n) {
      return std::accumulate(s.data(), s.data() + n, std::int64_t{0});
    };
    CHECK(sum(a, 100) == 100);
    CHECK(sum(b, 300000) == 600000);
    CHECK(sum(c, 5) == 15);
    return std::pair(a.data(), c.data());
  };
  std::thread([&] {
    nest();
    const auto second = nest();
    CHECK(second.second == second.first + 104 + 300000);  // now all in one block
    CHECK(nest() == second);
  }).join();
}

TEST_CASE("memory: scratch too large for a thread to keep comes from the cache") {
  const std::size_t before = eg::memory_in_use();
  {
    Scratch<float> s(3 << 20);
    s[(3 << 20) - 1] = 1;
    CHECK(eg::memory_in_use() >= before + (std::size_t{12} << 20));
  }
  CHECK(eg::memory_in_use() == before);
}

TEST_CASE("memory: a block freed by another thread is reused") {
  EmptyCache guard;
  NdArray<float> a({1000});
  const float* block = a.data();
  std::thread([moved = std::move(a)]() mutable { moved = NdArray<float>(); }).join();
  CHECK(block_of_1000() == block);
}

TEST_CASE("memory: threads may allocate at once") {
  EmptyCache guard;
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &good] {
      bool ok = true;
      for (int i = 0; i < 2000; ++i) {
        NdArray<int> a = NdArray<int>::full({1 + i % 300}, t * 10000 + i);
        NdArray<int> b = a;
        for (int v : b) ok = ok && v == t * 10000 + i;
      }
      good[static_cast<std::size_t>(t)] = ok;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == std::vector<int>(4, 1));
}
