// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <eigengrad/core/rounding.hpp>

namespace eigengrad::detail {

/// Blocks of megabytes, cut from segments that the system gives: the smallest free range that is
/// large enough is split, and a freed block merges with its free neighbours.
///
/// The activations of a step differ in size and are freed in another order than they were
/// allocated. With a free list per size, much of the memory would wait for a request of exactly its
/// size. There are a few hundred blocks at most, so a linear search of a sorted list is enough. Not
/// safe for several threads at once.
class LargeBlocks {
 public:
  LargeBlocks() = default;
  LargeBlocks(const LargeBlocks&) = delete;
  LargeBlocks& operator=(const LargeBlocks&) = delete;
  ~LargeBlocks() {
    for (const Range& r : ranges_) {
      if (r.first) std::free(r.begin);
    }
  }

  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  /// Bytes that a request of `bytes` uses.
  static std::size_t rounded(std::size_t bytes) { return round_up(bytes, kPage); }

  /// **Throws** std::bad_alloc.
  void* allocate(std::size_t bytes) {
    const std::size_t need = rounded(bytes);
    auto best = ranges_.end();
    for (auto r = ranges_.begin(); r != ranges_.end(); ++r) {
      if (!r->used && r->bytes >= need && (best == ranges_.end() || r->bytes < best->bytes)) {
        best = r;
      }
    }
    if (best == ranges_.end()) best = add_segment(need);
    unsigned char* const block = best->begin;
    if (best->bytes > need) {
      // Inserted before anything changes, so that a failure to grow the list changes nothing.
      best = ranges_.insert(best, {block, need, false, best->first});
      best[1].begin += need;
      best[1].bytes -= need;
      best[1].first = false;
    }
    best->used = true;
    free_bytes_ -= need;
    return block;
  }

  void deallocate(void* block) noexcept {
    auto at = std::lower_bound(ranges_.begin(), ranges_.end(), static_cast<unsigned char*>(block),
                               [](const Range& r, const unsigned char* p) { return r.begin < p; });
    at->used = false;
    free_bytes_ += at->bytes;
    if (at + 1 != ranges_.end() && !at[1].used && !at[1].first) {
      at->bytes += at[1].bytes;
      at = ranges_.erase(at + 1) - 1;
    }
    if (!at->first && !at[-1].used) {
      at[-1].bytes += at->bytes;
      ranges_.erase(at);
    }
  }

  /// Returns the segments without a block in use to the system.
  void release() noexcept {
    const auto is_free_segment = [this](const Range& r) {
      const Range* next = &r + 1;
      return !r.used && r.first && (next == ranges_.data() + ranges_.size() || next->first);
    };
    // Marked first: erasing moves the neighbours that the question looks at.
    for (Range& r : ranges_) {
      if (!is_free_segment(r)) continue;
      free_bytes_ -= r.bytes;
      total_bytes_ -= r.bytes;
      std::free(r.begin);
      r.begin = nullptr;
    }
    std::erase_if(ranges_, [](const Range& r) { return r.begin == nullptr; });
  }

  /// Bytes that came from the system and are not in use.
  std::size_t free_bytes() const { return free_bytes_; }

 private:
  struct Range {
    unsigned char* begin;
    std::size_t bytes;
    bool used;
    bool first;  ///< whether it is the first range of its segment
  };
  using Iterator = std::vector<Range>::iterator;

  /// Memory that is never touched costs nothing, so segments are large and grow with demand.
  Iterator add_segment(std::size_t need) {
    constexpr std::size_t kSmallest = std::size_t{64} << 20;
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    const std::size_t least = round_up(need, kHugePage);
    std::size_t bytes = std::max(least, std::clamp(total_bytes_, kSmallest, kLargest));
    if (ranges_.size() + 2 > ranges_.capacity()) ranges_.reserve(2 * ranges_.capacity() + 256);
    void* memory = std::aligned_alloc(kHugePage, bytes);
    if (memory == nullptr) memory = std::aligned_alloc(kHugePage, bytes = least);
    if (memory == nullptr) throw std::bad_alloc();
#ifdef __linux__
    madvise(memory, bytes, MADV_HUGEPAGE);  // advice: failing is harmless
#endif
    auto* begin = static_cast<unsigned char*>(memory);
    total_bytes_ += bytes;
    free_bytes_ += bytes;
    const auto at =
        std::lower_bound(ranges_.begin(), ranges_.end(), begin,
                         [](const Range& r, const unsigned char* p) { return r.begin < p; });
    return ranges_.insert(at, {begin, bytes, false, true});
  }

  std::vector<Range> ranges_;  ///< by address, used and free ones
  std::size_t total_bytes_ = 0;
  std::size_t free_bytes_ = 0;
};

}  // namespace eigengrad::detail
