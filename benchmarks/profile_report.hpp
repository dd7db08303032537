// SPDX-License-Identifier: MIT
#pragma once

#include <benchmarks/machine.hpp>

#include <eigengrad/inspect/profile.hpp>

namespace bench {

/// What a call of an op does at least, from its shapes: multiply-adds where it is a product, else
/// the bytes of its inputs and result. Backward counts the gradients that are wanted: a product for
/// each; or the result's gradient read and the inputs' written. Views do nothing. The products of
/// an attention's backward are twice the forward's, whatever it computes again.
/// `parameters` is their number, for the optimiser; one that is not AdamW has no limit here.
Work op_work(const eigengrad::inspect::Profiler::Entry& entry, eigengrad::Index parameters);

struct ProfileReport {
  int steps = 1;  ///< that the profiler saw
  eigengrad::Index parameters = 0;
  Machine machine = {};
  bool json = false;  ///< an object a line instead of the table
};

/// A line for each op, phase and shape, the slowest first: milliseconds and calls of a step, share
/// of its time, rate, and share of the limit.
void print_profile(const eigengrad::inspect::Profiler& profiler, const ProfileReport& report);

}  // namespace bench
