// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include <eigengrad/core/parallel.hpp>
#include <examples/common/options.hpp>

/// What every program does around its work.
namespace cli {

/// The exit status of run(). What it throws is one line on standard error: 2 for a wrong command
/// line, 1 for anything else.
template <class Run>
int exit_status(const char* program, Run&& run) {
  try {
    return run();
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

/// The option for `set_threads`.
inline void add_threads_option(Options& options, int& threads,
                               const char* note = "results do not depend on it") {
  options.add("threads", threads, "N", (std::string("threads, 0 for all cores; ") + note).c_str(),
              0, 4096);
}

/// 0 means all cores.
inline void set_threads(int threads) {
  eigengrad::set_num_threads(threads > 0 ? threads
                                         : static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace cli
