// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include <eigengrad/core/large_blocks.hpp>
#include <eigengrad/core/rounding.hpp>

namespace eigengrad::detail {

/// Blocks below 1 MiB have a free list for each size class, four steps to each power of two, so at
/// most a fifth of one is unused. Those above are cut to size from large segments.
class BlockCache {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kLargeBlock = std::size_t{1} << 20;
  /// No system has more memory; above this, sums of sizes could overflow.
  static constexpr std::size_t kLargest = std::size_t{1} << 50;

  /// One cache for the process. It is never destroyed: static arrays may outlive everything else.
  static BlockCache& instance() {
    static BlockCache* cache = new BlockCache;
    return *cache;
  }

  /// **Throws** std::bad_alloc.
  void* allocate(std::size_t bytes) {
    if (bytes > kLargest) throw std::bad_alloc();
    std::lock_guard lock(mutex_);
    void* block = bytes >= kLargeBlock ? large_.allocate(bytes) : allocate_small(class_of(bytes));
    in_use_ += taken(bytes);
    peak_ = std::max(peak_, in_use_);
    return block;
  }

  void deallocate(void* block, std::size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    in_use_ -= taken(bytes);
    if (bytes >= kLargeBlock) {
      large_.deallocate(block);
      if (cached() > limit_bytes_) large_.release();
    } else {
      deallocate_small(block, class_of(bytes));
    }
  }

  void release() {
    std::lock_guard lock(mutex_);
    for (auto& list : free_) {
      while (list != nullptr) std::free(std::exchange(list, list->next));
    }
    small_cached_ = 0;
    large_.release();
  }

  std::size_t cached_bytes() const {
    std::lock_guard lock(mutex_);
    return cached();
  }
  std::size_t bytes_in_use() const {
    std::lock_guard lock(mutex_);
    return in_use_;
  }
  std::size_t peak_bytes() const {
    std::lock_guard lock(mutex_);
    return peak_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    peak_ = in_use_;
  }

  void set_limit(std::size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      limit_bytes_ = bytes;
      if (cached() <= limit_bytes_) return;
    }
    release();
  }

 private:
  /// Stored at the start of a free block, so the list needs no memory of its own.
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr int kClasses = 4 * 15;

  /// 0 holds 64 bytes; class c holds (4 + c % 4) << (c / 4) units of 16 bytes.
  static int class_of(std::size_t bytes) {
    const std::size_t units = divide_up(bytes, 16);
    if (units <= 4) return 0;
    const int shift = static_cast<int>(std::bit_width(units - 1)) - 3;
    const std::size_t quarter = (units + (std::size_t{1} << shift) - 1) >> shift;  // 5 to 8
    return 4 * shift + static_cast<int>(quarter) - 4;
  }

  static std::size_t class_bytes(int index) {
    return (static_cast<std::size_t>(4 + index % 4) << (index / 4)) * 16;
  }

  /// Bytes that a request of `bytes` uses.
  static std::size_t taken(std::size_t bytes) {
    return bytes >= kLargeBlock ? LargeBlocks::rounded(bytes) : class_bytes(class_of(bytes));
  }

  std::size_t cached() const { return small_cached_ + large_.free_bytes(); }

  void* allocate_small(int index) {
    if (FreeBlock* block = free_[index]) {
      free_[index] = block->next;
      small_cached_ -= class_bytes(index);
      return block;
    }
    const std::size_t bytes = round_up(class_bytes(index), kAlignment);
    void* block = std::aligned_alloc(kAlignment, bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }

  void deallocate_small(void* block, int index) noexcept {
    if (cached() + class_bytes(index) > limit_bytes_) return std::free(block);
    free_[index] = new (block) FreeBlock{free_[index]};
    small_cached_ += class_bytes(index);
  }

  mutable std::mutex mutex_;
  FreeBlock* free_[kClasses] = {};
  LargeBlocks large_;
  std::size_t small_cached_ = 0;
  std::size_t in_use_ = 0;
  std::size_t peak_ = 0;
  std::size_t limit_bytes_ = std::size_t{4} << 30;
};

/// Standard allocator over the cache, for nodes and scratch vectors.
template <class U>
struct CacheAllocator {
  using value_type = U;
  CacheAllocator() = default;
  template <class V>
  CacheAllocator(const CacheAllocator<V>&) {}
  U* allocate(std::size_t n) {
    if (n > BlockCache::kLargest / sizeof(U)) throw std::bad_alloc();  // n * sizeof could wrap
    return static_cast<U*>(BlockCache::instance().allocate(n * sizeof(U)));
  }
  void deallocate(U* p, std::size_t n) noexcept {
    BlockCache::instance().deallocate(p, n * sizeof(U));
  }
  friend bool operator==(const CacheAllocator&, const CacheAllocator&) { return true; }
};

/// A reference-counted block: the storage of an array, shared by its copies.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes) {
    void* block = BlockCache::instance().allocate(bytes + kHeader);
    header_ = new (block) Header{{1}, bytes};
  }
  Buffer(const Buffer& other) noexcept : header_(other.header_) {
    if (header_) header_->count.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : header_(std::exchange(other.header_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(header_, other.header_);
    return *this;
  }
  ~Buffer() {
    if (header_ && header_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      BlockCache::instance().deallocate(header_, header_->bytes + kHeader);
    }
  }

  void* data() const {
    return header_ ? reinterpret_cast<unsigned char*>(header_) + kHeader : nullptr;
  }
  /// True when no other array shares this block.
  bool unique() const { return header_ && header_->count.load(std::memory_order_acquire) == 1; }

 private:
  struct Header {
    std::atomic<std::int64_t> count;
    std::size_t bytes;
  };
  static constexpr std::size_t kHeader = 64;  // keeps the data after it aligned
  Header* header_ = nullptr;
};

}  // namespace eigengrad::detail
