// SPDX-License-Identifier: MIT
#include <eigengrad/inspect/summary.hpp>
#include <tests/support/test.hpp>

namespace nn = eg::nn;

namespace {

struct Leaf : nn::Module<float> {
  explicit Leaf(eg::Index n) : Module("Leaf") {
    if (n == 0) return;
    add_parameter("weight", eg::NdArray<float>::zeros({n, n}));
    add_parameter("bias", eg::NdArray<float>::zeros({n}));
  }
};

struct Tree : nn::Module<float> {
  Tree() : Module("Tree") {
    add("large", Leaf(1000));
    add("empty", Leaf(0));
    add("small", Leaf(2));
  }
};

}  // namespace

TEST_CASE("summary: value") {
  CHECK(eg::inspect::summary(Tree()) ==
        "layer  type  parameters                            count\n"
        "       Tree                                    1,001,006\n"
        "large  Leaf  weight (1000, 1000), bias (1000)  1,001,000\n"
        "small  Leaf  weight (2, 2), bias (2)                   6\n");
  CHECK(eg::inspect::summary(Leaf(0)) ==
        "layer  type  parameters  count\n"
        "       Leaf                  0\n");
}
