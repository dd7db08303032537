// SPDX-License-Identifier: MIT
#include <cstdio>

#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/batch_norm.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// A state dict written to a file and read back.
template <class T>
nn::StateDict<T> through_file(const nn::StateDict<T>& dict) {
  const std::string path = "save_load_test.tmp.safetensors";
  eg::io::save_safetensors(path, dict);
  nn::StateDict<T> out;
  {
    const eg::io::SafetensorsFile file(path);
    for (const std::string& name : file.names()) out[name] = file.get<T>(name);
  }
  std::remove(path.c_str());
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("save_load: a trained model comes back with the same bits", "", float, double) {
  using T = TestType;
  const models::VisionTransformerOptions options{
      .image_size = 8, .classes = 3, .dim = 12, .depth = 2, .layer = {.heads = 3}};
  eg::Generator rng(1);
  const models::VisionTransformer<T> model(options, rng);
  const Tensor<T> images(rng.normal<T>({4, 3, 8, 8}));
  eg::optim::AdamW<T> optimizer(model.parameters(), {.lr = 1e-3});
  for (int step = 0; step < 3; ++step) {
    optimizer.zero_grad();
    eg::cross_entropy(model(images), NdArray<Index>({4}, {0, 1, 2, 0})).backward();
    optimizer.step();
  }
  const models::VisionTransformer<T> other(options, rng);
  CHECK(test::difference(other(images).value(), model(images).value(), 0) != "");
  CHECK(other.load_state_dict(through_file(model.state_dict())).ok());
  CHECK_SAME(other(images).value(), model(images).value());
}

TEST_CASE("save_load: running statistics are saved too") {
  eg::Generator rng(1);
  const auto make = [&] {
    return nn::Sequential<float>(
        nn::Conv2d<float>({.in_channels = 3, .out_channels = 4, .kernel = 3}, rng),
        nn::BatchNorm2d<float>({4}));
  };
  const Tensor<float> images(rng.normal<float>({4, 3, 8, 8}));
  const auto model = make();
  model(images);
  const auto other = make();
  other.load_state_dict(through_file(model.state_dict()));
  model.eval();
  other.eval();
  CHECK_SAME(other(images).value(), model(images).value());
}

TEST_CASE("save_load: another head, loaded without strict") {
  models::VisionTransformerOptions options{
      .image_size = 8, .classes = 3, .dim = 12, .depth = 1, .layer = {.heads = 3}};
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(options, rng);
  options.classes = 7;
  const models::VisionTransformer<float> tuned(options, rng);
  const auto dict = through_file(model.state_dict());
  CHECK_ERROR(tuned.load_state_dict(dict), eg::ValueError,
              "[load_state_dict] names and shapes must be the module's: 2 of another shape\n"
              "  of another shape: head.weight (3, 12), the module's is (7, 12)\n"
              "  of another shape: head.bias (3), the module's is (7)");
  const nn::LoadReport report = tuned.load_state_dict(dict, {.strict = false});
  CHECK(report.misshapen == std::vector<std::string>{"head.weight", "head.bias"});
  const Tensor<float> images(rng.normal<float>({4, 3, 8, 8}));
  CHECK_SAME(tuned.features(images).value(), model.features(images).value());
}
