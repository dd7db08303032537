// SPDX-License-Identifier: MIT
#include <eigengrad/inspect/anomaly.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <tests/support/test.hpp>

namespace models = eg::models;
namespace nn = eg::nn;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Vit {
  eg::Generator rng{1};
  models::VisionTransformer<float> model{
      {.image_size = 8, .classes = 3, .dim = 12, .depth = 2, .layer = {.heads = 2}}, rng};
  Tensor<float> images{test::random<float>({2, 3, 8, 8})};

  Tensor<float> loss() const {
    return eg::cross_entropy(model(images), NdArray<Index>({2}, {0, 2}));
  }
  std::string anomaly() const {
    return eg::inspect::find_anomaly(model, [&] { return loss(); });
  }
  Tensor<float> parameter(const std::string& wanted) const {
    for (const auto& [name, x] : model.named_parameters()) {
      if (name == wanted) return x;
    }
    throw eg::ValueError(wanted);
  }
};

}  // namespace

TEST_CASE("anomaly: nothing is found where all is finite") {
  const Vit vit;
  CHECK(vit.anomaly() == "");
  CHECK(eg::inspect::find_non_finite(vit.model) == "");
  CHECK(eg::Observer::active() == nullptr);
}

TEST_CASE("anomaly: a broken weight is named") {
  const Vit vit;
  Tensor<float> weight = vit.parameter("blocks.1.mlp.fc2.weight");
  weight.mutable_value().data()[5] = kNan;
  weight.mutable_value().data()[6] = std::numeric_limits<float>::infinity();
  CHECK(eg::inspect::find_non_finite(vit.model) ==
        "blocks.1.mlp.fc2.weight (12, 48), 2 of 576 numbers");
  CHECK(vit.anomaly() == "in blocks.1.mlp.fc2.weight (12, 48), 2 of 576 numbers");
}

TEST_CASE("anomaly: the first result that is not finite, and its layer") {
  const Vit vit;
  // Finite weights whose product overflows, in the second block's attention.
  for (const char* name : {"blocks.1.attn.qkv.weight", "blocks.1.norm1.weight"}) {
    vit.parameter(name).mutable_value().fill(1e30f);
  }
  const std::string found = vit.anomaly();
  CHECK(found.starts_with("in the result "));
  CHECK(found.ends_with(" in blocks.1.attn.qkv"));
}

TEST_CASE("anomaly: an op without parameters is named after a layer") {
  const Vit vit;
  vit.parameter("head.bias").mutable_value() = NdArray<float>({3}, {-3e38f, 3e38f, 0});
  // The logits are finite, the loss is 3e38 + 3e38.
  CHECK(vit.anomaly() == "in the result () of cross_entropy after head");
}

TEST_CASE("anomaly: an op without parameters inside a layer's call") {
  const Vit vit;
  // Finite queries and keys, whose scores overflow.
  vit.parameter("blocks.0.attn.qkv.bias").mutable_value().fill(3e19f);
  CHECK(vit.anomaly().ends_with(" in blocks.0.attn"));
}

TEST_CASE("anomaly: an input from outside") {
  Vit vit;
  vit.images.mutable_value().data()[7] = kNan;
  CHECK(vit.anomaly().starts_with("in an input (2, 3, 8, 8) of "));
}

TEST_CASE("anomaly: the first gradient that is not finite") {
  const Vit vit;
  const std::string broken = eg::inspect::find_anomaly(vit.model, [&] {
    const Tensor<float> y = vit.model(vit.images);
    return eg::make_result(
        "planted", NdArray<float>::scalar(1),
        [shape = y.shape()](eg::BackwardContext<float>& context) {
          context.accumulate(0, NdArray<float>::full(shape, kNan));
        },
        y);
  });
  CHECK(broken == "in a gradient (2, 3), in the backward of planted after head");
  const std::string weight = eg::inspect::find_anomaly(vit.model, [&] {
    const Tensor<float> w = vit.parameter("blocks.0.attn.proj.weight");
    return eg::make_result(
        "planted", NdArray<float>::scalar(1),
        [shape = w.shape()](eg::BackwardContext<float>& context) {
          context.accumulate(0, NdArray<float>::full(shape, kNan));
        },
        w);
  });
  CHECK(weight ==
        "in the gradient of blocks.0.attn.proj.weight, in the backward of planted in "
        "blocks.0.attn.proj");
}
