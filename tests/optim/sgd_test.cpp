// SPDX-License-Identifier: MIT
#include <eigengrad/optim/sgd.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::SGD;
using optim::SGDOptions;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("sgd: value", "", float, double) {
  using T = TestType;
  Tensor<T> w({2}, {1, -2}, true);
  SECTION("plain") {
    SGD<T> sgd({w}, {.lr = 0.5});
    test::set_gradient(w, NdArray<T>({2}, {4, 1}));
    sgd.step();
    CHECK_SAME(w.value(), NdArray<T>({2}, {-1, T(-2.5)}));
  }
  SECTION("momentum and decay") {
    SGD<T> sgd({w}, {.lr = 0.5, .momentum = 0.5, .weight_decay = 1});
    test::set_gradient(w, NdArray<T>({2}, {1, 0}));
    sgd.step();  // g = (2, -2) = b
    CHECK_SAME(w.value(), NdArray<T>({2}, {0, -1}));
    sgd.step();  // g = (1, -1), b = (2, -2)
    CHECK_SAME(w.value(), NdArray<T>({2}, {-1, 0}));
  }
}

TEMPLATE_TEST_CASE("sgd: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-12;
  const std::pair<const char*, SGDOptions> cases[] = {
      {"sgd", {.lr = 0.05}},
      {"sgd_decay", {.lr = 0.05, .weight_decay = 0.1}},
      {"sgd_momentum", {.lr = 0.05, .momentum = 0.9}},
      {"sgd_dampening", {.lr = 0.05, .momentum = 0.9, .dampening = 0.4, .weight_decay = 0.1}},
      {"sgd_nesterov", {.lr = 0.05, .momentum = 0.8, .weight_decay = 0.1, .nesterov = true}},
      {"sgd_maximize", {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.1, .maximize = true}}};
  for (const auto& [name, options] : cases) {
    test::OptimizerReference<T> reference;
    SGD<T> sgd(reference.groups(), options);
    INFO(name);
    CHECK(reference.compare(sgd, name, tolerance) == "");
  }
  test::OptimizerReference<T> first, second;
  auto groups = first.groups();
  groups[1].momentum = 0.6;
  groups[1].dampening = 0.2;
  groups[1].maximize = true;
  SGD<T> own(groups, {.lr = 0.05});
  CHECK(first.compare(own, "sgd_groups", tolerance) == "");
  groups = second.groups();
  groups[1].momentum = 0.6;
  groups[1].nesterov = true;
  SGD<T> nesterov(groups, {.lr = 0.05, .momentum = 0.9});
  CHECK(second.compare(nesterov, "sgd_group_nesterov", tolerance) == "");
}

TEMPLATE_TEST_CASE("sgd: edge", "", float, double) {
  using T = TestType;
  const SGDOptions nesterov{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true};
  CHECK(test::alone_difference<SGD<T>, T>(nesterov) == "");
  CHECK(test::alone_difference<SGD<T>, T>(SGDOptions{.lr = 0.1}) == "");
  CHECK(test::resumed_difference<SGD<T>, T>(nesterov) == "");
  CHECK(test::resumed_difference<SGD<T>, T>(SGDOptions{.lr = 0.1}) == "");
}

TEST_CASE("sgd: the same bits on any number of threads") {
  test::check_step_threads<SGD<float>>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1},
                                       {{70001}, {3}, {0}, {101, 333}, {40000}, {}});
}

TEST_CASE("sgd: finds the minimum") {
  CHECK(test::rosenbrock_distance<SGD<double>>(SGDOptions{.lr = 2e-4, .momentum = 0.98}, 5000) <
        1e-6);
}

TEST_CASE("sgd: error") {
  const Tensor<float> w({1}, {1}, true);
  const auto make = [&](const SGDOptions& options) { SGD<float> sgd({w}, options); };
  CHECK_ERROR((make({.lr = -0.1}), 0), eg::ValueError, "[sgd] lr must be at least 0: -0.1");
  CHECK_ERROR((make({.momentum = -1}), 0), eg::ValueError, "[sgd] momentum must be at least 0: -1");
  CHECK_ERROR((make({.dampening = NAN}), 0), eg::ValueError, "[sgd] dampening must be finite: nan");
  CHECK_ERROR((make({.weight_decay = -2}), 0), eg::ValueError,
              "[sgd] weight_decay must be at least 0: -2");
  CHECK_ERROR((make({.nesterov = true}), 0), eg::ValueError,
              "[sgd] nesterov needs momentum above 0 and dampening 0: momentum 0, dampening 0");
  CHECK_ERROR((make({.momentum = 0.9, .dampening = 0.5, .nesterov = true}), 0), eg::ValueError,
              "[sgd] nesterov needs momentum above 0 and dampening 0: momentum 0.9, dampening 0.5");
}
