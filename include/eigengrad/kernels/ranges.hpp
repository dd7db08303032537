// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>

/// Work on many arrays, small and large, in one parallel region.
namespace eigengrad::kernels {

/// Arrays laid end to end on one line, which is then cut among the threads.
///
/// Each array starts at a multiple of `align`, a divisor of kElementGrain, so every cut inside an
/// array is a multiple of it too. What a loop does in pieces of `align` elements is therefore done
/// in the same pieces whatever the number of threads.
class ArrayRanges {
 public:
  explicit ArrayRanges(Index align = 64) : align_(align) {}

  void clear() {
    starts_.clear();
    sizes_.clear();
    total_ = 0;
  }

  /// Appends an array of `n` elements.
  void add(Index n) {
    starts_.push_back(total_);
    sizes_.push_back(n);
    total_ += round_up(n, align_);
  }

  /// Length of the line, gaps included.
  Index total() const { return total_; }
  /// Where array `i` starts on the line.
  Index start(Index i) const { return starts_[static_cast<std::size_t>(i)]; }

  /// Calls `f(i, begin, end)` for ranges that together cover each array `i` once, in parallel.
  template <class F>
  void run(F&& f) const {
    parallel_for(total_, kElementGrain, [&](Index from, Index to) {
      auto next = std::upper_bound(starts_.begin(), starts_.end(), from);
      // Empty arrays share their start with the one after them; they have nothing to do.
      for (Index i = next - starts_.begin() - 1;
           i < static_cast<Index>(starts_.size()) && start(i) < to; ++i) {
        const Index begin = std::max<Index>(from - start(i), 0);
        const Index end = std::min(to - start(i), sizes_[static_cast<std::size_t>(i)]);
        if (begin < end) f(i, begin, end);
      }
    });
  }

 private:
  using List = std::vector<Index, eigengrad::detail::CacheAllocator<Index>>;

  Index align_;
  List starts_;
  List sizes_;
  Index total_ = 0;
};

}  // namespace eigengrad::kernels
