// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace eigengrad {

/// An op by name, with the work that its forward does: what profilers and summaries count. A name
/// alone is an op without products. The work of backward is counted where it is done
/// (`BackwardContext::count_macs`).
struct Op {
  /// What forward reads of its inputs.
  enum class Reads : std::uint8_t {
    kAll,      ///< all their numbers
    kPart,     ///< as many numbers as the result has
    kIndexed,  ///< the same, and an array of indices, which is no tensor, says which ones
    kNothing,  ///< none: the result shares the input's numbers
  };

  constexpr Op(const char* op_name, double forward_macs = 0, Reads what = Reads::kAll)
      : name(op_name), macs(forward_macs), reads(what) {}

  const char* name;  ///< a string literal
  double macs;       ///< multiply-adds of forward's products; other arithmetic does not count
  Reads reads;
};

}  // namespace eigengrad
