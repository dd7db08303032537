// SPDX-License-Identifier: MIT
#include <eigengrad/optim/adafactor.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::Adafactor;
using optim::AdafactorOptions;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("adafactor: value", "", float, double) {
  using T = TestType;
  // Squares of rank one are what the means of rows and columns say, so the first update is the
  // sign of the gradient.
  Tensor<T> w({2, 3}, {2, 2, 2, 2, -2, 2}, true), zero({2}, {0, 0}, true);
  Adafactor<T> adafactor({w, zero}, {.lr = 0.1, .eps2 = 0.5, .weight_decay = 0.5});
  test::set_gradient(w, NdArray<T>({2, 3}, {1, -2, 3, 2, 4, 6}));
  test::set_gradient(zero, NdArray<T>({2}, {4, T(-0.01)}));
  adafactor.step();
  CHECK_CLOSE(w.value(), NdArray<double>({2, 3}, {1.7, 2.1, 1.7, 1.7, -2.1, 1.7}), 1e-6);
  CHECK_CLOSE(zero.value(), NdArray<double>({2}, {-0.05, 0.05}), 1e-6);
  const auto state = adafactor.state_dict();
  CHECK_CLOSE(state.at("row_var.0"), NdArray<double>({2, 1}, {14 / 3., 56 / 3.}), 1e-6);
  CHECK_CLOSE(state.at("col_var.0"), NdArray<double>({1, 3}, {2.5, 10, 22.5}), 1e-6);
  CHECK_CLOSE(state.at("variance.1"), NdArray<double>({2}, {16, 1e-4}), 1e-6);
}

TEMPLATE_TEST_CASE("adafactor: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  const std::pair<const char*, AdafactorOptions> cases[] = {{"adafactor", {.lr = 0.05}},
                                                            {"adafactor_flags",
                                                             {.lr = 0.4,
                                                              .beta2_decay = -0.6,
                                                              .eps1 = 1e-2,
                                                              .eps2 = 0.5,
                                                              .d = 1.2,
                                                              .weight_decay = 0.1,
                                                              .maximize = true}}};
  for (const auto& [name, options] : cases) {
    test::OptimizerReference<T> reference;
    Adafactor<T> adafactor(reference.groups(), options);
    INFO(name);
    CHECK(reference.compare(adafactor, name, tolerance) == "");
  }
}

TEMPLATE_TEST_CASE("adafactor: edge", "", float, double) {
  using T = TestType;
  CHECK(test::resumed_difference<Adafactor<T>, T>(AdafactorOptions{.lr = 0.1}) == "");
  SECTION("no gradient, no size") {
    Tensor<T> w({1, 2}, {1, 2}, true), empty({3, 0}, {}, true);
    Adafactor<T> adafactor({w, empty}, {.lr = 0.5});
    test::set_gradient(w, NdArray<T>::zeros({1, 2}));
    test::set_gradient(empty, NdArray<T>::zeros({3, 0}));
    adafactor.step();
    CHECK_SAME(w.value(), NdArray<T>({1, 2}, {1, 2}));
  }
  SECTION("a vector is no matrix of one column, but a long one is cut nowhere") {
    const test::Index n = 10000;
    Tensor<T> vector(NdArray<T>::zeros({n}), true), row(NdArray<T>::zeros({1, n}), true);
    Adafactor<T> adafactor({vector, row}, {.lr = 0.5});
    const NdArray<T> g = test::random<T>({n});
    test::set_gradient(vector, g);
    test::set_gradient(row, g.reshape({1, n}));
    adafactor.step();
    CHECK_CLOSE(row.value().reshape({n}), vector.value(), 1e-6);
  }
}

TEST_CASE("adafactor: the same bits on any number of threads") {
  test::check_step_threads<Adafactor<float>>(AdafactorOptions{.lr = 0.1},
                                             {{70001}, {3}, {0}, {101, 333}, {5, 60, 70}, {}});
}

TEST_CASE("adafactor: error") {
  const Tensor<float> w({1}, {1}, true);
  const auto make = [&](const AdafactorOptions& options) { Adafactor<float> a({w}, options); };
  CHECK_ERROR((make({.beta2_decay = 1}), 0), eg::ValueError,
              "[adafactor] beta2_decay must be at most 0: 1");
  CHECK_ERROR((make({.eps1 = -1}), 0), eg::ValueError, "[adafactor] eps1 must be at least 0: -1");
  CHECK_ERROR((make({.eps2 = -1}), 0), eg::ValueError, "[adafactor] eps2 must be at least 0: -1");
  CHECK_ERROR((make({.d = 0.5}), 0), eg::ValueError, "[adafactor] d must be at least 1: 0.5");
}
