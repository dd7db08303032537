// SPDX-License-Identifier: MIT
// Whole steps and forward passes, and what more threads make of them.
#include <benchmarks/step.hpp>
#include <benchmarks/suite/harness.hpp>
#include <cstdio>

namespace bench {
namespace {

/// The bits after two steps with this number of threads.
std::uint64_t bits(const StepSettings& s, int threads) {
  const int before = eg::num_threads();
  eg::set_num_threads(threads);
  Step step(s);
  step();
  step();
  eg::set_num_threads(before);
  return step.fingerprint();
}

/// Instead of a naive version: the same bits as with one thread. 0, or 1 where they differ.
void add(Suite& suite, const std::string& name, const StepSettings& s) {
  const int threads = suite.settings().threads;
  suite.add(name, flop(step_gflop(s) * 1e9), 0, [=] {
    auto step = std::make_shared<Step>(s);
    return Kernel{.run = [=] { (*step)(); },
                  .error = [=] { return bits(s, threads) == bits(s, 1) ? 0.0 : 1.0; },
                  .note =
                      [=](const Timing& t) {
                        char text[48];
                        std::snprintf(text, sizeof text, "%.0f images/s",
                                      double(s.batch) / t.median);
                        return std::string(text);
                      }};
  });
}

/// The headline step with 1, 2, 4, ... threads up to those of the suite.
void add_scaling(Suite& suite) {
  const StepSettings s;
  auto single = std::make_shared<double>(0);
  const int most = suite.settings().threads;
  for (int threads = 1; threads <= most;
       threads = threads < most ? std::min(2 * threads, most) : most + 1) {
    const std::string name = "scaling, " + std::to_string(threads) + " of " + std::to_string(most) +
                             " threads: step dim 192";
    suite.add(name, {}, 0, [=] {
      auto step = std::make_shared<Step>(s);
      auto run = [=] {
        eg::set_num_threads(threads);
        (*step)();
        eg::set_num_threads(most);
      };
      return Kernel{.run = run,
                    .error = [=] { return bits(s, threads) == bits(s, 1) ? 0.0 : 1.0; },
                    .note =
                        [=](const Timing& t) {
                          if (threads == 1) *single = t.median;
                          char text[64] = "identical bits";
                          if (*single > 0) {
                            std::snprintf(text, sizeof text, "%.2f x one thread, identical bits",
                                          *single / t.median);
                          }
                          return std::string(text);
                        }};
    });
  }
}

}  // namespace

void step_benchmarks(Suite& suite) {
  const StepSettings tokenizer{
      .batch = 128, .dim = 192, .depth = 4, .heads = 3, .mlp_ratio = 2, .channels = "32,96"};
  add(suite, "step dim 192 depth 6", {});
  add(suite, "step convolutional tokenizer dim 192 depth 4", tokenizer);
  add(suite, "step dim 128 depth 4", {.dim = 128, .depth = 4, .heads = 4});
  add(suite, "step dim 256 depth 6", {.dim = 256, .depth = 6, .heads = 4});
  add(suite, "step dim 384 depth 7", {.dim = 384, .depth = 7, .heads = 6});
  add(suite, "step dim 192 depth 6 patch 8", {.patch = 8});
  add(suite, "step dim 192 depth 6 batch 1", {.batch = 1});
  add(suite, "forward dim 192 depth 6", {.inference = true});
  add(suite, "forward dim 192 depth 6 batch 1", {.batch = 1, .inference = true});
  StepSettings forward = tokenizer;
  forward.inference = true;
  add(suite, "forward convolutional tokenizer dim 192 depth 4", forward);
  add_scaling(suite);
}

}  // namespace bench
