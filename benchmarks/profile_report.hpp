// SPDX-License-Identifier: MIT
#pragma once

#include <benchmarks/machine.hpp>

#include <eigengrad/inspect/profile.hpp>

namespace bench {

/// What a call of an op does at least: the multiply-adds that it counted where it is a product,
/// else the bytes of its inputs and result. Backward counts the gradients that are wanted: the
/// result's read and the inputs' written. Views do nothing. The products of an attention's backward
/// are twice the forward's, whatever it computes again. `optimizer_floats` are what a step of the
/// optimiser reads and writes; 0 sets it no limit.
Work op_work(const eigengrad::inspect::Profiler::Entry& entry, double optimizer_floats);

struct ProfileReport {
  int steps = 1;                ///< how many the profiler saw
  double optimizer_floats = 0;  ///< what a step of the optimiser reads and writes
  Machine machine = {};
  bool json = false;  ///< an object per line instead of the table
};

/// A line for each op, phase and shape, the slowest first: milliseconds and calls of a step, share
/// of its time, rate, and share of the limit.
void print_profile(const eigengrad::inspect::Profiler& profiler, const ProfileReport& report);

}  // namespace bench
