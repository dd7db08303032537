// SPDX-License-Identifier: MIT
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <eigengrad/core/parallel.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::Threads;

namespace {

/// The ranges that a call was cut into, in order.
std::vector<std::pair<Index, Index>> ranges(Index n, Index grain) {
  std::mutex mutex;
  std::vector<std::pair<Index, Index>> out;
  eg::parallel_for(n, grain, [&](Index begin, Index end) {
    std::lock_guard lock(mutex);
    out.emplace_back(begin, end);
  });
  std::sort(out.begin(), out.end());
  return out;
}

#ifdef _OPENMP
constexpr bool kParallel = true;
#else
constexpr bool kParallel = false;
#endif

}  // namespace

TEST_CASE("parallel: covers every index once, in ranges that begin at multiples of the grain") {
  for (int threads : {1, 2, 3, 4, 7}) {
    const Threads guard(threads);
    for (Index n : {1, 2, 7, 64, 100, 1001}) {
      for (Index grain : {1, 3, 16, 100, 5000}) {
        Index next = 0;
        const auto cut = ranges(n, grain);
        for (const auto& [begin, end] : cut) {
          CHECK(begin == next);
          CHECK(end > begin);
          CHECK(begin % grain == 0);
          next = end;
        }
        CHECK(next == n);
        CHECK(static_cast<int>(cut.size()) <= threads);
      }
    }
  }
}

TEST_CASE("parallel: the cut is a function of n, grain and threads") {
  const Threads guard(3);
  for (Index n : {10, 100, 1001}) {
    const auto first = ranges(n, 4);
    for (int i = 0; i < 5; ++i) CHECK(ranges(n, 4) == first);
  }
  if (kParallel) {
    // 26 blocks of 4 over 3 threads: 8, 9 and 9 of them.
    CHECK(ranges(101, 4) == std::vector<std::pair<Index, Index>>{{0, 32}, {32, 68}, {68, 101}});
  }
}

TEST_CASE("parallel: nothing to do, or one grain, is serial") {
  const Threads guard(4);
  CHECK(ranges(0, 1).empty());
  CHECK(ranges(-5, 1).empty());
  const auto here = std::this_thread::get_id();
  for (Index n : {1, 9, 10}) {
    Index calls = 0;
    eg::parallel_for(n, 10, [&](Index begin, Index end) {
      ++calls;
      CHECK(begin == 0);
      CHECK(end == n);
      CHECK(std::this_thread::get_id() == here);
    });
    CHECK(calls == 1);
  }
  CHECK(ranges(3, 0).back().second == 3);  // a grain below 1 counts as 1
}

TEST_CASE("parallel: uses the threads it has") {
  const Threads guard(2);
  CHECK(eg::num_threads() == (kParallel ? 2 : 1));
  CHECK(ranges(100, 1).size() == (kParallel ? 2 : 1));
}

TEST_CASE("parallel: rethrows what the function throws") {
  const Threads guard(4);
  for (Index bad : {0, 50, 99}) {
    CHECK_ERROR(eg::parallel_for(100, 1,
                                 [&](Index begin, Index end) {
                                   if (begin <= bad && bad < end) {
                                     throw eg::ValueError("index " + std::to_string(bad));
                                   }
                                 }),
                eg::ValueError, "index " + std::to_string(bad));
  }
  SECTION("one of them when several throw") {
    CHECK_THROWS_AS(eg::parallel_for(100, 1, [](Index, Index) { throw eg::StateError("all"); }),
                    eg::StateError);
  }
  SECTION("and works afterwards") {
    CHECK_THROWS(eg::parallel_for(100, 1, [](Index, Index) { throw 1; }));
    CHECK(ranges(100, 1).back().second == 100);
  }
  SECTION("serially too") {
    const Threads one(1);
    CHECK_THROWS_AS(eg::parallel_for(100, 1, [](Index, Index) { throw eg::StateError("one"); }),
                    eg::StateError);
  }
}

TEST_CASE("parallel: a nested call is serial") {
  const Threads guard(4);
  std::atomic<int> outer{0};
  std::atomic<int> inner{0};
  std::atomic<bool> moved{false};
  eg::parallel_for(4, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      ++outer;
      const auto here = std::this_thread::get_id();
      const int threads = eg::num_threads();
      eg::parallel_for(1000, 1, [&](Index b, Index e) {
        if (kParallel) {
          if (threads != 1 || b != 0 || e != 1000) moved = true;
        }
        if (std::this_thread::get_id() != here) moved = true;
        ++inner;
      });
    }
  });
  CHECK(outer == 4);
  CHECK(inner == 4);
  CHECK_FALSE(moved);
}

TEST_CASE("parallel: SerialGuard keeps this thread's calls serial while it lives") {
  const Threads threads(4);
  {
    const eg::SerialGuard guard;
    CHECK(eg::num_threads() == 1);
    CHECK(ranges(100, 1).size() == 1);
    { const eg::SerialGuard inner; }
    CHECK(eg::num_threads() == 1);
    int elsewhere = 0;
    std::thread([&] {
      eg::set_num_threads(3);
      elsewhere = eg::num_threads();
    }).join();
    CHECK(elsewhere == (kParallel ? 3 : 1));
  }
  CHECK(eg::num_threads() == (kParallel ? 4 : 1));
}

TEST_CASE("parallel: error") {
  CHECK_ERROR(eg::set_num_threads(0), eg::ValueError, "[set_num_threads] n must be at least 1: 0");
}

TEST_CASE("parallel: a grain of rows holds about as many elements whatever their size") {
  CHECK(eg::row_grain(1) == eg::kElementGrain);
  CHECK(eg::row_grain(0) == eg::kElementGrain);
  CHECK(eg::row_grain(eg::kElementGrain / 4) == 4);
  CHECK(eg::row_grain(10 * eg::kElementGrain) == 1);
}
