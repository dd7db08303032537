// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/shape.hpp>

/// Where the time of a step goes, op by op.
namespace eigengrad::inspect {

/// Charges time to ops: while one lives, each op, each backward and each optimiser's step of this
/// thread gets the time that has passed since the one before it. What runs between ops therefore
/// counts to the op that follows; `restart` leaves it out.
///
///     eg::inspect::Profiler profiler;
///     for (int i = 0; i < 10; ++i) step();
///     std::puts(profiler.table().c_str());
///
/// A thread has one at a time: a second one takes over until it dies.
class Profiler : public Observer {
 public:
  /// All calls of one op in one phase with the same shapes.
  struct Entry {
    std::string op = {};
    Phase phase = Phase::kForward;
    Shape result = {};               ///< of the op; () for an optimiser
    std::vector<Shape> inputs = {};  ///< of its tensors, absent ones left out
    std::vector<bool> wanted = {};   ///< in backward: which of the inputs take a gradient
    double macs = 0;                 ///< multiply-adds of the products of one call
    Op::Reads reads = Op::Reads::kAll;
    Index calls = 0;
    double seconds = 0;
  };

  [[nodiscard]] Profiler() { restart(); }

  /// Time starts to count from here.
  void restart() { last_ = Clock::now(); }
  /// Forgets what has been counted.
  void clear() {
    entries_.clear();
    restart();
  }

  /// Charges the time since the last call to an op, described by an entry without calls.
  void charge(const Entry& op) {
    const double seconds = std::chrono::duration<double>(Clock::now() - last_).count();
    auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return e.phase == op.phase && e.op == op.op && e.result == op.result &&
             e.inputs == op.inputs && e.wanted == op.wanted && e.macs == op.macs &&
             e.reads == op.reads;
    });
    if (entry == entries_.end()) entry = entries_.insert(entry, op);
    ++entry->calls;
    entry->seconds += seconds;
    restart();
  }

  void observe(const Event& event) override {
    Entry entry{event.op, event.phase, event.result.shape};
    for (const Seen& x : event.inputs) {
      entry.inputs.push_back(x.shape);
      if (event.phase == Phase::kBackward) entry.wanted.push_back(x.requires_grad);
    }
    entry.macs = event.macs;
    entry.reads = event.reads;
    charge(entry);
  }

  /// In the order of their first call.
  const std::vector<Entry>& entries() const { return entries_; }

  /// One line for each op, phase and shape, the slowest first: milliseconds in all, share, calls.
  std::string table() const {
    std::vector<Entry> sorted = entries_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Entry& a, const Entry& b) { return a.seconds > b.seconds; });
    double total = 0;
    for (const Entry& e : sorted) total += e.seconds;
    std::string out = "        ms   share   calls  op\n";
    for (const Entry& e : sorted) {
      char numbers[64];
      std::snprintf(numbers, sizeof numbers, "%10.2f  %5.1f %%  %6ld  ", e.seconds * 1e3,
                    total > 0 ? 100 * e.seconds / total : 0.0, static_cast<long>(e.calls));
      out += numbers + e.op;
      if (e.phase == Phase::kBackward) out += " backward";
      if (e.phase == Phase::kOptimizer) out += " step";
      if (!e.inputs.empty()) {
        for (std::size_t i = 0; i < e.inputs.size(); ++i) {
          out += (i == 0 ? " " : ", ") + e.inputs[i].str();
        }
        out += " -> " + e.result.str();
      }
      out += '\n';
    }
    return out;
  }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point last_;
  std::vector<Entry> entries_;
};

}  // namespace eigengrad::inspect
