// SPDX-License-Identifier: MIT
#include <eigengrad/optim/adam.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::Adam;
using optim::AdamOptions;
using optim::AdamW;
using optim::AdamWOptions;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("adam: value", "", float, double) {
  using T = TestType;
  // The first step is lr * g / (|g| + eps) in any direction.
  Tensor<T> w({3}, {1, 2, 3}, true);
  SECTION("adam") {
    Adam<T> adam({w}, {.lr = 0.5, .eps = 0});
    test::set_gradient(w, NdArray<T>({3}, {4, T(-0.01), 100}));
    adam.step();
    CHECK_CLOSE(w.value(), NdArray<double>({3}, {0.5, 2.5, 2.5}), 1e-6);
  }
  SECTION("adamw shrinks the parameter, whatever the gradient") {
    AdamW<T> adam({w}, {.lr = 0.5, .eps = 1, .weight_decay = 0.2});
    test::set_gradient(w, NdArray<T>({3}, {4, 0, 1}));
    adam.step();
    CHECK_CLOSE(w.value(), NdArray<double>({3}, {0.9 - 0.4, 1.8, 2.7 - 0.25}), 1e-6);
  }
}

TEMPLATE_TEST_CASE("adam: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  const std::pair<const char*, AdamOptions> l2[] = {
      {"adam", {.lr = 0.05}},
      {"adam_l2", {.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1}},
      {"adam_amsgrad", {.lr = 0.05, .betas = {0.5, 0.6}, .amsgrad = true}}};
  for (const auto& [name, options] : l2) {
    test::OptimizerReference<T> reference;
    Adam<T> adam(reference.groups(), options);
    INFO(name);
    CHECK(reference.compare(adam, name, tolerance) == "");
  }
  const std::pair<const char*, AdamWOptions> decoupled[] = {
      {"adamw", {.lr = 0.05}},
      {"adamw_decay", {.lr = 0.05, .betas = {0.9, 0.99}, .eps = 1e-4, .weight_decay = 0.5}},
      {"adamw_flags", {.lr = 0.05, .betas = {0.5, 0.6}, .amsgrad = true, .maximize = true}}};
  for (const auto& [name, options] : decoupled) {
    test::OptimizerReference<T> reference;
    AdamW<T> adam(reference.groups(), options);
    INFO(name);
    CHECK(reference.compare(adam, name, tolerance) == "");
  }
  test::OptimizerReference<T> reference;
  auto groups = reference.groups();
  groups[1].betas = {0.5, 0.6};
  groups[1].eps = 1e-2;
  groups[1].amsgrad = true;
  groups[1].maximize = true;
  AdamW<T> adam(groups, {.lr = 0.05});
  CHECK(reference.compare(adam, "adamw_groups", tolerance) == "");
  CHECK(adam.state_dict().contains("max_exp_avg_sq.2"));
  CHECK_FALSE(adam.state_dict().contains("max_exp_avg_sq.0"));
}

TEMPLATE_TEST_CASE("adam: edge", "", float, double) {
  using T = TestType;
  const AdamWOptions flags{.lr = 0.1, .betas = {0.5, 0.6}, .amsgrad = true};
  CHECK(test::alone_difference<AdamW<T>, T>(flags) == "");
  CHECK(test::alone_difference<Adam<T>, T>(AdamOptions{.weight_decay = 0.1}) == "");
  CHECK(test::resumed_difference<AdamW<T>, T>(flags) == "");
  CHECK(test::resumed_difference<Adam<T>, T>(AdamOptions{.weight_decay = 0.1}) == "");
  SECTION("tiny and huge gradients") {
    Tensor<T> w({3}, {0, 0, 0}, true);
    Adam<T> adam({w}, {.lr = 1, .eps = 0});
    test::set_gradient(w, NdArray<T>({3}, {T(1e-17), T(-1e18), 1}));
    adam.step();
    CHECK_CLOSE(w.value(), NdArray<double>({3}, {-1, 1, -1}), 1e-6);
  }
}

TEST_CASE("adam: the same bits on any number of threads") {
  const std::vector<test::Shape> shapes = {{70001}, {3}, {0}, {101, 333}, {40000}, {}};
  test::check_step_threads<Adam<float>>(AdamOptions{.weight_decay = 0.1}, shapes);
  test::check_step_threads<AdamW<float>>(AdamWOptions{.amsgrad = true}, shapes);
}

TEST_CASE("adam: finds the minimum") {
  CHECK(test::rosenbrock_distance<Adam<double>>(AdamOptions{.lr = 0.02}, 5000) < 1e-4);
}

TEST_CASE("adam: error") {
  const Tensor<float> w({1}, {1}, true);
  const auto make = [&](const AdamWOptions& options) { AdamW<float> adam({w}, options); };
  CHECK_ERROR((make({.lr = -0.1f}), 0), eg::ValueError, "[adamw] lr must be at least 0: -0.1");
  CHECK_ERROR((make({.lr = INFINITY}), 0), eg::ValueError, "[adamw] lr must be finite: inf");
  CHECK_ERROR((make({.betas = {0.9, 1}}), 0), eg::ValueError,
              "[adamw] betas must be in [0, 1): (0.9, 1)");
  CHECK_ERROR((make({.betas = {-0.5, 0.9}}), 0), eg::ValueError,
              "[adamw] betas must be in [0, 1): (-0.5, 0.9)");
  CHECK_ERROR((make({.eps = -1e-8}), 0), eg::ValueError, "[adamw] eps must be at least 0: -1e-08");
  CHECK_ERROR(Adam<float>({w}, {.weight_decay = -1}), eg::ValueError,
              "[adam] weight_decay must be at least 0: -1");
}
