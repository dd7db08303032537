// SPDX-License-Identifier: MIT
// One training step of a small convolutional transformer: no bit of the loss or of any gradient
// depends on the number of threads, and a second run repeats the first.
#include <map>
#include <string>

#include <eigengrad/ops.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

constexpr Index kImages = 9;
constexpr Index kWidth = 48;
constexpr Index kHeads = 3;

template <class T>
using Arrays = std::map<std::string, NdArray<T>>;

/// The same parameters each time, by name.
template <class T>
std::map<std::string, Tensor<T>> parameters() {
  const std::map<std::string, Shape> shapes = {
      {"conv1", {24, 3, 3, 3}},    {"conv2", {kWidth, 24, 3, 3}},
      {"conv2.bias", {kWidth}},    {"norm1", {kWidth}},
      {"norm1.bias", {kWidth}},    {"qkv", {3 * kWidth, kWidth}},
      {"qkv.bias", {3 * kWidth}},  {"proj", {kWidth, kWidth}},
      {"proj.bias", {kWidth}},     {"norm2", {kWidth}},
      {"norm2.bias", {kWidth}},    {"mlp1", {2 * kWidth, kWidth}},
      {"mlp1.bias", {2 * kWidth}}, {"mlp2", {kWidth, 2 * kWidth}},
      {"mlp2.bias", {kWidth}},     {"head", {10, kWidth}},
      {"head.bias", {10}},
  };
  std::map<std::string, Tensor<T>> out;
  std::uint64_t seed = 1;
  for (const auto& [name, shape] : shapes) {
    out.emplace(name, Tensor<T>(test::random<T>(shape, seed++, -0.3, 0.3), true));
  }
  return out;
}

template <class T>
Tensor<T> tokenize(const Tensor<T>& images, std::map<std::string, Tensor<T>>& p) {
  const eg::MaxPool2dArguments pool{.kernel = 3, .stride = 2, .padding = 1};
  Tensor<T> x = eg::conv2d(images, p["conv1"], {}, {.padding = 1});
  x = eg::max_pool2d(eg::relu(x), pool);
  x = eg::conv2d(x, p["conv2"], p["conv2.bias"], {.padding = 1});
  x = eg::max_pool2d(eg::relu(x), pool);
  return eg::permute(eg::reshape(x, {kImages, kWidth, -1}), {0, 2, 1});
}

template <class T>
Tensor<T> block(const Tensor<T>& x, std::map<std::string, Tensor<T>>& p) {
  Tensor<T> y = eg::layer_norm(x, p["norm1"], p["norm1.bias"]);
  y = eg::self_attention(eg::linear(y, p["qkv"], p["qkv.bias"]), kHeads);
  y = eg::linear(y, p["proj"], p["proj.bias"], {.residual = x});
  const Tensor<T> z = eg::layer_norm(y, p["norm2"], p["norm2.bias"]);
  const Tensor<T> hidden =
      eg::linear(z, p["mlp1"], p["mlp1.bias"], {.activation = eg::Activation::kGelu});
  return eg::linear(hidden, p["mlp2"], p["mlp2.bias"], {.residual = y});
}

/// The loss and every gradient of one step.
template <class T>
Arrays<T> step() {
  std::map<std::string, Tensor<T>> p = parameters<T>();
  const Tensor<T> images(test::random<T>({kImages, 3, 20, 20}, 100), true);
  NdArray<Index> labels({kImages});
  for (Index i = 0; i < kImages; ++i) labels(i) = i;
  const Tensor<T> tokens = block(tokenize(images, p), p);
  const Tensor<T> logits = eg::linear(eg::mean(tokens, {1}), p["head"], p["head.bias"]);
  const Tensor<T> loss = eg::cross_entropy(logits, labels, {.label_smoothing = 0.1});
  loss.backward();
  Arrays<T> out = {{"loss", loss.value()}, {"images", images.grad()}};
  for (const auto& [name, parameter] : p) out.emplace(name, parameter.grad());
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("threads: a training step has the same bits on any number of them", "", float,
                   double) {
  using T = TestType;
  test::check_threads([] {
    std::vector<NdArray<T>> out;
    for (const auto& [name, array] : step<T>()) {
      INFO(name);
      CHECK((array.array() != T(0)).any());
      CHECK(array.array().isFinite().all());
      out.push_back(array);
    }
    return out;
  });
}
