// SPDX-License-Identifier: MIT
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/random_state.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <tests/support/test.hpp>

namespace nn = eg::nn;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {
nn::Sequential<float> model(std::uint64_t seed) {
  eg::Generator rng(seed);
  return nn::Sequential<float>(nn::Dropout<float>({0.5}, rng),
                               nn::StochasticDepth<float>({0.5}, rng));
}
}  // namespace

TEST_CASE("random_state: a second model goes on as the first would") {
  const Tensor<float> x = Tensor<float>::ones({8, 8});
  const auto first = model(1);
  first(x);
  const nn::StateDict<Index> state = nn::random_state(first);
  CHECK(state.size() == 2);
  CHECK(state.begin()->first == "0.generator");
  const NdArray<float> expected = first(x).value();

  const auto second = model(~std::uint64_t{0});  // seeds use all 64 bits
  CHECK(test::difference(second(x).value(), expected, 0.0) != "");
  nn::load_random_state(second, state);
  CHECK_SAME(second(x).value(), expected);
}

TEST_CASE("random_state: error") {
  const auto m = model(1);
  nn::StateDict<Index> state = nn::random_state(m);
  state["2.generator"] = state["0.generator"];
  CHECK_ERROR(nn::load_random_state(m, state), eg::ValueError,
              "[load_random_state] there are 3 states for 2 generators; they must come from the "
              "same model");
  state.erase("0.generator");
  CHECK_ERROR(nn::load_random_state(m, state), eg::ValueError,
              "[load_random_state] the state of 0.generator is missing; it must come from "
              "random_state of the same model");
  state["0.generator"] = NdArray<Index>({2}, {1, 2});
  CHECK_ERROR(nn::load_random_state(m, state), eg::ValueError,
              "[load_random_state] the state of 0.generator must be (3); it must come from "
              "random_state of the same model");
}
