// SPDX-License-Identifier: MIT
#include <eigengrad/optim/muon.hpp>
#include <tests/support/optimizers.hpp>

namespace optim = eg::optim;
using optim::Muon;
using optim::MuonOptions;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

/// What differs from the ten steps in reference/muon.py; empty if nothing does.
template <class T>
std::string compare(const std::string& name, const MuonOptions& options, double tolerance,
                    Index row_blocks = 1, std::vector<Index> skip = {}, double row_norm = 0) {
  const test::Reference reference("muon");
  const Tensor<T> w(reference.get<T>(name + ".start"), true);
  Muon<T> muon({{.parameters = {w}, .row_blocks = row_blocks, .row_norm = row_norm}}, options);
  const NdArray<T> gradients = reference.get<T>(name + ".gradients");
  const NdArray<T> expected = reference.get<T>(name + ".out");
  for (Index step = 0; step < expected.dim(0); ++step) {
    muon.zero_grad();
    if (std::find(skip.begin(), skip.end(), step) == skip.end()) {
      test::set_gradient(w, test::part(gradients, step));
    }
    muon.step();
    const std::string text = test::difference(w.value(), test::part(expected, step), tolerance);
    if (!text.empty()) return name + ", step " + std::to_string(step) + ": " + text;
  }
  return "";
}

}  // namespace

TEMPLATE_TEST_CASE("muon: value", "", float, double) {
  using T = TestType;
  // One round of orthogonalisation maps the singular value 1 to p + q + r = 0.701.
  const Tensor<T> w({2, 1}, {1, 1}, true);
  Muon<T> muon({w}, {.lr = 0.5, .weight_decay = 0.4, .ns_steps = 1});
  test::set_gradient(w, NdArray<T>({2, 1}, {30, -40}));
  muon.step();  // rows / columns = 2
  const double move = 0.5 * std::sqrt(2.) * 0.701;
  CHECK_CLOSE(w.value(), NdArray<double>({2, 1}, {0.8 - 0.6 * move, 0.8 + 0.8 * move}), 1e-6);
}

TEMPLATE_TEST_CASE("muon: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-11;
  CHECK(compare<T>("square", {}, tolerance) == "");
  CHECK(compare<T>("tall", {}, tolerance) == "");
  CHECK(compare<T>("wide", {}, tolerance, 1, {0, 3}) == "");
  CHECK(compare<T>("conv", {}, tolerance) == "");
  CHECK(compare<T>("conv_tall", {.lr = 0.1, .weight_decay = 0.3}, tolerance) == "");
  CHECK(compare<T>("qkv", {}, tolerance, 3) == "");
  CHECK(compare<T>("plain", {.momentum = 0.5, .nesterov = false}, tolerance) == "");
  CHECK(compare<T>("row_norm", {.lr = 0.2, .momentum = 0.6}, tolerance, 1, {}, 1.5) == "");
  CHECK(compare<T>("row_norm_blocks", {}, tolerance, 3, {}, 1) == "");
}

TEMPLATE_TEST_CASE("muon: edge", "", float, double) {
  using T = TestType;
  SECTION("a zero gradient only decays") {
    const Tensor<T> w({2, 2}, {1, 2, 3, 4}, true);
    Muon<T> muon({w}, {.lr = 0.5, .weight_decay = 1});
    test::set_gradient(w, NdArray<T>::zeros({2, 2}));
    muon.step();
    CHECK_SAME(w.value(), NdArray<T>({2, 2}, {T(0.5), 1, T(1.5), 2}));
  }
  SECTION("a zero weight stays zero") {
    const Tensor<T> w(NdArray<T>::zeros({2, 2}), true);
    Muon<T> muon({{.parameters = {w}, .row_norm = 1}}, {.lr = 0.5});
    test::set_gradient(w, NdArray<T>::zeros({2, 2}));
    muon.step();
    CHECK_SAME(w.value(), NdArray<T>::zeros({2, 2}));
  }
  SECTION("the size of the gradient does not matter") {
    const NdArray<T> g = test::random<T>({5, 7}, 3);
    NdArray<T> moved[3];
    const T scales[] = {1, T(1e-20), T(1e20)};
    for (int i = 0; i < 3; ++i) {
      const Tensor<T> w(NdArray<T>::zeros({5, 7}), true);
      Muon<T> muon({w}, {});
      test::set_gradient(w, NdArray<T>((g.matrix() * scales[i]).eval()));
      muon.step();
      moved[i] = w.value();
    }
    CHECK_CLOSE(moved[1], moved[0], 1e-6);
    CHECK_CLOSE(moved[2], moved[0], 1e-6);
  }
  SECTION("a group's momentum is its own") {
    const NdArray<T> start = test::random<T>({3, 4}, 1);
    const Tensor<T> a(start.clone(), true), b(start.clone(), true), alone(start.clone(), true);
    Muon<T> both({{.parameters = {a}}, {.parameters = {b}, .momentum = 0.25, .nesterov = false}},
                 {.lr = 0.1});
    Muon<T> one({alone}, {.lr = 0.1, .momentum = 0.25, .nesterov = false});
    for (std::uint64_t step = 0; step < 3; ++step) {
      for (Tensor<T> w : {a, b, alone}) {
        w.zero_grad();
        test::set_gradient(w, test::random<T>({3, 4}, 10 + step));
      }
      both.step();
      one.step();
    }
    CHECK_SAME(b.value(), alone.value());
    CHECK_FALSE(test::difference(a.value(), b.value(), 1e-3).empty());
  }
  SECTION("a NaN shows") {
    const Tensor<T> w({2, 2}, {1, 2, 3, 4}, true);
    Muon<T> muon({w}, {});
    test::set_gradient(w, NdArray<T>({2, 2}, {T(NAN), 0, 0, 1}));
    muon.step();
    CHECK(std::isnan(w.value()(1, 1)));
  }
  SECTION("empty and single") {
    const Tensor<T> empty = Tensor<T>::zeros({0, 3}, true), single({1, 1}, {1}, true);
    Muon<T> muon({empty, single}, {.lr = 0.5, .weight_decay = 0});
    test::set_gradient(empty, NdArray<T>::zeros({0, 3}));
    test::set_gradient(single, NdArray<T>({1, 1}, {-7}));
    muon.step();
    CHECK(single.item() > T(1.3));  // one singular value comes to 0.7 .. 1.2
    CHECK(single.item() < T(1.65));
  }
}

TEST_CASE("muon: a run continues from its state with the same bits") {
  const auto run = [](bool interrupt) {
    const Tensor<float> w(test::random<float>({12, 5}, 1), true);
    const std::vector<optim::MuonGroup<float>> groups = {{.parameters = {w}, .row_blocks = 3}};
    auto muon = std::make_unique<Muon<float>>(groups, MuonOptions{});
    for (std::uint64_t step = 0; step < 8; ++step) {
      if (interrupt && step == 4) {
        const auto state = muon->state_dict();
        muon = std::make_unique<Muon<float>>(groups, MuonOptions{});
        muon->load_state_dict(state);
      }
      test::set_gradient(w, test::random<float>({12, 5}, 10 + step));
      muon->step();
      muon->zero_grad();
    }
    CHECK(muon->step_count() == 8);
    return w.value();
  };
  CHECK_SAME(run(true), run(false));
}

TEST_CASE("muon: the same bits on any number of threads") {
  // The first is worked on by all threads together, the others by one thread each.
  test::check_step_threads<Muon<float>>(MuonOptions{},
                                        {{300, 170}, {60, 70}, {70, 60}, {8, 3, 3, 3}, {64, 64}},
                                        optim::MuonGroup<float>{});
  test::check_step_threads<Muon<float>>(
      MuonOptions{}, {{64, 64}, {64, 65}, {65, 64}, {50, 50}, {0, 2}}, optim::MuonGroup<float>{});
  // The sum of a weight's squares is made in pieces too.
  test::check_step_threads<Muon<float>>(MuonOptions{}, {{300, 170}, {60, 70}, {8, 3, 3, 3}},
                                        optim::MuonGroup<float>{.row_norm = 1});
}

TEST_CASE("muon: finds the minimum") {
  // |A W - C|^2 falls to its least value, 0, as the learning rate falls.
  const NdArray<double> a = test::random({6, 6}, 1), target = test::random({6, 4}, 2);
  const Tensor<double> w(NdArray<double>::zeros({6, 4}), true);
  Muon<double> muon({w}, {.lr = 0.05, .weight_decay = 0});
  double loss = 0;
  for (int step = 0; step < 1500; ++step) {
    muon.set_lr(0.05 * (1 - step / 1500.0));
    const NdArray<double> error =
        (a.matrix() * w.value().matrix() - a.matrix() * target.matrix()).eval();
    loss = error.array().square().sum();
    muon.zero_grad();
    test::set_gradient(w, NdArray<double>((a.matrix().transpose() * error.matrix()).eval()));
    muon.step();
  }
  CHECK(loss < 1e-4);
}

TEST_CASE("muon: groups have their own rates") {
  const Tensor<float> a({2, 1}, {1, 1}, true), b({2, 1}, {1, 1}, true);
  const Muon<float> muon({{.parameters = {a}}, {.parameters = {b}, .lr = 0.25, .weight_decay = 0}},
                         {.lr = 0.5, .weight_decay = 0.1});
  CHECK(muon.lr(0) == 0.5);
  CHECK(muon.lr(1) == 0.25);
  CHECK(muon.weight_decay(0) == 0.1);
  CHECK(muon.weight_decay(1) == 0);
}

TEST_CASE("muon: error") {
  const Tensor<float> w = Tensor<float>::zeros({4, 4}, true), bias({3}, {1, 2, 3}, true);
  const auto make = [&](const MuonOptions& options) { Muon<float> muon({w}, options); };
  CHECK_ERROR((make({.lr = -0.1}), 0), eg::ValueError, "[muon] lr must be at least 0: -0.1");
  CHECK_ERROR((make({.momentum = 1}), 0), eg::ValueError, "[muon] momentum must be in [0, 1): 1");
  CHECK_ERROR((make({.weight_decay = -1}), 0), eg::ValueError,
              "[muon] weight_decay must be at least 0: -1");
  CHECK_ERROR((make({.ns_steps = 0}), 0), eg::ValueError, "[muon] ns_steps must be at least 1: 0");
  CHECK_ERROR(
      Muon<float>({w, bias}), eg::ShapeError,
      "[muon] parameters must be matrices: parameter 1 (3); give biases and norms to AdamW");
  CHECK_ERROR(Muon<float>({{.parameters = {w}, .row_blocks = 3}}), eg::ShapeError,
              "[muon] row_blocks 3 must divide the rows: parameter 0 (4, 4)");
  CHECK_ERROR(Muon<float>({{.parameters = {w}, .row_blocks = 0}}), eg::ValueError,
              "[muon] row_blocks must be at least 1: 0");
  CHECK_ERROR(Muon<float>({{.parameters = {w}, .row_norm = NAN}}), eg::ValueError,
              "[muon] row_norm must be at least 0: nan");
  CHECK_ERROR(Muon<float>({{.parameters = {w}, .lr = -1}}), eg::ValueError,
              "[muon] lr must be at least 0: -1");
  CHECK_ERROR(Muon<float>({{.parameters = {w}, .weight_decay = -1}}), eg::ValueError,
              "[muon] weight_decay must be at least 0: -1");
}
