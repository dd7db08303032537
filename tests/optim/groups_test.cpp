// SPDX-License-Identifier: MIT
#include <eigengrad/models/conv_tokenizer.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/batch_norm.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/encoder_layer.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/groups.hpp>
#include <tests/nn/parameter_gradient.hpp>

namespace models = eg::models;
namespace nn = eg::nn;
namespace optim = eg::optim;
using eg::ParameterKind;
using eg::ParameterPlace;
using test::Index;
using test::Names;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

using Parameters = std::vector<eg::Parameter<float>>;

/// The names of a group's parameters.
template <class Group>
Names members(const Parameters& all, const Group& group) {
  Names out;
  for (const Tensor<float>& x : group.parameters) {
    for (const auto& p : all) {
      if (p.tensor.node_ptr() == x.node_ptr()) out.push_back(p.name);
    }
  }
  return out;
}

eg::Parameter<float> parameter(const std::string& name, const Shape& shape,
                               const eg::ParameterRole& role) {
  return {name, Tensor<float>::zeros(shape, true), role};
}

/// A network whose layers are the library's, with names that say nothing.
struct Plain : nn::Module<float> {
  explicit Plain(eg::Generator& rng)
      : Module("Plain"),
        a(add("a", nn::Conv2d<float>({.in_channels = 3, .out_channels = 6, .kernel = 3}, rng))),
        b(add("b", nn::BatchNorm2d<float>({.channels = 6}))),
        c(add("c", nn::Conv2d<float>({.in_channels = 6, .out_channels = 6, .kernel = 3}, rng))),
        d(add("d", nn::TransformerEncoderLayer<float>(
                       {.dim = 6, .heads = 2, .mlp_ratio = 2, .locality = true}, rng))),
        e(add("e", nn::Linear<float>({6, 10}, rng))) {}
  nn::Conv2d<float> a;
  nn::BatchNorm2d<float> b;
  nn::Conv2d<float> c;
  nn::TransformerEncoderLayer<float> d;
  nn::Linear<float> e;
};

}  // namespace

TEST_CASE("groups: what decays follows from the kind of a parameter") {
  const Parameters x = {parameter("0", {3, 2}, {ParameterKind::kWeight}),
                        parameter("1", {3}, {ParameterKind::kBias}),
                        parameter("2", {2}, {ParameterKind::kNorm}),
                        parameter("3", {1, 4, 2}, {ParameterKind::kPosition}),
                        parameter("4", {4, 2}, {ParameterKind::kToken}),
                        parameter("5", {3, 3}, {ParameterKind::kBias}),
                        parameter("6", {}, {ParameterKind::kScale}),
                        parameter("7", {3, 2, 2, 2}, {ParameterKind::kConvolution}),
                        parameter("8", {9, 2}, {ParameterKind::kEmbedding})};
  const auto groups = optim::decay_groups(x);
  REQUIRE(groups.size() == 2);
  CHECK(members(x, groups[0]) == Names{"0", "7", "8"});
  CHECK_FALSE(groups[0].weight_decay.has_value());
  CHECK(members(x, groups[1]) == Names{"1", "2", "3", "4", "5", "6"});
  CHECK(groups[1].weight_decay == 0.0);
  const optim::AdamW<float> adam(groups, {.weight_decay = 0.05});
  CHECK(adam.weight_decay(0) == 0.05);
  CHECK(adam.weight_decay(1) == 0);
}

TEST_CASE("groups: a model of the library's layers says nothing and is split right") {
  eg::Generator rng(1);
  const Plain model(rng);
  const Parameters x = model.parameters_with_roles();
  auto [hidden, others] = optim::hidden_groups(x);
  REQUIRE(hidden.size() == 4);
  CHECK(members(x, hidden[0]) ==
        Names{"d.attn.proj.weight", "d.mlp.fc1.weight", "d.mlp.fc2.weight"});
  CHECK(members(x, hidden[1]).empty());
  CHECK(members(x, hidden[2]) == Names{"d.attn.qkv.weight"});
  CHECK(members(x, hidden[3]) == Names{"c.weight"});
  for (Index i = 0; i < 3; ++i) CHECK(hidden[static_cast<std::size_t>(i)].row_blocks == i + 1);
  CHECK(hidden[3].row_blocks == 1);
  REQUIRE(others.size() == 2);
  CHECK(members(x, others[0]) == Names{"a.weight", "e.weight"});
  CHECK(others[1].parameters.size() == x.size() - 7);
  const optim::Muon<float> muon(hidden, {.lr = 0.02});
  const optim::AdamW<float> adam(others, {.lr = 2e-3});
  CHECK(muon.group_count() == 4);
  const auto decay = optim::decay_groups(x);
  CHECK(members(x, decay[0]) == Names{"a.weight", "c.weight", "d.attn.qkv.weight",
                                      "d.attn.proj.weight", "d.mlp.fc1.weight", "d.mlp.fc2.weight",
                                      "e.weight"});
}

TEST_CASE("groups: a vision transformer says where its ends are") {
  eg::Generator rng(1);
  const bool whitened = GENERATE(false, true);
  models::VisionTransformerOptions options{
      .dim = 8, .depth = 1, .layer = {.heads = 2}, .pooling = models::Pooling::kSequence};
  SECTION("convolutions") {
    options.tokenizer =
        models::ConvTokenizerOptions{.channels = {4, 8}, .whitening = {.kernel = whitened ? 2 : 0}};
    const models::VisionTransformer<float> model(options, rng);
    const Parameters x = model.parameters_with_roles();
    const auto [hidden, others] = optim::hidden_groups(x);
    // After fixed filters the first convolution is a hidden layer.
    CHECK(members(x, hidden[3]) ==
          (whitened ? Names{"tokenizer.conv_layers.0.weight", "tokenizer.conv_layers.1.weight"}
                    : Names{"tokenizer.conv_layers.1.weight"}));
    CHECK(members(x, hidden[2]) == Names{"blocks.0.attn.qkv.weight"});
    CHECK(members(x, others[0]) == (whitened ? Names{"head.weight", "attention_pool.weight"}
                                             : Names{"tokenizer.conv_layers.0.weight",
                                                     "head.weight", "attention_pool.weight"}));
  }
  SECTION("patches") {
    if (GENERATE(false, true)) options.tokenizer = models::ShiftedPatchEmbeddingOptions{};
    options.pooling = models::Pooling::kClassToken;
    const models::VisionTransformer<float> model(options, rng);
    const Parameters x = model.parameters_with_roles();
    const auto [hidden, others] = optim::hidden_groups(x);
    CHECK(members(x, others[0]) == Names{"patch_embed.proj.weight", "head.weight"});
    const Names plain = members(x, others[1]);
    CHECK(std::count(plain.begin(), plain.end(), "cls_token") == 1);
    CHECK(std::count(plain.begin(), plain.end(), "pos_embed") == 1);
    CHECK(hidden[3].parameters.empty());
  }
}

TEST_CASE("groups: ends and blocks that a module names") {
  eg::Generator rng(1);
  nn::Sequential<float> net;
  const auto linear = [&] { return nn::Linear<float>({.in_features = 6, .out_features = 6}, rng); };
  net.append(linear(), {.row_blocks = 6})
      .append(linear(), {.place = ParameterPlace::kOutput})
      .append(linear(), {.row_blocks = 2})
      .append(linear(), {.place = ParameterPlace::kInput});
  const Parameters x = net.parameters_with_roles();
  const auto [hidden, others] = optim::hidden_groups(x);
  REQUIRE(hidden.size() == 7);
  CHECK(members(x, hidden[5]) == Names{"0.weight"});
  CHECK(members(x, hidden[1]) == Names{"2.weight"});
  CHECK(members(x, others[0]) == Names{"1.weight", "3.weight"});
}

TEST_CASE("groups: edge") {
  SECTION("of nothing") {
    const auto [hidden, others] = optim::hidden_groups(Parameters{});
    CHECK(hidden.size() == 4);
    CHECK(others.size() == 2);
  }
  SECTION("one matrix is both ends") {
    const Parameters x = {parameter("w", {3, 2}, {ParameterKind::kWeight})};
    CHECK(members(x, optim::hidden_groups(x).others[0]) == Names{"w"});
  }
  SECTION("one row or column is no matrix") {
    const eg::ParameterRole hidden{ParameterKind::kWeight, 1, ParameterPlace::kHidden};
    const Parameters x = {parameter("row", {1, 6}, hidden), parameter("column", {6, 1}, hidden),
                          parameter("vector", {6}, hidden), parameter("matrix", {2, 2}, hidden)};
    const auto split = optim::hidden_groups(x);
    CHECK(members(x, split.hidden[0]) == Names{"matrix"});
    CHECK(members(x, split.others[0]) == Names{"row", "column", "vector"});
  }
  SECTION("error") {
    const Parameters x = {parameter("w", {4, 4}, {ParameterKind::kWeight, 0})};
    CHECK_ERROR((optim::hidden_groups(x), 0), eg::ValueError,
                "[hidden_groups] row_blocks must be at least 1: 0");
  }
}
