// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

/// The memory under arrays and graph nodes: 64-byte aligned blocks that are kept for reuse.
///
/// A training loop asks for the same sizes every step. Returning large blocks to the system and
/// faulting them in again costs more than many kernels, so freed blocks go to a free list per size
/// class and come back from there.
namespace eigengrad {

namespace detail {

/// Size classes are four steps to each power of two, so at most a fifth of a block is unused.
class BlockCache {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  /// No system has more; beyond it size classes would run out.
  static constexpr std::size_t kLargest = std::size_t{1} << 50;

  /// One cache for the process. It is never destroyed: static arrays may outlive everything else.
  static BlockCache& instance() {
    static BlockCache* cache = new BlockCache;
    return *cache;
  }

  /// **Throws** std::bad_alloc.
  void* allocate(std::size_t bytes) {
    if (bytes > kLargest) throw std::bad_alloc();
    const int index = class_of(bytes);
    {
      std::lock_guard lock(mutex_);
      auto& list = free_[index];
      if (!list.empty()) {
        void* block = list.back();
        list.pop_back();
        cached_bytes_ -= class_bytes(index);
        return block;
      }
    }
    return from_system(class_bytes(index));
  }

  void deallocate(void* block, std::size_t bytes) noexcept {
    const int index = class_of(bytes);
    std::unique_lock lock(mutex_);
    if (cached_bytes_ + class_bytes(index) <= limit_bytes_) {
      try {
        free_[index].push_back(block);
        cached_bytes_ += class_bytes(index);
        return;
      } catch (const std::bad_alloc&) {
      }
    }
    lock.unlock();
    std::free(block);
  }

  void release() {
    std::lock_guard lock(mutex_);
    for (auto& list : free_) {
      for (void* block : list) std::free(block);
      list.clear();
    }
    cached_bytes_ = 0;
  }

  std::size_t cached_bytes() const {
    std::lock_guard lock(mutex_);
    return cached_bytes_;
  }

  void set_limit(std::size_t bytes) {
    {
      std::lock_guard lock(mutex_);
      limit_bytes_ = bytes;
      if (cached_bytes_ <= limit_bytes_) return;
    }
    release();
  }

 private:
  static constexpr int kClasses = 4 * 48;

  /// 0 holds 64 bytes; class c holds (4 + c % 4) << (c / 4) units of 16 bytes.
  static int class_of(std::size_t bytes) {
    const std::size_t units = (bytes + 15) / 16;
    if (units <= 4) return 0;
    const int shift = static_cast<int>(std::bit_width(units - 1)) - 3;
    const std::size_t quarter = (units + (std::size_t{1} << shift) - 1) >> shift;  // 5 to 8
    return 4 * shift + static_cast<int>(quarter) - 4;
  }

  static std::size_t class_bytes(int index) {
    return (static_cast<std::size_t>(4 + index % 4) << (index / 4)) * 16;
  }

  static void* from_system(std::size_t bytes) {
    const bool huge = bytes >= kHugePage;
    const std::size_t alignment = huge ? kHugePage : kAlignment;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded);
    if (block == nullptr) throw std::bad_alloc();
#ifdef __linux__
    if (huge) madvise(block, rounded, MADV_HUGEPAGE);  // advice: failing is harmless
#endif
    return block;
  }

  mutable std::mutex mutex_;
  std::vector<void*> free_[kClasses];
  std::size_t cached_bytes_ = 0;
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

/// Uninitialised scratch memory for the life of a scope, 64-byte aligned.
template <class U>
class Scratch {
 public:
  explicit Scratch(std::int64_t n)
      : n_(n > 0 ? static_cast<std::size_t>(n) : 1), data_(CacheAllocator<U>().allocate(n_)) {}
  ~Scratch() { CacheAllocator<U>().deallocate(data_, n_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  U* data() { return data_; }
  U& operator[](std::int64_t i) { return data_[i]; }

 private:
  std::size_t n_;
  U* data_;
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
  static constexpr std::size_t kHeader = 64;  // keeps the data behind it aligned
  Header* header_ = nullptr;
};

}  // namespace detail

/// Returns all cached memory to the system.
inline void release_memory() { detail::BlockCache::instance().release(); }

/// Bytes held for reuse and not in use now.
inline std::size_t cached_memory() { return detail::BlockCache::instance().cached_bytes(); }

/// Upper bound of the bytes held for reuse (4 GiB unless set); 0 turns the cache off.
inline void set_memory_cache_limit(std::size_t bytes) {
  detail::BlockCache::instance().set_limit(bytes);
}

}  // namespace eigengrad
