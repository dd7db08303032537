// SPDX-License-Identifier: MIT
#include <eigengrad/nn/activation.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

namespace {

nn::Sequential<double> network(eg::Generator& rng) {
  return nn::Sequential<double>([](const Tensor<double>& x) { return eg::flatten(x, 1); },
                                nn::Linear<double>({4, 3}, rng), nn::GELU<double>(),
                                nn::Linear<double>({3, 2}, rng));
}

}  // namespace

TEST_CASE("sequential: value") {
  eg::Generator rng(1);
  const nn::Linear<double> a({4, 3}, rng), b({3, 2}, rng);
  const nn::Sequential<double> net(a, nn::ReLU<double>(), b);
  const Tensor<double> x(test::random({5, 4}));
  CHECK_SAME(net(x).value(), b(nn::ReLU<double>()(a(x))).value());
  CHECK_SAME(nn::Sequential<double>()(x).value(), x.value());
}

TEST_CASE("sequential: names, gradients, state") {
  eg::Generator rng(1);
  const auto net = network(rng);
  CHECK(net.size() == 4);
  CHECK(test::names(net.named_parameters()) ==
        test::Names{"1.weight", "1.bias", "3.weight", "3.bias"});
  const Tensor<double> x(test::random({3, 2, 2}));
  CHECK(test::parameter_gradients(net, [&] { return net(x); }) == "");
  const auto other = network(rng);
  CHECK(test::same_after_loading(net, other, [&](const auto& m) { return m(x); }));
}

TEST_CASE("sequential: appending shows through every handle") {
  eg::Generator rng(1);
  nn::Sequential<double> net(nn::Linear<double>({4, 3}, rng));
  nn::Sequential<double> handle = net;
  handle.append(nn::Linear<double>({3, 1}, rng));
  CHECK(net.size() == 2);
  CHECK(net.parameter_count() == 19);
  CHECK(net(Tensor<double>::ones({5, 4})).shape() == eg::Shape{5, 1});
}
