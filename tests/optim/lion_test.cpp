// SPDX-License-Identifier: MIT
#include <eigengrad/optim/lion.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::Lion;
using optim::LionOptions;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("lion: value", "", float, double) {
  using T = TestType;
  Tensor<T> w({3}, {1, 2, 3}, true);
  Lion<T> lion({w}, {.lr = 0.5, .betas = {0.5, 0.75}, .weight_decay = 0.5});
  test::set_gradient(w, NdArray<T>({3}, {4, T(-0.25), 0}));
  lion.step();  // 0.75 w - 0.5 sign(g), m = g / 4
  CHECK_SAME(w.value(), NdArray<T>({3}, {0.25, 2, 2.25}));
  CHECK_SAME(lion.state_dict().at("exp_avg.0"), NdArray<T>({3}, {1, T(-0.0625), 0}));
  lion.zero_grad();
  test::set_gradient(w, NdArray<T>({3}, {-2, T(0.0625), 1}));
  lion.step();  // c = (m + g) / 2 = (-0.5, 0, 0.5)
  CHECK_SAME(w.value(), NdArray<T>({3}, {T(0.6875), 1.5, T(1.1875)}));
}

TEMPLATE_TEST_CASE("lion: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  const std::pair<const char*, LionOptions> cases[] = {
      {"lion", {.lr = 0.05}},
      {"lion_flags", {.lr = 0.05, .betas = {0.8, 0.95}, .weight_decay = 0.1, .maximize = true}},
      {"lion_groups", {.lr = 0.05}}};
  for (const auto& [name, options] : cases) {
    test::OptimizerReference<T> reference;
    auto groups = reference.groups();
    if (name == std::string("lion_groups")) groups[1].betas = {0.5, 0.6};
    Lion<T> lion(groups, options);
    INFO(name);
    CHECK(reference.compare(lion, name, tolerance) == "");
  }
}

TEMPLATE_TEST_CASE("lion: edge", "", float, double) {
  using T = TestType;
  const LionOptions options{.lr = 0.1, .weight_decay = 0.1};
  CHECK(test::alone_difference<Lion<T>, T>(options) == "");
  CHECK(test::resumed_difference<Lion<T>, T>(options) == "");
  SECTION("a gradient that is not a number is seen") {
    Tensor<T> w({2}, {1, 1}, true);
    Lion<T> lion({w}, {.lr = 0.5});
    test::set_gradient(w, NdArray<T>({2}, {NAN, T(1e-30)}));
    lion.step();
    CHECK(std::isnan(w.value()(0)));
    CHECK(w.value()(1) == T(0.5));
  }
}

TEST_CASE("lion: the same bits on any number of threads") {
  test::check_step_threads<Lion<float>>(LionOptions{.lr = 0.1, .weight_decay = 0.1},
                                        {{70001}, {3}, {0}, {101, 333}, {}});
}

TEST_CASE("lion: error") {
  const Tensor<float> w({1}, {1}, true);
  const auto make = [&](const LionOptions& options) { Lion<float> lion({w}, options); };
  CHECK_ERROR((make({.lr = -1}), 0), eg::ValueError, "[lion] lr must be at least 0: -1");
  CHECK_ERROR((make({.betas = {0.9, 1}}), 0), eg::ValueError,
              "[lion] betas must be in [0, 1): (0.9, 1)");
}
