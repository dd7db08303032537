// SPDX-License-Identifier: MIT
#include <eigengrad/optim/schedule.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace optim = eg::optim;
using test::Index;
using test::NdArray;

namespace {

NdArray<double> rates(const optim::Schedule& schedule, Index steps) {
  NdArray<double> out(test::Shape{steps});
  for (Index i = 0; i < steps; ++i) out(i) = schedule(i);
  return out;
}

}  // namespace

TEST_CASE("schedule: value") {
  CHECK_SAME(rates(optim::constant(), 3), NdArray<double>::ones({3}));
  CHECK_SAME(rates(optim::constant({.lr = 2, .warmup_steps = 3}), 5),
             NdArray<double>({5}, {0.5, 1, 1.5, 2, 2}));
  CHECK_CLOSE(
      rates(optim::cosine({.total_steps = 4}), 7),
      NdArray<double>({7}, {1, 0.5 + std::sqrt(0.125), 0.5, 0.5 - std::sqrt(0.125), 0, 0, 0}),
      1e-15);
  CHECK_CLOSE(
      rates(optim::linear({.lr = 8, .warmup_steps = 1, .total_steps = 5, .min_factor = 0.5}), 8),
      NdArray<double>({8}, {4, 8, 7, 6, 5, 4, 4, 4}), 1e-15);
  CHECK_CLOSE(rates(optim::step_decay({.step_size = 2, .gamma = 0.5}), 5),
              NdArray<double>({5}, {1, 1, 0.5, 0.5, 0.25}), 1e-15);
  CHECK_CLOSE(rates(optim::one_cycle({.lr = 10,
                                      .total_steps = 6,
                                      .pct_start = 0.5,
                                      .div_factor = 5,
                                      .final_div_factor = 2,
                                      .linear = true}),
                    8),
              NdArray<double>({8}, {2, 6, 10, 7, 4, 1, 1, 1}), 1e-15);
}

TEST_CASE("schedule: reference") {
  const test::Reference reference("schedule");
  const std::pair<const char*, optim::Schedule> cases[] = {
      {"constant", optim::constant({.lr = 0.1, .warmup_steps = 4})},
      {"step", optim::step_decay({.lr = 0.1, .step_size = 5, .gamma = 0.5})},
      {"step_warm",
       optim::step_decay({.lr = 0.1, .warmup_steps = 4, .step_size = 5, .gamma = 0.3})},
      {"cosine", optim::cosine({.lr = 0.1, .total_steps = 24})},
      {"cosine_warm",
       optim::cosine({.lr = 0.1, .warmup_steps = 4, .total_steps = 24, .min_factor = 0.1})},
      {"linear", optim::linear({.lr = 0.1, .total_steps = 20, .min_factor = 0.2})},
      {"linear_warm",
       optim::linear({.lr = 0.1, .warmup_steps = 4, .total_steps = 20, .min_factor = 0.1})},
      {"one_cycle", optim::one_cycle({.lr = 0.1, .total_steps = 24})},
      {"one_cycle_linear", optim::one_cycle({.lr = 0.1,
                                             .total_steps = 24,
                                             .pct_start = 0.45,
                                             .div_factor = 10,
                                             .final_div_factor = 50,
                                             .linear = true})},
      {"multi_step", optim::multi_step({.lr = 0.1, .milestones = {3, 7, 7, 15}, .gamma = 0.5})},
      {"exponential", optim::exponential({.lr = 0.1, .warmup_steps = 4, .gamma = 0.8})},
      {"restarts", optim::cosine_restarts({.lr = 0.1, .period = 7, .min_factor = 0.2})},
      {"restarts_warm",
       optim::cosine_restarts({.lr = 0.1, .warmup_steps = 4, .period = 3, .period_mult = 2})}};
  for (const auto& [name, schedule] : cases) {
    INFO(name);
    const NdArray<double> expected = reference.get<double>(name);
    CHECK_CLOSE(rates(schedule, expected.numel()), expected, 1e-14);
  }
}

TEST_CASE("schedule: edge") {
  SECTION("milestones count the warm-up; a billion restarts take no time") {
    CHECK_CLOSE(rates(optim::multi_step({.warmup_steps = 1, .milestones = {2}, .gamma = 0.5}), 3),
                NdArray<double>({3}, {0.5, 1, 0.5}), 1e-15);
    CHECK(optim::multi_step({})(9) == 1);
    CHECK(optim::cosine_restarts({.period = 2})(1'000'000'000'001) == Approx(0.5));
  }
  SECTION("warm-up only, one step, no rise, no fall") {
    CHECK_CLOSE(rates(optim::cosine({.warmup_steps = 1, .total_steps = 1}), 3),
                NdArray<double>({3}, {0.5, 0, 0}), 1e-15);
    CHECK(optim::one_cycle({.total_steps = 1})(0) == 1);
    CHECK(optim::one_cycle({.total_steps = 5, .pct_start = 0})(0) == 1);
    CHECK(optim::one_cycle({.total_steps = 5, .pct_start = 1})(4) == 1);
  }
  SECTION("a pure function of the step") {
    const optim::Schedule schedule = optim::cosine({.warmup_steps = 2, .total_steps = 100});
    const double later = schedule(50);
    schedule(3);
    CHECK(schedule(50) == later);
  }
  SECTION("any function is one") {
    const optim::Schedule inverse = [](Index step) { return 1 / (1 + double(step)); };
    CHECK(inverse(3) == 0.25);
  }
}

TEST_CASE("schedule: error") {
  CHECK_ERROR(optim::constant({.lr = -1}), eg::ValueError, "[constant] lr must be at least 0: -1");
  CHECK_ERROR(optim::constant({.warmup_steps = -1}), eg::ValueError,
              "[constant] warmup_steps must be at least 0: -1");
  CHECK_ERROR(optim::cosine({.lr = 1}), eg::ValueError,
              "[cosine] total_steps must be at least 1: 0");
  CHECK_ERROR(optim::cosine({.warmup_steps = 9, .total_steps = 8}), eg::ValueError,
              "[cosine] warmup_steps must be at most total_steps: 9");
  CHECK_ERROR(optim::linear({.total_steps = 8, .min_factor = 1.5}), eg::ValueError,
              "[linear] min_factor must be in [0, 1]: 1.5");
  CHECK_ERROR(optim::step_decay({}), eg::ValueError,
              "[step_decay] step_size must be at least 1: 0");
  CHECK_ERROR(optim::step_decay({.step_size = 1, .gamma = -1}), eg::ValueError,
              "[step_decay] gamma must be at least 0: -1");
  CHECK_ERROR(optim::multi_step({.milestones = {5, 4}}), eg::ValueError,
              "[multi_step] milestones must be in rising order and after the warm-up: 4");
  CHECK_ERROR(optim::multi_step({.warmup_steps = 3, .milestones = {2}}), eg::ValueError,
              "[multi_step] milestones must be in rising order and after the warm-up: 2");
  CHECK_ERROR(optim::exponential({}), eg::ValueError,
              "[exponential] gamma must be finite and above 0: 0");
  CHECK_ERROR(optim::cosine_restarts({}), eg::ValueError,
              "[cosine_restarts] period must be at least 1: 0");
  CHECK_ERROR(optim::cosine_restarts({.period = 3, .period_mult = 0}), eg::ValueError,
              "[cosine_restarts] period_mult must be at least 1: 0");
  CHECK_ERROR(optim::cosine_restarts({.period = 3, .min_factor = 2}), eg::ValueError,
              "[cosine_restarts] min_factor must be in [0, 1]: 2");
  CHECK_ERROR(optim::one_cycle({}), eg::ValueError,
              "[one_cycle] total_steps must be at least 1: 0");
  CHECK_ERROR(optim::one_cycle({.total_steps = 5, .pct_start = 2}), eg::ValueError,
              "[one_cycle] pct_start must be in [0, 1]: 2");
  CHECK_ERROR(optim::one_cycle({.total_steps = 5, .div_factor = 0}), eg::ValueError,
              "[one_cycle] div_factor must be above 0: 0");
  CHECK_ERROR(optim::one_cycle({.total_steps = 5, .final_div_factor = 0}), eg::ValueError,
              "[one_cycle] final_div_factor must be above 0: 0");
  CHECK_ERROR(optim::cosine({.total_steps = 8})(-1), eg::ValueError,
              "[cosine] step must be at least 0: -1");
  CHECK_ERROR(optim::one_cycle({.total_steps = 8})(-2), eg::ValueError,
              "[one_cycle] step must be at least 0: -2");
}
