// SPDX-License-Identifier: MIT
#include <mutex>
#include <set>

#include <eigengrad/kernels/ranges.hpp>
#include <tests/support/threads.hpp>

using test::Index;

TEST_CASE("ranges: each element once, cut at multiples of the alignment") {
  const std::vector<std::vector<Index>> cases = {
      {}, {0}, {0, 0, 3, 0}, {1}, {64, 65, 63}, {100000}, {5, 0, 70001, 3, 40000, 0, 1, 16384}};
  for (const auto& sizes : cases) {
    for (const Index align : {1, 64, 4096}) {
      for (const int threads : {1, 2, 3, 4}) {
        test::Threads guard(threads);
        eg::kernels::ArrayRanges ranges(align);
        ranges.add(7);
        ranges.clear();
        for (Index n : sizes) ranges.add(n);
        std::mutex mutex;
        std::set<std::tuple<Index, Index, Index>> seen;
        ranges.run([&](Index i, Index begin, Index end) {
          const std::lock_guard lock(mutex);
          seen.insert({i, begin, end});
        });
        std::vector<Index> covered(sizes.size());
        for (const auto& [i, begin, end] : seen) {
          const auto at = static_cast<std::size_t>(i);
          CHECK(begin == covered[at]);
          CHECK(begin % align == 0);
          CHECK(begin < end);
          covered[at] = end;
        }
        CHECK(covered == sizes);
      }
    }
  }
}
