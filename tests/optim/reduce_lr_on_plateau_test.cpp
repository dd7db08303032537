// SPDX-License-Identifier: MIT
#include <eigengrad/optim/reduce_lr_on_plateau.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace optim = eg::optim;
using optim::PlateauMode;
using optim::ReduceLROnPlateau;
using optim::ReduceLROnPlateauOptions;
using test::NdArray;

TEST_CASE("reduce_lr_on_plateau: value") {
  ReduceLROnPlateau plateau({.factor = 0.5, .patience = 1, .cooldown = 1});
  CHECK(plateau.lr() == 1);
  CHECK(plateau.step(3) == 1);
  CHECK(plateau.step(3) == 1);
  CHECK(plateau.step(4) == 0.5);  // two in succession without an improvement
  CHECK(plateau.step(4) == 0.5);  // not counted
  CHECK(plateau.step(4) == 0.5);
  CHECK(plateau.step(2) == 0.5);
  CHECK(plateau.step(2) == 0.5);
  CHECK(plateau.step(2) == 0.25);
  CHECK(plateau.state().best == 2);
}

TEST_CASE("reduce_lr_on_plateau: reference") {
  const test::Reference reference("schedule");
  const auto metrics = reference.get<double>("metrics");
  const std::pair<const char*, ReduceLROnPlateauOptions> cases[] = {
      {"plateau", {.lr = 0.1, .patience = 2}},
      {"plateau_max",
       {.lr = 0.1,
        .mode = PlateauMode::kMax,
        .factor = 0.5,
        .patience = 1,
        .threshold = 0.2,
        .absolute = true,
        .cooldown = 2,
        .min_lr = 0.01}},
      {"plateau_eps", {.lr = 0.1, .factor = 0.5, .patience = 0, .threshold = 0.02, .eps = 0.02}}};
  for (const auto& [name, options] : cases) {
    INFO(name);
    ReduceLROnPlateau plateau(options), resumed(options);
    const double sign = options.mode == PlateauMode::kMax ? -1 : 1;
    NdArray<double> rates(metrics.shape());
    for (test::Index i = 0; i < metrics.numel(); ++i) {
      rates(i) = plateau.step(sign * metrics(i));
      resumed.set_state(plateau.state());
      std::swap(plateau, resumed);
    }
    CHECK_CLOSE(rates, reference.get<double>(name), 1e-14);
  }
}

TEST_CASE("reduce_lr_on_plateau: error") {
  const auto make = [](const ReduceLROnPlateauOptions& options) { ReduceLROnPlateau x(options); };
  CHECK_ERROR((make({.lr = -1}), 0), eg::ValueError,
              "[reduce_lr_on_plateau] lr must be at least 0: -1");
  CHECK_ERROR((make({.factor = 1}), 0), eg::ValueError,
              "[reduce_lr_on_plateau] factor must be in [0, 1): 1");
  CHECK_ERROR((make({.patience = -1}), 0), eg::ValueError,
              "[reduce_lr_on_plateau] patience must be at least 0: -1");
  CHECK_ERROR((make({.threshold = -1}), 0), eg::ValueError,
              "[reduce_lr_on_plateau] threshold must be at least 0: -1");
  CHECK_ERROR((make({.cooldown = -1}), 0), eg::ValueError,
              "[reduce_lr_on_plateau] cooldown must be at least 0: -1");
}
