// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include <eigengrad/data/prefetcher.hpp>
#include <tests/support/test.hpp>

using eg::data::detail::Prefetcher;
using test::Index;

namespace {

void sleep_ms(Index n) { std::this_thread::sleep_for(std::chrono::milliseconds(n)); }

}  // namespace

TEST_CASE("prefetcher: items come in order, whichever thread is first") {
  for (const Index workers : {1, 2, 5}) {
    for (const Index ahead : {1, 3, 8}) {
      Prefetcher<Index> prefetcher(50, ahead, workers, [](Index i) {
        if (i % 3 == 0) sleep_ms(1);
        return i * i;
      });
      for (Index i = 0; i < 50; ++i) CHECK(prefetcher.take() == i * i);
      CHECK_ERROR(prefetcher.take(), eg::StateError, "[prefetch] all items have been taken");
    }
  }
}

TEST_CASE("prefetcher: makes no more ahead than it may, and nothing twice") {
  std::atomic<Index> made{0};
  std::atomic<Index> at_once{0};
  std::atomic<Index> most{0};
  {
    Prefetcher<Index> prefetcher(100, 4, 3, [&](Index i) {
      const Index now = ++at_once;
      Index seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      sleep_ms(2);
      --at_once;
      ++made;
      return i;
    });
    const auto settles_at = [&](Index n) {  // gets there, and stays
      for (int i = 0; i < 5000 && made < n; ++i) sleep_ms(1);
      sleep_ms(50);
      return made == n;
    };
    CHECK(settles_at(4));
    for (Index i = 0; i < 10; ++i) CHECK(prefetcher.take() == i);
    CHECK(settles_at(14));
  }
  CHECK(made == 14);
  CHECK(most <= 3);
}

TEST_CASE("prefetcher: an exception comes in order, and again") {
  for (const Index workers : {1, 4}) {
    std::atomic<Index> made{0};
    Prefetcher<std::unique_ptr<Index>> prefetcher(100, 5, workers, [&](Index i) {
      ++made;
      if (i == 3 || i == 5) throw eg::ValueError("item " + std::to_string(i));
      if (i < 3) sleep_ms(5);  // the exception is there first
      return std::make_unique<Index>(i);
    });
    for (Index i = 0; i < 3; ++i) CHECK(*prefetcher.take() == i);
    for (int again = 0; again < 2; ++again) {
      CHECK_ERROR(prefetcher.take(), eg::ValueError, "item 3");
    }
    sleep_ms(20);
    CHECK(made <= 9);
  }
}

TEST_CASE("prefetcher: may be left before an item is made") {
  std::atomic<bool> begun{false};
  std::atomic<bool> ended{false};
  {
    Prefetcher<Index> prefetcher(10, 2, 2, [&](Index i) {
      begun = true;
      sleep_ms(20);
      ended = true;
      return i;
    });
    while (!begun) sleep_ms(1);
  }
  CHECK(ended);  // the threads were waited for
  Prefetcher<Index> none(0, 1, 1, [](Index i) { return i; });
  CHECK_ERROR(none.take(), eg::StateError, "[prefetch] all items have been taken");
}
