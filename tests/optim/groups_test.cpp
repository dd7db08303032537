// SPDX-License-Identifier: MIT
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/groups.hpp>
#include <eigengrad/optim/muon.hpp>
#include <tests/support/test.hpp>

namespace optim = eg::optim;
using test::Shape;
using test::Tensor;

namespace {

/// The numbers, in `named`, of a group's parameters.
std::vector<int> members(const optim::NamedParameters<float>& named,
                         const optim::ParameterGroup<float>& group) {
  std::vector<int> out;
  for (const Tensor<float>& parameter : group.parameters) {
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (named[i].second.node_ptr() == parameter.node_ptr()) out.push_back(static_cast<int>(i));
    }
  }
  return out;
}

optim::NamedParameters<float> named(
    const std::vector<std::pair<std::string, Shape>>& names_and_shapes) {
  optim::NamedParameters<float> out;
  for (const auto& [name, shape] : names_and_shapes) {
    out.emplace_back(name, Tensor<float>::zeros(shape, true));
  }
  return out;
}

}  // namespace

TEST_CASE("groups: decay on matrices only") {
  const auto x = named({{"blocks.0.fc1.weight", {3, 2}},
                        {"blocks.0.fc1.bias", {3}},
                        {"norm.weight", {2}},
                        {"pos_embedding", {1, 4, 2}},
                        {"cls_token", {1, 1, 2}},
                        {"encoder.positions", {4, 2}},
                        {"class_token", {1, 2}},
                        {"register_tokens", {2, 2}},
                        {"scale", {}},
                        {"tokenizer.conv.weight", {3, 2, 2, 2}},
                        {"composer.weight", {2, 2}}});
  const auto groups = optim::decay_groups(x);
  REQUIRE(groups.size() == 2);
  CHECK(members(x, groups[0]) == std::vector<int>{0, 9, 10});
  CHECK_FALSE(groups[0].weight_decay.has_value());
  CHECK(members(x, groups[1]) == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(groups[1].weight_decay == 0.0);
  const optim::AdamW<float> adam(groups, {.weight_decay = 0.05});
  CHECK(adam.weight_decay(0) == 0.05);
  CHECK(adam.weight_decay(1) == 0);
}

TEST_CASE("groups: hidden matrices") {
  const auto x = named({{"tokenizer.0.weight", {6, 3, 3, 3}},
                        {"pos_embedding", {1, 4, 6}},
                        {"blocks.0.attention.qkv.weight", {18, 6}},
                        {"blocks.0.attention.qkv.bias", {18}},
                        {"blocks.0.attention.proj.weight", {6, 6}},
                        {"blocks.0.cross.kv.weight", {12, 6}},
                        {"blocks.1.in_proj_weight", {18, 6}},
                        {"head.weight", {10, 6}},
                        {"conv.weight", {3, 2, 2, 2}},
                        {"patch_embed.weight", {6, 12}},
                        {"score.weight", {1, 6}},
                        {"column.weight", {6, 1}}});
  auto [hidden, others] = optim::hidden_groups(x);
  REQUIRE(hidden.size() == 4);
  CHECK(members(x, hidden[0]) == std::vector<int>{4});
  CHECK(members(x, hidden[1]) == std::vector<int>{5});
  CHECK(members(x, hidden[2]) == std::vector<int>{2, 6});
  CHECK(members(x, hidden[3]) == std::vector<int>{8});
  for (test::Index i = 0; i < 3; ++i) {
    CHECK(hidden[static_cast<std::size_t>(i)].row_blocks == i + 1);
  }
  REQUIRE(others.size() == 2);
  CHECK(members(x, others[0]) == std::vector<int>{0, 7, 9, 10, 11});
  CHECK(members(x, others[1]) == std::vector<int>{1, 3});
  const optim::Muon<float> muon(hidden, {.lr = 0.02});
  const optim::AdamW<float> adam(others, {.lr = 2e-3});
  CHECK(muon.group_count() == 4);

  const auto all = optim::hidden_groups(x, {.exclude = {}, .exclude_first = false});
  CHECK(members(x, all.hidden[3]) == std::vector<int>{0, 8});
  CHECK(members(x, all.hidden[0]) == std::vector<int>{4, 7, 9});
}
