// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <exception>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>

#ifdef _OPENMP
#include <omp.h>
#endif

/// The only file that knows OpenMP. Without it everything runs serially, with the same bits.
namespace eigengrad {

namespace detail {

inline bool& serial_flag() {
  thread_local bool serial = false;
  return serial;
}

/// While one lives, OpenMP uses one thread for this thread's work: for other libraries' code, which
/// asks OpenMP and not `num_threads()`.
class OneThread {
 public:
#ifdef _OPENMP
  [[nodiscard]] OneThread() : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(previous_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int previous_;
#else
  [[nodiscard]] OneThread() {}
#endif
};

}  // namespace detail

/// Number of threads that `parallel_for` may use from this thread.
inline int num_threads() {
#ifdef _OPENMP
  return detail::serial_flag() || omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets the number of threads for later calls from this thread. No result depends on it.
inline void set_num_threads(int n) {
  if (n < 1) throw ValueError(detail::concat("[set_num_threads] n must be at least 1: ", n));
#ifdef _OPENMP
  omp_set_num_threads(n);
#endif
}

/// While one lives, `parallel_for` runs serially in this thread: for background workers, whose
/// own thread pool would fight with the one that trains.
class SerialGuard {
 public:
  [[nodiscard]] SerialGuard() : previous_(detail::serial_flag()) { detail::serial_flag() = true; }
  ~SerialGuard() { detail::serial_flag() = previous_; }
  SerialGuard(const SerialGuard&) = delete;
  SerialGuard& operator=(const SerialGuard&) = delete;

 private:
  bool previous_;
};

namespace detail {

/// `parallel_for` without the type of its function, so that the region is compiled once.
inline void parallel_ranges(Index n, Index grain, void* f,
                            void (*call)(void* f, Index begin, Index end)) {
#ifdef _OPENMP
  grain = std::max<Index>(grain, 1);
  const Index blocks = divide_up(n, grain);
  const Index threads = std::min<Index>(num_threads(), blocks);
  if (threads > 1) {
    std::exception_ptr error = nullptr;
#pragma omp parallel num_threads(static_cast <int>(threads))
    {
      const Index team = omp_get_num_threads();
      const Index rank = omp_get_thread_num();
      const Index begin = blocks * rank / team * grain;
      const Index end = std::min(n, blocks * (rank + 1) / team * grain);
      try {
        if (begin < end) call(f, begin, end);
      } catch (...) {
#pragma omp critical(eigengrad_parallel_for)
        if (!error) error = std::current_exception();
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#else
  static_cast<void>(grain);
#endif
  call(f, 0, n);
}

}  // namespace detail

/// Calls `f(begin, end)` on disjoint ranges that together cover [0, n).
///
/// Ranges start at multiples of `grain`, so only the last range can be smaller than that;
/// at or below one grain the call is serial. One static range per thread: how the work is cut
/// depends on the number of threads, so `f` must compute each output from inputs alone, in an
/// order that does not depend on the range it is in. An exception thrown by `f` is rethrown here.
template <class F>
void parallel_for(Index n, Index grain, const F& f) {
  if (n <= 0) return;
  detail::parallel_ranges(n, grain, const_cast<F*>(&f), [](void* function, Index begin, Index end) {
    (*static_cast<const F*>(function))(begin, end);
  });
}

/// Elements below which one more thread costs more than it saves.
inline constexpr Index kElementGrain = 16384;

/// Rows per grain such that a grain holds about `kElementGrain` elements.
inline Index row_grain(Index row_size) {
  return std::max<Index>(1, kElementGrain / std::max<Index>(1, row_size));
}

}  // namespace eigengrad
