// SPDX-License-Identifier: MIT
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/layer_decay.hpp>
#include <tests/support/test.hpp>

namespace models = eg::models;
namespace optim = eg::optim;
using eg::ParameterKind;
using test::Index;
using test::Tensor;

namespace {

using Parameters = std::vector<eg::Parameter<float>>;

eg::Parameter<float> parameter(const std::string& name, ParameterKind kind) {
  return {name, Tensor<float>::zeros({2, 2}, true), {kind}};
}

/// The rate of a parameter.
double rate_of(const Parameters& all, const std::vector<optim::ParameterGroup<float>>& groups,
               const std::string& name) {
  for (const auto& group : groups) {
    for (const auto& x : group.parameters) {
      for (const auto& p : all) {
        if (p.name == name && p.tensor.node_ptr() == x.node_ptr()) return *group.lr;
      }
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("layer_decay: a vision transformer") {
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.dim = 8, .depth = 2, .layer = {.heads = 2}, .pooling = models::Pooling::kClassToken}, rng);
  const Parameters x = model.parameters_with_roles();
  const auto groups = optim::layer_decay_groups(x, {.lr = 1, .decay = 0.5});
  // As BEiT's get_num_layer_for_vit numbers them.
  for (const char* name : {"cls_token", "pos_embed", "patch_embed.proj.weight"}) {
    CHECK(rate_of(x, groups, name) == 0.125);
  }
  CHECK(rate_of(x, groups, "blocks.0.attn.qkv.weight") == 0.25);
  CHECK(rate_of(x, groups, "blocks.1.norm1.bias") == 0.5);
  for (const char* name : {"norm.weight", "head.weight", "head.bias"}) {
    CHECK(rate_of(x, groups, name) == 1);
  }
  std::size_t members = 0;
  for (const auto& group : groups) members += group.parameters.size();
  CHECK(members == x.size());
  CHECK(groups.size() == 8);  // four layers, each with and without weight decay
  optim::AdamW<float> adam(groups, {.weight_decay = 0.05});
  adam.set_lr_factor(0.5);
  CHECK(adam.lr(0) == 0.0625);
  CHECK(adam.weight_decay(0) == 0.05);
  CHECK(adam.weight_decay(1) == 0);
}

TEST_CASE("layer_decay: any module by its names") {
  const Parameters x = {parameter("b", ParameterKind::kWeight),
                        parameter("a", ParameterKind::kWeight),
                        parameter("c", ParameterKind::kBias)};
  const auto groups = optim::layer_decay_groups(
      x, {.lr = 0.1, .decay = 0.1}, [](const std::string& name) { return name == "a" ? 0 : 2; });
  CHECK(groups.size() == 3);
  CHECK(rate_of(x, groups, "a") == Approx(0.001));
  CHECK(rate_of(x, groups, "b") == 0.1);
  CHECK(rate_of(x, groups, "c") == 0.1);
}

TEST_CASE("layer_decay: lists of blocks") {
  const auto layers = [](const std::vector<std::string>& names, const std::string& list) {
    Parameters x;
    for (const std::string& name : names) x.push_back(parameter(name, ParameterKind::kWeight));
    return optim::detail::layers_by_block(x, list);
  };
  CHECK(layers({"0.blocks.0.w", "0.blocks.1.w", "0.down", "1.blocks.0.w", "blocks.w", "head"},
               "blocks") == std::vector<Index>{1, 2, 2, 3, 4, 4});
  CHECK(layers({"in", "layers.10.w", "layers.10.b", "layers.11.w", "out"}, "layers") ==
        std::vector<Index>{0, 1, 1, 2, 3});
  CHECK(layers({"myblocks.0.w", "blocks.x.w", "blocks.1", "my.blocks.7.w"}, "blocks") ==
        std::vector<Index>{0, 0, 0, 1});
}

TEST_CASE("layer_decay: error") {
  const Parameters x = {parameter("w", ParameterKind::kWeight)};
  const auto zero = [](const std::string&) { return 0; };
  CHECK_ERROR(optim::layer_decay_groups(x), eg::ValueError,
              "[layer_decay_groups] no parameter's name has \"blocks\" and a number in it; give "
              "the layers as a function of the name");
  CHECK_ERROR(optim::layer_decay_groups(x, {.lr = -1}, zero), eg::ValueError,
              "[layer_decay_groups] lr must be at least 0: -1");
  CHECK_ERROR(optim::layer_decay_groups(x, {.decay = 0}, zero), eg::ValueError,
              "[layer_decay_groups] decay must be in (0, 1]: 0");
  CHECK_ERROR(optim::layer_decay_groups(x, {}, [](const std::string&) { return -2; }),
              eg::ValueError,
              "[layer_decay_groups] the layer of a parameter must be at least 0: -2");
  CHECK_ERROR(optim::layer_decay_groups(Parameters{}, {}, zero), eg::ValueError,
              "[layer_decay_groups] needs at least one parameter");
}
