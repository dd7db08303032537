// SPDX-License-Identifier: MIT
#include <eigengrad/nn/module_list.hpp>
#include <tests/nn/parameter_gradient.hpp>

namespace nn = eg::nn;

namespace {

struct Leaf : nn::Module<double> {
  explicit Leaf(double value)
      : Module("Leaf"), weight(add_parameter("weight", test::NdArray<double>({1}, {value}))) {}
  test::Tensor<double> weight;
};

}  // namespace

TEST_CASE("module_list: value") {
  nn::ModuleList<Leaf> list;
  CHECK(list.size() == 0);
  const nn::ModuleList<Leaf> handle = list;
  list.append(Leaf(3));
  list.append(Leaf(4));
  CHECK(handle.size() == 2);
  CHECK(handle[1].weight.item() == 4);
  double sum = 0;
  for (const Leaf& leaf : list) sum += leaf.weight.item();
  CHECK(sum == 7);
  CHECK(test::names(list.named_parameters()) == test::Names{"0.weight", "1.weight"});
  CHECK_THROWS_AS(list[2], std::out_of_range);
  CHECK_THROWS_AS(list[-1], std::out_of_range);
}
