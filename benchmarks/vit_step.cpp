// SPDX-License-Identifier: MIT
// One training step of a ViT on synthetic images: forward, cross-entropy, backward, AdamW.
//     vit_step --dim 192 --depth 6 --heads 3 --batch 64 --threads 2 --json
#include <sys/resource.h>

#include <benchmarks/machine.hpp>
#include <benchmarks/profile_report.hpp>
#include <benchmarks/step.hpp>
#include <benchmarks/timing.hpp>
#include <cstdio>

#include <eigengrad/inspect/profile.hpp>
#include <eigengrad/version.hpp>
#include <examples/common/options.hpp>

namespace eg = eigengrad;

namespace {

struct Settings : bench::StepSettings {
  int threads = 2, steps = 20, warmup = 3;
  bool profile = false, json = false;
};

long peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void run(const Settings& s) {
  eg::set_num_threads(s.threads);
  bench::Step step(s);
  const double t = bench::time_runs(step, s.steps, s.warmup).median;
  const long rss = peak_rss_mib();
  const double gflops = bench::step_gflop(s) / t;
  const bench::Machine machine = bench::measure_machine();
  const auto [peak, bandwidth] = machine;
  if (s.profile) {
    eg::inspect::Profiler profiler;
    for (int i = 0; i < s.steps; ++i) step();
    // AdamW reads parameter, gradient and two means, and writes all but the gradient.
    const double optimizer_floats = 7 * double(step.parameters());
    bench::print_profile(profiler, {s.steps, optimizer_floats, machine, s.json});
  }
  if (s.json) {
    std::printf(
        "{\"peer\": \"eigengrad %s\", \"isa\": \"%s\", \"compile\": false, \"bf16\": false, "
        "\"inference\": %s, \"threads\": %d, "
        "\"batch\": %ld, \"dim\": %ld, \"depth\": %ld, \"channels\": \"%s\", "
        "\"images_per_s\": %.1f, \"ms_per_step\": %.2f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
        "\"percent_of_peak\": %.1f, \"bandwidth_gbs\": %.1f, \"peak_rss_mib\": %ld, "
        "\"compiler\": \"%s\"}\n",
        EIGENGRAD_VERSION, bench::isa(), s.inference ? "true" : "false", s.threads, long(s.batch),
        long(s.dim), long(s.depth), s.channels.c_str(), double(s.batch) / t, t * 1e3, gflops, peak,
        100 * gflops / peak, bandwidth, rss, bench::kCompiler);
  } else {
    std::printf(
        "%.1f images/s, %.2f ms per step, %.1f GFLOP/s = %.1f %% of the peak %.1f, %ld MiB\n",
        double(s.batch) / t, t * 1e3, gflops, 100 * gflops / peak, peak, rss);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  cli::Options options("vit_step [options]",
                       "Times a ViT's training step on synthetic images and states it as a share "
                       "of the machine's FMA peak.");
  options.add("batch", s.batch, "N", "images per step", 1);
  options.add("image", s.image, "PX", "side of the images", 1);
  options.add("patch", s.patch, "PX", "side of a patch", 1);
  options.add("channels", s.channels, "C,C", "convolutional tokenizer, e.g. 32,96");
  options.add("dim", s.dim, "N", "width of a token", 1);
  options.add("depth", s.depth, "N", "encoder layers", 0);
  options.add("heads", s.heads, "N", "attention heads", 1);
  options.add("head-dim", s.head_dim, "N", "width of a head; 0 is dim / heads", 0);
  options.add("mlp-ratio", s.mlp_ratio, "N", "hidden width of the MLP divided by dim", 1);
  options.add("threads", s.threads, "N", "threads", 1);
  options.add("steps", s.steps, "N", "timed steps (the median counts)", 1);
  options.add("warmup", s.warmup, "N", "untimed steps before", 0);
  options.flag("inference", s.inference, "forward only, without gradients");
  options.flag("profile", s.profile, "first print the time by op, of as many more steps");
  options.flag("json", s.json, "one line of JSON; with --profile, after a line for each op");
  try {
    if (!options.parse({argv + 1, argv + argc})) {
      std::fputs(options.help().c_str(), stdout);
      return 0;
    }
    run(s);
  } catch (const cli::UsageError& error) {
    std::fprintf(stderr, "vit_step: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vit_step: %s\n", error.what());
    return 1;
  }
}
