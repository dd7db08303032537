// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/rounding.hpp>

namespace eigengrad::detail {

/// The scratch memory of one thread: a stack that keeps the most that it has ever held.
///
/// If scratch came from the cache, the amount in use at once would depend on the threads' timing:
/// any step could be the first to ask the system for more.
class ScratchStack {
 public:
  static ScratchStack& instance() {
    thread_local ScratchStack stack;
    return stack;
  }
  ScratchStack() = default;
  ScratchStack(const ScratchStack&) = delete;
  ScratchStack& operator=(const ScratchStack&) = delete;
  ~ScratchStack() {
    for (const MemoryBlock& block : blocks_) std::free(block.data);
  }

  /// **Throws** std::bad_alloc.
  void* push(std::size_t bytes) {
    bytes = rounded(bytes);
    most_ = std::max(most_, used_ + bytes);
    if (blocks_.empty() || blocks_.back().used + bytes > blocks_.back().bytes) {
      add_block(blocks_.empty() ? most_ : bytes);
    }
    MemoryBlock& top = blocks_.back();
    void* place = top.data + top.used;
    top.used += bytes;
    used_ += bytes;
    return place;
  }

  /// Frees the newest allocation that is in use; `bytes` is its size.
  void pop(std::size_t bytes) noexcept {
    bytes = rounded(bytes);
    MemoryBlock& top = blocks_.back();
    top.used -= bytes;
    used_ -= bytes;
    if (top.used > 0) return;
    // A block that was added for what did not fit is freed. So is a first block that was too small,
    // once nothing is in use: the next one has room for everything.
    if (blocks_.size() > 1 || top.bytes < most_) {
      std::free(top.data);
      blocks_.pop_back();
    }
  }

 private:
  struct MemoryBlock {
    unsigned char* data;
    std::size_t bytes;
    std::size_t used;
  };

  static std::size_t rounded(std::size_t bytes) { return round_up(bytes, BlockCache::kAlignment); }

  void add_block(std::size_t bytes) {
    blocks_.push_back({nullptr, bytes, 0});
    void* data = std::aligned_alloc(BlockCache::kAlignment, bytes);
    if (data == nullptr) {
      blocks_.pop_back();
      throw std::bad_alloc();
    }
    blocks_.back().data = static_cast<unsigned char*>(data);
  }

  std::vector<MemoryBlock> blocks_;
  std::size_t used_ = 0;
  std::size_t most_ = 0;
};

/// Uninitialised scratch memory for the life of a scope, 64-byte aligned.
template <class U>
class Scratch {
 public:
  [[nodiscard]] explicit Scratch(std::int64_t n) : n_(n > 0 ? static_cast<std::size_t>(n) : 1) {
    if (n_ > BlockCache::kLargest / sizeof(U)) throw std::bad_alloc();  // n * sizeof could wrap
    data_ = static_cast<U*>(large() ? BlockCache::instance().allocate(bytes())
                                    : ScratchStack::instance().push(bytes()));
  }
  ~Scratch() {
    if (large()) {
      BlockCache::instance().deallocate(data_, bytes());
    } else {
      ScratchStack::instance().pop(bytes());
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  U* data() { return data_; }
  U& operator[](std::int64_t i) { return data_[i]; }

 private:
  std::size_t bytes() const { return n_ * sizeof(U); }
  /// Too much to be kept for each thread.
  bool large() const { return bytes() >= (std::size_t{8} << 20); }

  std::size_t n_;
  U* data_;
};

}  // namespace eigengrad::detail
