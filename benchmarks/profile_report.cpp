// SPDX-License-Identifier: MIT
#include <algorithm>
#include <benchmarks/profile_report.hpp>
#include <cstdio>

namespace bench {
namespace {

using eigengrad::Shape;
using Entry = eigengrad::inspect::Profiler::Entry;
using Phase = eigengrad::inspect::Profiler::Phase;

double size(const Shape& shape) { return double(shape.numel()); }

const char* phase_name(Phase phase) {
  return phase == Phase::kForward ? "forward" : phase == Phase::kBackward ? "backward" : "step";
}

void print_json(const Entry& e, const ProfileReport& r, double total, const Work& work) {
  std::printf("{\"op\": \"%s\", \"phase\": \"%s\", \"inputs\": [", e.op.c_str(),
              phase_name(e.phase));
  for (std::size_t i = 0; i < e.inputs.size(); ++i) {
    std::printf("%s\"%s\"", i == 0 ? "" : ", ", e.inputs[i].str().c_str());
  }
  std::printf("], \"result\": \"%s\", \"calls\": %g, \"ms\": %.4f, \"percent_of_step\": %.2f",
              e.result.str().c_str(), double(e.calls) / r.steps, e.seconds * 1e3 / r.steps,
              100 * e.seconds / total);
  const double seconds = e.seconds / double(e.calls);
  if (work.limit != Work::Limit::kNone) {
    std::printf(", \"limit\": \"%s\", \"%s\": %.2f, \"percent_of_limit\": %.1f", work.limit_name(),
                work.key(), work.rate(seconds), work.percent(seconds, r.machine));
  }
  std::printf("}\n");
}

void print_line(const Entry& e, const ProfileReport& r, double total, const Work& work) {
  std::printf("%9.3f  %5.1f %%  %5g  ", e.seconds * 1e3 / r.steps, 100 * e.seconds / total,
              double(e.calls) / r.steps);
  const double seconds = e.seconds / double(e.calls);
  if (work.limit == Work::Limit::kNone) {
    std::printf("%26s  ", "");
  } else {
    std::printf("%8.1f %s  %6.1f %%  ", work.rate(seconds), work.unit(),
                work.percent(seconds, r.machine));
  }
  std::printf("%s%s%s", e.op.c_str(), e.phase == Phase::kForward ? "" : " ",
              e.phase == Phase::kForward ? "" : phase_name(e.phase));
  for (std::size_t i = 0; i < e.inputs.size(); ++i) {
    std::printf("%s %s", i == 0 ? "" : ",", e.inputs[i].str().c_str());
  }
  std::printf("%s%s\n", e.inputs.empty() ? "" : " -> ",
              e.inputs.empty() ? "" : e.result.str().c_str());
}

}  // namespace

Work op_work(const Entry& e, double optimizer_floats) {
  using Reads = eigengrad::Op::Reads;
  if (e.phase == Phase::kOptimizer) return optimizer_floats > 0 ? floats(optimizer_floats) : Work{};
  const bool forward = e.phase == Phase::kForward;
  if (e.macs > 0) return flop(2 * e.macs);
  if (e.reads == Reads::kNothing) return {};
  double n = size(e.result);
  if (forward && e.reads != Reads::kAll) return floats(2 * n);
  for (std::size_t i = 0; i < e.inputs.size(); ++i) {
    if (forward || e.wanted[i]) n += size(e.inputs[i]);
  }
  return floats(n);
}

void print_profile(const eigengrad::inspect::Profiler& profiler, const ProfileReport& report) {
  std::vector<Entry> sorted = profiler.entries();
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Entry& a, const Entry& b) { return a.seconds > b.seconds; });
  double total = 0;
  for (const Entry& e : sorted) total += e.seconds;
  if (!report.json) std::printf("ms per step  share  calls  %16s  %8s  op\n", "rate", "of limit");
  for (const Entry& e : sorted) {
    const Work work = op_work(e, report.optimizer_floats);
    (report.json ? print_json : print_line)(e, report, total, work);
  }
}

}  // namespace bench
