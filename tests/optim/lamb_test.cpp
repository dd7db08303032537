// SPDX-License-Identifier: MIT
#include <eigengrad/optim/lamb.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::Lamb;
using optim::LambOptions;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("lamb: value", "", float, double) {
  using T = TestType;
  // In the first step Adam's direction is the sign of the gradient.
  Tensor<T> w({2}, {3, 4}, true), zero({2}, {0, 0}, true);
  const auto step = [&](const LambOptions& options) {
    Lamb<T> lamb({w, zero}, options);
    test::set_gradient(w, NdArray<T>({2}, {7, T(-0.5)}));
    test::set_gradient(zero, NdArray<T>({2}, {7, T(-0.5)}));
    lamb.step();
  };
  SECTION("a parameter moves by lr times its length, and by lr from zero") {
    step({.lr = 0.1, .eps = 0, .weight_decay = 0});
    const double move = 0.5 / std::sqrt(2);
    CHECK_CLOSE(w.value(), NdArray<double>({2}, {3 - move, 4 + move}), 1e-6);
    CHECK_CLOSE(zero.value(), NdArray<double>({2}, {-0.1, 0.1}), 1e-6);
  }
  SECTION("decay is a part of the direction") {
    step({.lr = 0.1, .eps = 0, .weight_decay = 0.5});  // r = (1, -1) + (1.5, 2)
    const double factor = 0.5 / std::hypot(2.5, 1);
    CHECK_CLOSE(w.value(), NdArray<double>({2}, {3 - 2.5 * factor, 4 - factor}), 1e-6);
  }
  SECTION("without decay as Adam") {
    step({.lr = 0.1, .eps = 0, .weight_decay = 0, .always_adapt = false});
    CHECK_CLOSE(w.value(), NdArray<double>({2}, {2.9, 4.1}), 1e-6);
  }
}

TEMPLATE_TEST_CASE("lamb: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  const std::pair<const char*, LambOptions> cases[] = {
      {"lamb", {.lr = 0.05}},
      {"lamb_flags",
       {.lr = 0.05, .betas = {0.8, 0.95}, .eps = 1e-3, .weight_decay = 0.1, .maximize = true}},
      {"lamb_groups", {.lr = 0.05}}};
  for (const auto& [name, options] : cases) {
    test::OptimizerReference<T> reference;
    auto groups = reference.groups();
    if (name == std::string("lamb_groups")) {
      groups[1].betas = {0.5, 0.6};
      groups[1].eps = 1e-2;
    }
    Lamb<T> lamb(groups, options);
    INFO(name);
    CHECK(reference.compare(lamb, name, tolerance) == "");
  }
}

TEMPLATE_TEST_CASE("lamb: edge", "", float, double) {
  using T = TestType;
  CHECK(test::resumed_difference<Lamb<T>, T>(LambOptions{.lr = 0.1}) == "");
  SECTION("no gradient, no size") {
    Tensor<T> w({2}, {1, 2}, true), empty({0}, {}, true);
    Lamb<T> lamb({w, empty}, {.lr = 0.5, .weight_decay = 0});
    test::set_gradient(w, NdArray<T>::zeros({2}));
    test::set_gradient(empty, NdArray<T>::zeros({0}));
    lamb.step();
    CHECK_SAME(w.value(), NdArray<T>({2}, {1, 2}));
  }
}

TEST_CASE("lamb: the same bits on any number of threads") {
  test::check_step_threads<Lamb<float>>(LambOptions{.lr = 0.1},
                                        {{70001}, {3}, {0}, {101, 333}, {}});
}

TEST_CASE("lamb: error") {
  const Tensor<float> w({1}, {1}, true);
  const auto make = [&](const LambOptions& options) { Lamb<float> lamb({w}, options); };
  CHECK_ERROR((make({.betas = {0.9, 1}}), 0), eg::ValueError,
              "[lamb] betas must be in [0, 1): (0.9, 1)");
  CHECK_ERROR((make({.eps = -1}), 0), eg::ValueError, "[lamb] eps must be at least 0: -1");
  CHECK_ERROR((make({.weight_decay = -1}), 0), eg::ValueError,
              "[lamb] weight_decay must be at least 0: -1");
}
