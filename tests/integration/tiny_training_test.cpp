// SPDX-License-Identifier: MIT
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// The losses of ten steps.
template <class T>
std::vector<T> train(const models::VisionTransformer<T>& model, const Tensor<T>& images,
                     const NdArray<Index>& labels) {
  eg::optim::AdamW<T> optimizer(model.parameters(), {.lr = 1e-3, .weight_decay = 0.05});
  std::vector<T> losses;
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    const Tensor<T> loss = eg::cross_entropy(model(images), labels, {.label_smoothing = 0.1});
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item());
  }
  return losses;
}

}  // namespace

TEMPLATE_TEST_CASE("tiny_training: ten steps have PyTorch's losses", "", float, double) {
  using T = TestType;
  for (const std::string name : {"class_token", "mean", "sequence"}) {
    INFO(name);
    const test::Reference reference("vit_" + name);
    models::VisionTransformerOptions options{.image_size = 16,
                                             .classes = 5,
                                             .dim = 24,
                                             .depth = 2,
                                             .layer = {.heads = 3, .mlp_ratio = 2}};
    if (name == "mean") options.pooling = models::Pooling::kMean;
    if (name == "sequence") {
      options.pooling = models::Pooling::kSequence;
      options.tokenizer = models::ConvTokenizerOptions{.channels = {8, 24}};
    }
    eg::Generator rng(1);
    const models::VisionTransformer<T> model(options, rng);
    test::load_reference(reference, name, model);
    const std::vector<T> losses = train(model, Tensor<T>(reference.get<T>(name + "/input0")),
                                        reference.get<Index>(name + "/labels"));
    CHECK_CLOSE(NdArray<T>({10}, std::span<const T>(losses)),
                reference.get<double>(name + "/training"), sizeof(T) == 4 ? 1e-4 : 1e-7);
  }
}

TEST_CASE("tiny_training: the same losses on 1, 2 and 4 threads") {
  const Tensor<float> images(test::random<float>({32, 3, 16, 16}));
  NdArray<Index> labels({32});
  for (Index i = 0; i < 32; ++i) labels(i) = i % 5;
  for (const bool convolutional : {false, true}) {
    models::VisionTransformerOptions options{
        .image_size = 16,
        .classes = 5,
        .dim = 48,
        .depth = 2,
        .layer = {.heads = 3, .dropout = 0.1, .attention_dropout = 0.1},
        .position_dropout = 0.1,
        .stochastic_depth = 0.1};
    if (convolutional) {
      options.tokenizer = models::ConvTokenizerOptions{.channels = {8, 48}};
      options.pooling = models::Pooling::kSequence;
    }
    const auto run = [&](int threads) {
      const test::Threads guard(threads);
      eg::Generator rng(3);
      const models::VisionTransformer<float> model(options, rng);
      return train(model, images, labels);
    };
    const std::vector<float> losses = run(1);
    CHECK(losses.back() < losses.front());
    CHECK(run(2) == losses);
    CHECK(run(4) == losses);
  }
}
