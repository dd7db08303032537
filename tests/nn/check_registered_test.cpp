// SPDX-License-Identifier: MIT
#include <eigengrad/nn/check_registered.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

namespace {

/// Two layers, of which the second may be forgotten, and a factor that may be forgotten too.
struct Net : nn::Module<float> {
  Net(eg::Generator& rng, bool layer, bool tensor)
      : Module("Net"),
        fc1(add("fc1", nn::Linear<float>({4, 8}, rng))),
        fc2({8, 3}, rng),
        factor(NdArray<float>::ones({3}), true) {
    if (layer) add("fc2", fc2);
    if (tensor) add_parameter("factor", factor);
  }
  Tensor<float> operator()(const Tensor<float>& x) const { return fc2(fc1(x)) * factor; }
  nn::Linear<float> fc1;
  nn::Linear<float> fc2;
  Tensor<float> factor;
};

}  // namespace

TEST_CASE("check_registered: a forgotten layer and a forgotten tensor are named") {
  eg::Generator rng(1);
  const Tensor<float> x(test::random<float>({2, 4}));
  const Net whole(rng, true, true);
  nn::check_registered(whole, eg::sum(whole(x)));
  const std::string hint =
      "; add its layer with add(), or the tensor with add_parameter(), else no optimiser sees it";
  const std::string rule = "[check_registered] what the loss trains must be a parameter of Net: ";
  const Net layer(rng, false, true);
  CHECK_ERROR(nn::check_registered(layer, eg::sum(layer(x))), eg::StateError,
              rule +
                  "(3, 8), input 1 of linear, after fc1.weight; (3), input 2 of linear, after "
                  "fc1.weight" +
                  hint);
  const Net tensor(rng, true, false);
  CHECK_ERROR(nn::check_registered(tensor, eg::sum(tensor(x))), eg::StateError,
              rule + "(3), input 1 of mul, after fc2.weight" + hint);
}

TEST_CASE("check_registered: edge") {
  eg::Generator rng(1);
  const Tensor<float> x(test::random<float>({2, 4}));
  const Net net(rng, true, true);
  SECTION("an input may take a gradient if it is named") {
    const Tensor<float> image(test::random<float>({2, 4}), true);
    nn::check_registered(net, eg::sum(net(image)), {image});
    CHECK_THROWS_AS(nn::check_registered(net, eg::sum(net(image))), eg::StateError);
  }
  SECTION("what takes no gradient is not trained") {
    Net frozen(rng, false, true);
    for (Tensor<float> own : frozen.fc2.parameters()) own.set_requires_grad(false);
    nn::check_registered(frozen, eg::sum(frozen(x)));
  }
  SECTION("a tensor alongside a parameter, and a long list") {
    Tensor<float> y = x;
    for (int i = 0; i < 7; ++i) y = y + Tensor<float>({4}, {1, 2, 3, 4}, true);
    CHECK_ERROR(nn::check_registered(net, net(y)), eg::StateError,
                "[check_registered] what the loss trains must be a parameter of Net: (4), input 1 "
                "of add; (4), input 1 of add; (4), input 1 of add; (4), input 1 of add; (4), input "
                "1 of add; ...; add its layer with add(), or the tensor with add_parameter(), else "
                "no optimiser sees it");
    const Tensor<float> other({3}, {1, 2, 3}, true);
    CHECK_ERROR(nn::check_registered(net, net.factor * other), eg::StateError,
                "[check_registered] what the loss trains must be a parameter of Net: (3), input 1 "
                "of mul, alongside factor; add its layer with add(), or the tensor with "
                "add_parameter(), else no optimiser sees it");
  }
  SECTION("a long chain") {
    Tensor<float> y = net.factor;
    for (int i = 0; i < 100000; ++i) y = y * 1.0f;
    nn::check_registered(net, y);
  }
  SECTION("a loss without a graph") {
    const std::string text =
        "[check_registered] the loss must have its graph: compute it with parameters that require "
        "a gradient, outside NoGrad, and check it before backward()";
    const Tensor<float> loss = eg::sum(net(x));
    loss.backward();
    CHECK_ERROR(nn::check_registered(net, loss), eg::StateError, text);
    const eg::NoGrad guard;
    CHECK_ERROR(nn::check_registered(net, eg::sum(net(x))), eg::StateError, text);
  }
}
