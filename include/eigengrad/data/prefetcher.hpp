// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad::data::detail {

/// Threads that make items 0 to count - 1 ahead of their consumer, who gets them in this order.
///
/// Which thread makes an item is a matter of chance, so an item must depend on its number alone.
/// An exception reaches the consumer in order, after the items before it.
template <class Item>
class Prefetcher {
 public:
  /// Keeps at most `ahead` items, those being made included.
  Prefetcher(Index count, Index ahead, Index workers, std::function<Item(Index)> make)
      : slots_(static_cast<std::size_t>(ahead)),
        count_(count),
        end_(count),
        make_(std::move(make)) {
    try {
      for (Index i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {
      join();  // the system gives no more threads
      throw;
    }
  }
  ~Prefetcher() { join(); }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item; waits for it.
  Item take() {
    std::unique_lock lock(mutex_);
    if (taken_ == count_) throw StateError("[prefetch] all items have been taken");
    Slot& slot = this->slot(taken_);
    ready_.wait(lock, [&] { return slot.ready; });
    if (slot.error) std::rethrow_exception(slot.error);
    Item item = std::move(slot.item);
    slot.ready = false;
    ++taken_;
    lock.unlock();
    free_.notify_one();
    return item;
  }

 private:
  struct Slot {
    Item item = {};
    std::exception_ptr error = nullptr;
    bool ready = false;
  };

  Slot& slot(Index i) { return slots_[static_cast<std::size_t>(i) % slots_.size()]; }

  void work() {
    const SerialGuard serial;  // the threads of OpenMP are busy with training
    std::unique_lock lock(mutex_);
    while (true) {
      const auto room = [this] { return next_ < taken_ + static_cast<Index>(slots_.size()); };
      free_.wait(lock, [&] { return next_ >= end_ || room(); });
      if (next_ >= end_) return;
      const Index i = next_++;
      lock.unlock();
      Slot made;
      try {
        made.item = make_(i);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      made.ready = true;
      if (made.error) stop();  // nobody will ask for what comes after
      slot(i) = std::move(made);
      ready_.notify_one();
    }
  }

  /// To be called with the lock: no item is begun from now on.
  void stop() {
    end_ = 0;
    free_.notify_all();
  }

  void join() {
    {
      std::lock_guard lock(mutex_);
      stop();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  std::mutex mutex_;
  std::condition_variable ready_;  // for the consumer
  std::condition_variable free_;   // for the threads
  std::vector<Slot> slots_;        // a ring: item i is in slot i modulo their number
  Index count_;
  Index taken_ = 0;
  Index next_ = 0;  // to be made
  Index end_;       // no item from here on is begun
  std::function<Item(Index)> make_;
  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace eigengrad::data::detail
