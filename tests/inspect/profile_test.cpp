// SPDX-License-Identifier: MIT
#include <chrono>
#include <thread>

#include <eigengrad/inspect/profile.hpp>
#include <eigengrad/ops.hpp>
#include <eigengrad/optim.hpp>
#include <tests/support/test.hpp>

using Phase = eg::inspect::Profiler::Phase;

namespace {

/// The one entry of an op in a phase, with all its calls.
const eg::inspect::Profiler::Entry& entry(const eg::inspect::Profiler& profiler,
                                          const std::string& op, Phase phase) {
  for (const auto& e : profiler.entries()) {
    if (e.op == op && e.phase == phase) return e;
  }
  FAIL("no entry for " + op);
  return profiler.entries().front();
}

}  // namespace

TEST_CASE("profile: ops, their backward and the optimiser are charged with their shapes") {
  const test::Tensor<double> x(test::random({5, 3}));
  test::Tensor<double> weight(test::random({2, 3}), true);
  eg::optim::SGD<double> sgd({weight}, {.lr = 0.1});
  const eg::inspect::Profiler profiler;
  for (int i = 0; i < 2; ++i) {
    sgd.zero_grad();
    eg::sum(eg::linear(x, weight)).backward();
    sgd.step();
  }
  for (Phase phase : {Phase::kForward, Phase::kBackward}) {
    const auto& linear = entry(profiler, "linear", phase);
    CHECK(linear.calls == 2);
    CHECK(linear.result == eg::Shape{5, 2});
    REQUIRE(linear.inputs.size() == 2);  // no bias, no residual
    CHECK(linear.inputs[0] == eg::Shape{5, 3});
    CHECK(linear.inputs[1] == eg::Shape{2, 3});
    CHECK(linear.seconds > 0);
    CHECK(linear.macs == 5 * 2 * 3);
    // x is data, the weight is trained.
    CHECK(linear.wanted ==
          (phase == Phase::kBackward ? std::vector<bool>{false, true} : std::vector<bool>{}));
  }
  CHECK(entry(profiler, "sgd", Phase::kOptimizer).calls == 2);
  CHECK(profiler.entries().size() == 5);
}

TEST_CASE("profile: an op is charged the time since the one before it") {
  const test::Tensor<float> x(test::random<float>({4}));
  eg::inspect::Profiler profiler;
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  profiler.restart();
  eg::exp(x);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  eg::neg(x);
  CHECK(entry(profiler, "exp", Phase::kForward).seconds < 0.03);
  CHECK(entry(profiler, "neg", Phase::kForward).seconds >= 0.03);
  profiler.clear();
  CHECK(profiler.entries().empty());
}

TEST_CASE("profile: lists of inputs, no graph, and nesting") {
  const test::Tensor<float> x(test::random<float>({4, 1}));
  const eg::NoGrad guard;
  const eg::inspect::Profiler outer;
  eg::exp(x);
  {
    const eg::inspect::Profiler inner;
    eg::cat<float>({x, x, x}, 1);
    CHECK(entry(inner, "cat", Phase::kForward).inputs.size() == 3);
    CHECK(inner.entries().size() == 1);
  }
  eg::exp(x);
  CHECK(outer.entries().size() == 1);
  CHECK(entry(outer, "exp", Phase::kForward).calls == 2);
}

TEST_CASE("profile: the table names ops, shapes and shares, the slowest first") {
  eg::inspect::Profiler profiler;
  profiler.charge({"fast", Phase::kForward, {2}, {{2}}});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  profiler.charge({"slow", Phase::kBackward, {2, 3}, {{2, 1}, {3}}});
  const std::string table = profiler.table();
  const std::size_t slow = table.find("slow backward (2, 1), (3) -> (2, 3)\n");
  const std::size_t fast = table.find("fast (2) -> (2)\n");
  REQUIRE(slow != std::string::npos);
  REQUIRE(fast != std::string::npos);
  CHECK(slow < fast);
  CHECK(table.find("share") < slow);
}
