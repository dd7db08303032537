// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <cstdio>

#include <examples/common/options.hpp>

namespace bench {

Suite::Suite(Settings settings) : settings_(std::move(settings)) {
  eg::set_num_threads(settings_.threads);
  machine_ = measure_machine();
  if (settings_.json) {
    std::printf(
        "{\"machine\": true, \"isa\": \"%s\", \"threads\": %d, \"compiler\": \"%s\", "
        "\"peak_gflops\": %.1f, \"bandwidth_gbs\": %.1f}\n",
        isa(), settings_.threads, kCompiler, machine_.peak_gflops, machine_.bandwidth_gbs);
    return;
  }
  std::printf("%s, %d threads, %s: FMA peak %.1f GFLOP/s, memory %.1f GB/s\n\n", isa(),
              settings_.threads, kCompiler, machine_.peak_gflops, machine_.bandwidth_gbs);
  std::printf("%-52s %12s %12s %16s %9s %9s\n", "", "median us", "min us", "rate", "of limit",
              "error");
}

void Suite::add(const std::string& name, Work work, double tolerance,
                const std::function<Kernel()>& prepare) {
  if (name.find(settings_.filter) == std::string::npos) return;
  ++run_;
  const Kernel kernel = prepare();
  const double error = kernel.error();
  if (!(error <= tolerance)) {
    ++failed_;
    std::fprintf(stderr,
                 "suite: %s is not timed: it differs from the naive version by %.2g, "
                 "more than %.2g\n",
                 name.c_str(), error, tolerance);
    return;
  }
  const Timing timing = time(kernel);
  print(name, work, timing, error, tolerance, kernel.note ? kernel.note(timing) : "");
}

Timing Suite::time(const Kernel& kernel) const {
  kernel.run();
  const double once = seconds_of(kernel.run);
  // A sample is at least half a millisecond, for the clock and the scheduler.
  const long repeat = std::clamp<long>(std::lround(0.5e-3 / once), 1, 100000);
  const double budget = settings_.quick ? 0.02 : 0.4;
  const int samples = static_cast<int>(
      std::clamp<double>(budget / (once * double(repeat)), settings_.quick ? 3 : 7, 200));
  std::vector<double> seconds;
  for (int i = 0; i < samples; ++i) seconds.push_back(seconds_of(kernel.run, repeat));
  return summary(std::move(seconds));
}

void Suite::print(const std::string& name, Work work, const Timing& timing, double error,
                  double tolerance, const std::string& note) const {
  if (settings_.json) {
    std::printf("{\"name\": \"%s\", \"threads\": %d, \"median_us\": %.3f, \"min_us\": %.3f, ",
                name.c_str(), settings_.threads, timing.median * 1e6, timing.minimum * 1e6);
    if (work.limit != Work::Limit::kNone) {
      std::printf("\"limit\": \"%s\", \"%s\": %.2f, \"percent_of_limit\": %.1f, ",
                  work.limit_name(), work.key(), work.rate(timing.median),
                  work.percent(timing.median, machine_));
    }
    std::printf("\"error\": %.3g, \"tolerance\": %.3g, \"note\": \"%s\"}\n", error, tolerance,
                note.c_str());
  } else {
    std::printf("%-52s %12.2f %12.2f ", name.c_str(), timing.median * 1e6, timing.minimum * 1e6);
    if (work.limit == Work::Limit::kNone) {
      std::printf("%16s %9s ", "", "");
    } else {
      std::printf("%9.2f %s %7.1f %% ", work.rate(timing.median), work.unit(),
                  work.percent(timing.median, machine_));
    }
    std::printf("%9.1e  %s\n", error, note.c_str());
  }
  std::fflush(stdout);
}

int Suite::finish() {
  if (run_ == 0) {
    throw cli::UsageError("no benchmark has \"" + settings_.filter + "\" in its name");
  }
  const double peak = eg::inspect::peak_gflops<float>();
  if (std::abs(peak / machine_.peak_gflops - 1) > 0.05) {
    std::fprintf(stderr,
                 "suite: the FMA peak was %.1f GFLOP/s at the start and is %.1f now: the machine "
                 "is not idle, do not trust the shares\n",
                 machine_.peak_gflops, peak);
  }
  return failed_;
}

}  // namespace bench

namespace {

constexpr const char* kAbout =
    "Times eigengrad's kernels, ops, optimisers, whole steps and data loading, one line each.\n\n"
    "Each is first compared with a naive version of it, plain loops in double; when they differ\n"
    "by more than its tolerance it gets a message instead of a time, and the exit status is 1.\n"
    "Then it runs for a while, and gets the median and minimum time of a call and the median's\n"
    "rate as a share of a limit, measured at the start with as many threads. For products that is "
    "the FMA peak; for\n"
    "what only moves numbers the memory bandwidth, counting the bytes of inputs and results once.\n"
    "Above 100 % of the memory means that the arrays come from a cache, as they often do in a\n"
    "step. The error is the largest distance of an element, relative to the largest element.\n\n"
    "--json prints one object per line. The first has \"machine\": true, isa, threads, compiler,\n"
    "peak_gflops and bandwidth_gbs. The others have name, threads, median_us, min_us, error,\n"
    "tolerance and note, and where a limit applies limit (\"fma\" or \"memory\"), gflops or gbs,\n"
    "and percent_of_limit.\n\n"
    "  suite --filter gemm --threads 1\n"
    "  suite --filter \"layer_norm\" --json > layer_norm.jsonl\n";

}  // namespace

int main(int argc, char** argv) {
  bench::Settings settings;
  cli::Options options("suite [options]", kAbout);
  options.add("filter", settings.filter, "TEXT", "only benchmarks with TEXT in their name");
  options.add("threads", settings.threads, "N", "threads", 1);
  options.flag("quick", settings.quick, "few repetitions: a trial, not a measurement");
  options.flag("json", settings.json, "a JSON object per line instead of the table");
  try {
    if (!options.parse({argv + 1, argv + argc})) {
      std::fputs(options.help().c_str(), stdout);
      return 0;
    }
    bench::Suite suite(settings);
    bench::gemm_benchmarks(suite);
    bench::linear_benchmarks(suite);
    bench::attention_benchmarks(suite);
    bench::row_benchmarks(suite);
    bench::elementwise_benchmarks(suite);
    bench::movement_benchmarks(suite);
    bench::image_benchmarks(suite);
    bench::optimizer_benchmarks(suite);
    bench::step_benchmarks(suite);
    bench::loading_benchmarks(suite);
    return suite.finish() == 0 ? 0 : 1;
  } catch (const cli::UsageError& error) {
    std::fprintf(stderr, "suite: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "suite: %s\n", error.what());
    return 1;
  }
}
