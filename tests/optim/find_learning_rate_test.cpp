// SPDX-License-Identifier: MIT
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/find_learning_rate.hpp>
#include <eigengrad/optim/sgd.hpp>
#include <tests/support/gradients.hpp>

namespace optim = eg::optim;
using test::NdArray;
using test::Tensor;

namespace {

/// Minimises w^2 / 2 from 1: a step multiplies w by 1 - rate, so above a rate of 2 it diverges.
struct Parabola {
  Tensor<double> w{{1}, {1}, true};
  optim::SGD<double> sgd{{w}, {.lr = 0.125}};
  double step() {
    const double loss = w.item() * w.item() / 2;
    sgd.zero_grad();
    test::set_gradient(w, w.value().clone());
    sgd.step();
    return loss;
  }
};

}  // namespace

TEST_CASE("find_learning_rate: value") {
  Parabola p;
  const auto curve = optim::find_learning_rate(
      p.sgd, [&] { return p.step(); },
      {.low = 1e-3, .high = 1e3, .steps = 61, .smoothing = 0, .divergence = 1e9});
  REQUIRE(curve.rates.size() == 61);
  CHECK(curve.rates[0] == Approx(1e-3));
  CHECK(curve.rates[30] == Approx(1));
  CHECK(curve.rates[60] == Approx(1e3));
  CHECK(curve.losses[0] == 0.5);
  CHECK(curve.losses[1] == Approx(0.5 * 0.999 * 0.999));
  CHECK(curve.smoothed[20] == Approx(curve.losses[20]));
  // The loss falls fastest long before the rate at which it diverges.
  CHECK(curve.suggestion > 0.05);
  CHECK(curve.suggestion < 0.5);
}

TEST_CASE("find_learning_rate: the mean begins with the first loss and ends the test") {
  Parabola p;
  const std::vector<double> losses = {4, 2, 1, 1, 50, 50};
  std::size_t i = 0;
  const auto curve = optim::find_learning_rate(p.sgd, [&] { return losses.at(i++); },
                                               {.steps = 6, .smoothing = 0.5, .divergence = 3});
  REQUIRE(curve.smoothed.size() == 5);  // 50 is too much
  CHECK(curve.smoothed[0] == Approx(4));
  CHECK(curve.smoothed[1] == Approx(8 / 3.));
  CHECK(curve.smoothed[2] == Approx(1.5 / 0.875));
  CHECK(curve.suggestion == curve.rates[1]);
}

TEST_CASE("find_learning_rate: restores what training changes") {
  Tensor<float> w({2}, {1, 2}, true), v({1}, {3}, true);
  auto buffer = std::make_shared<NdArray<float>>(NdArray<float>::ones({2}));
  optim::AdamW<float> adam({{.parameters = {w}}, {.parameters = {v}, .lr = 0.25}}, {.lr = 0.5});
  const auto step = [&] {
    adam.zero_grad();
    test::set_gradient(w, NdArray<float>({2}, {1, -1}));
    test::set_gradient(v, NdArray<float>({1}, {1}));
    adam.step();
    return 1.0;
  };
  step();
  adam.set_lr(1, 0.125);
  const NdArray<float> w_before = w.value().clone(), v_before = v.value().clone();
  const auto state = adam.state_dict();
  const auto check = [&] {
    CHECK_SAME(w.value(), w_before);
    CHECK_SAME(v.value(), v_before);
    CHECK_SAME(*buffer, NdArray<float>::ones({2}));
    CHECK(adam.state_dict().size() == state.size());
    for (const auto& [name, array] : state) CHECK_SAME(adam.state_dict().at(name), array);
    CHECK(adam.lr(0) == 0.5);
    CHECK(adam.lr(1) == 0.125);
    CHECK_FALSE(w.has_grad());
  };
  double ratio = 0;
  const auto curve = optim::find_learning_rate(adam,
                                               [&] {
                                                 ratio = adam.lr(0) / adam.lr(1);
                                                 buffer->fill(7);
                                                 return step();
                                               },
                                               {.steps = 5}, {{"b", buffer}});
  check();
  CHECK(ratio == Approx(4));
  CHECK(curve.suggestion == 0);  // the loss never fell
  CHECK_THROWS_AS(optim::find_learning_rate(
                      adam, [&] { return step() > 0 ? throw std::runtime_error("no data") : 0.0; }),
                  std::runtime_error);
  check();
  CHECK(optim::find_learning_rate(adam, [&] { return step() * NAN; }).rates.empty());
  check();
}

TEST_CASE("find_learning_rate: error") {
  Parabola p;
  const auto run = [&](const optim::FindLearningRateOptions& options) {
    optim::find_learning_rate(
        p.sgd, [&] { return p.step(); }, options);
  };
  CHECK_ERROR((run({.low = 0}), 0), eg::ValueError, "[find_learning_rate] low must be above 0: 0");
  CHECK_ERROR((run({.high = 1e-9}), 0), eg::ValueError,
              "[find_learning_rate] high must be finite and above low: 1e-09");
  CHECK_ERROR((run({.steps = 2}), 0), eg::ValueError,
              "[find_learning_rate] steps must be at least 3: 2");
  CHECK_ERROR((run({.smoothing = 1}), 0), eg::ValueError,
              "[find_learning_rate] smoothing must be in [0, 1): 1");
  CHECK_ERROR((run({.divergence = 1}), 0), eg::ValueError,
              "[find_learning_rate] divergence must be above 1: 1");
}
