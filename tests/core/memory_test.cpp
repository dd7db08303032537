// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/tensor.hpp>
#include <tests/support/test.hpp>

using eg::detail::BlockCache;
using eg::detail::CacheAllocator;
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

}  // namespace

TEST_CASE("memory: a freed block comes back") {
  EmptyCache guard;
  const void* first = NdArray<float>({1000}).data();
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
  SECTION("0 turns the cache off") {
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

TEST_CASE("memory: at most a fifth of a block is unused") {
  EmptyCache guard;
  BlockCache& cache = BlockCache::instance();
  for (std::size_t bytes = 65; bytes < 10000000; bytes += bytes / 7 + 1) {
    cache.deallocate(cache.allocate(bytes), bytes);
    // 16 bytes are the step of the smallest classes.
    CHECK(eg::cached_memory() >= bytes);
    CHECK(eg::cached_memory() <= bytes * 5 / 4 + 16);
    eg::release_memory();
  }
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
  // Whatever the system gave is in the cache now; had it given more, there would be more.
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

TEST_CASE("memory: what cannot be had is std::bad_alloc") {
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

TEST_CASE("memory: a block freed by another thread is reused") {
  EmptyCache guard;
  NdArray<float> a({1000});
  const float* block = a.data();
  std::thread([moved = std::move(a)]() mutable { moved = NdArray<float>(); }).join();
  CHECK(NdArray<float>({1000}).data() == block);
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
