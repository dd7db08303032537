// SPDX-License-Identifier: MIT
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/optimizer.hpp>
#include <eigengrad/optim/sgd.hpp>
#include <tests/support/gradients.hpp>

namespace optim = eg::optim;
using test::NdArray;
using test::Tensor;

namespace {

Tensor<float> parameter(std::initializer_list<float> values) {
  return Tensor<float>({static_cast<test::Index>(values.size())}, values, true);
}

}  // namespace

TEST_CASE("optimizer: groups have their own rates") {
  const Tensor<float> a = parameter({1}), b = parameter({1}), c = parameter({1});
  optim::SGD<float> sgd({{.parameters = {a}},
                         {.parameters = {b}, .lr = 0.25},
                         {.parameters = {c}, .weight_decay = 1}},
                        {.lr = 0.5});
  CHECK(sgd.group_count() == 3);
  CHECK(sgd.lr() == 0.5);
  CHECK(sgd.lr(1) == 0.25);
  CHECK(sgd.weight_decay(0) == 0);
  CHECK(sgd.weight_decay(2) == 1);
  const auto step = [&] {
    sgd.zero_grad();
    for (const auto& x : {a, b, c}) test::set_gradient(x, NdArray<float>({1}, {1}));
    sgd.step();
  };
  step();
  CHECK(a.item() == 0.5f);
  CHECK(b.item() == 0.75f);
  CHECK(c.item() == 0.f);
  sgd.set_lr_factor(2);  // of the rates it was made with
  sgd.set_lr_factor(0.5);
  CHECK(sgd.lr(0) == 0.25);
  CHECK(sgd.lr(1) == 0.125);
  sgd.set_lr(1);
  CHECK(sgd.lr(0) == 1);
  CHECK(sgd.lr(1) == 1);
  sgd.set_lr(1, 0.125);
  CHECK(sgd.lr(0) == 1);
  step();
  CHECK(a.item() == -0.5f);
  CHECK(b.item() == 0.625f);
  CHECK(sgd.step_count() == 2);
}

TEST_CASE("optimizer: parameters without a gradient stay") {
  const Tensor<float> a = parameter({1}), b = parameter({1});
  optim::AdamW<float> adam({a, b}, {.lr = 0.5, .weight_decay = 1});
  test::set_gradient(a, NdArray<float>({1}, {1}));
  adam.step();
  CHECK(a.item() != 1);
  CHECK(b.item() == 1);  // no decay either
  CHECK(a.has_grad());
  adam.zero_grad();
  CHECK_FALSE(a.has_grad());
  const float before = a.item();
  adam.step();
  CHECK(a.item() == before);
  CHECK(adam.step_count() == 2);
}

TEST_CASE("optimizer: a step changes no snapshot") {
  const Tensor<float> w = parameter({1, 2});
  optim::SGD<float> sgd({w}, {.lr = 1, .momentum = 0.5});
  const auto step = [&] {
    sgd.zero_grad();
    test::set_gradient(w, NdArray<float>({2}, {1, 1}));
    sgd.step();
  };
  step();
  const Tensor<float> detached = w.detach();
  const NdArray<float> value = w.value();
  const auto state = sgd.state_dict();
  step();
  CHECK_SAME(w.value(), NdArray<float>({2}, {-1.5f, -0.5f}));
  CHECK_SAME(detached.value(), NdArray<float>({2}, {0, 1}));
  CHECK_SAME(value, NdArray<float>({2}, {0, 1}));
  CHECK_SAME(state.at("momentum_buffer.0"), NdArray<float>({2}, {1, 1}));
  CHECK_SAME(state.at("step"), NdArray<float>({2}, {0, 1}));
  SECTION("nor the state it was loaded from") {
    sgd.load_state_dict(state);
    step();
    CHECK_SAME(state.at("momentum_buffer.0"), NdArray<float>({2}, {1, 1}));
    CHECK(sgd.step_count() == 2);
  }
  SECTION("but writes in place when nothing shares the storage") {
    const float* data = w.value().data();
    step();
    CHECK(w.value().data() == data);
  }
}

TEST_CASE("optimizer: counts of any size survive") {
  const Tensor<float> w = parameter({1});
  optim::SGD<float> sgd({w}, {.momentum = 0.5});
  auto state = sgd.state_dict();
  CHECK(state.size() == 2);  // nothing but counts before the first step
  state["step"] = NdArray<float>({2}, {1000, 12345});
  sgd.load_state_dict(state);
  CHECK(sgd.step_count() == (test::Index{1000} << 20) + 12345);
  CHECK_SAME(sgd.state_dict().at("step"), state.at("step"));
}

TEST_CASE("optimizer: error") {
  const Tensor<float> w = parameter({1, 2}), v = parameter({1});
  using Group = optim::ParameterGroup<float>;
  const auto make = [](const std::vector<Group>& groups) { optim::SGD<float> sgd(groups, {}); };
  CHECK_ERROR((make({}), 0), eg::ValueError, "[sgd] needs at least one parameter");
  CHECK_ERROR((make({Group{.parameters = {w, Tensor<float>()}}}), 0), eg::ValueError,
              "[sgd] parameter 1 is empty");
  CHECK_ERROR((make({Group{.parameters = {w}}, Group{.parameters = {v, w}}}), 0), eg::ValueError,
              "[sgd] parameters must differ: 0 and 2 are the same tensor");
  const Tensor<float> result = eg::make_result(
      "twice", w.value(), [](eg::BackwardContext<float>&) {}, w);
  CHECK_ERROR((make({Group{.parameters = {result}}}), 0), eg::ValueError,
              "[sgd] parameters must be leaves: parameter 0 is the result of twice");
  CHECK_ERROR((make({Group{.parameters = {w}, .lr = -1}}), 0), eg::ValueError,
              "[sgd] lr must be at least 0: -1");
  CHECK_ERROR((make({Group{.parameters = {w}, .weight_decay = -1}}), 0), eg::ValueError,
              "[sgd] weight_decay must be at least 0: -1");
  CHECK_ERROR((make({Group{.parameters = {w}, .momentum = -1}}), 0), eg::ValueError,
              "[sgd] momentum must be at least 0: -1");
  CHECK_ERROR((make({Group{.parameters = {w}, .nesterov = true}}), 0), eg::ValueError,
              "[sgd] nesterov needs momentum above 0 and dampening 0: momentum 0, dampening 0");
  CHECK_ERROR((make({Group{.parameters = {w}, .betas = {{0.9, 0.99}}}}), 0), eg::ValueError,
              "[sgd] has no option betas, which a group sets");

  optim::SGD<float> sgd({w, v}, {.momentum = 0.5});
  CHECK(sgd.parameters().at(1).node_ptr() == v.node_ptr());
  CHECK_ERROR((sgd.set_lr(-1), 0), eg::ValueError, "[sgd] lr must be at least 0: -1");
  CHECK_ERROR((sgd.set_lr_factor(NAN), 0), eg::ValueError,
              "[sgd] lr factor must be at least 0: nan");
  CHECK_THROWS_AS(sgd.set_lr(1, -1), eg::ValueError);
  CHECK_THROWS_AS(sgd.lr(1), std::out_of_range);
}

TEST_CASE("optimizer: a state that does not fit changes nothing") {
  const Tensor<float> w = parameter({1, 2}), v = parameter({1});
  optim::SGD<float> sgd({w, v}, {.lr = 1, .momentum = 0.5});
  test::set_gradient(w, NdArray<float>({2}, {1, 1}));
  sgd.step();
  const auto good = sgd.state_dict();
  auto state = good;
  SECTION("missing") {
    state.erase("momentum_buffer.0");
    CHECK_ERROR((sgd.load_state_dict(state), 0), eg::ValueError,
                "[sgd] the state lacks momentum_buffer.0");
    CHECK_ERROR((sgd.load_state_dict({}), 0), eg::ValueError, "[sgd] the state lacks step");
  }
  SECTION("unknown") {
    state["momentum_buffer.1"] = NdArray<float>({1}, {1});  // it never had a gradient
    CHECK_ERROR((sgd.load_state_dict(state), 0), eg::ValueError,
                "[sgd] the state has an unknown name: momentum_buffer.1");
  }
  SECTION("shape") {
    state["momentum_buffer.0"] = NdArray<float>({1}, {1});
    CHECK_ERROR((sgd.load_state_dict(state), 0), eg::ShapeError,
                "[sgd] the state's momentum_buffer.0 must have shape (2), got (1)");
    state["parameter_steps"] = NdArray<float>::zeros({1, 2});
    CHECK_ERROR((sgd.load_state_dict(state), 0), eg::ShapeError,
                "[sgd] the state's parameter_steps must have shape (2, 2), got (1, 2)");
  }
  SECTION("counts") {
    for (float bad : {-1.f, 0.5f, 2e6f, NAN}) {
      state["step"] = NdArray<float>({2}, {0, bad});
      CHECK_THROWS_AS(sgd.load_state_dict(state), eg::ValueError);
    }
  }
  CHECK(sgd.step_count() == 1);
  CHECK_SAME(sgd.state_dict().at("momentum_buffer.0"), good.at("momentum_buffer.0"));
}
