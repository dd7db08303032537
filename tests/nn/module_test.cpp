// SPDX-License-Identifier: MIT
#include <eigengrad/nn/attention.hpp>
#include <eigengrad/nn/conv2d.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/module_list.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::names;
using test::Names;
using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

namespace {

/// A leaf with a part of each sort.
struct Leaf : nn::Module<double> {
  explicit Leaf(eg::Generator& rng, double value = 1)
      : Module("Leaf"),
        weight(add_parameter("weight", NdArray<double>::full({2, 2}, value))),
        mean(add_buffer("mean", NdArray<double>::zeros({2}))),
        generator(add_generator("generator", rng)) {
    ignore_on_load("count");
  }
  Tensor<double> weight;
  std::shared_ptr<NdArray<double>> mean;
  std::shared_ptr<eg::Generator> generator;
};

struct Tree : nn::Module<double> {
  explicit Tree(eg::Generator& rng)
      : Module("Tree"),
        scale(add_parameter("scale", NdArray<double>::ones({3}))),
        a(add("a", Leaf(rng, 2))),
        b(add("b", Leaf(rng, 3))) {}
  Tensor<double> scale;
  Leaf a, b;
  using Module::add;
  using Module::add_generator;
  using Module::add_parameter;
};

}  // namespace

TEST_CASE("module: names in the order of registration") {
  eg::Generator rng(1);
  const Tree tree(rng);
  CHECK(names(tree.named_parameters()) == Names{"scale", "a.weight", "b.weight"});
  CHECK(names(tree.named_buffers()) == Names{"a.mean", "b.mean"});
  CHECK(names(tree.named_generators()) == Names{"a.generator", "b.generator"});
  CHECK(names(tree.named_children()) == Names{"a", "b"});
  CHECK(tree.named_children()[0].second.kind() == "Leaf");
  CHECK(tree.parameter_count() == 11);
  CHECK(tree.parameters().size() == 3);
  for (const auto& [name, x] : tree.named_parameters()) CHECK(x.requires_grad());
}

TEST_CASE("module: roles are what layers say, and what their shape says where they say nothing") {
  struct Raw : nn::Module<double> {
    Raw() : Module("Raw") {
      add_parameter("matrix", NdArray<double>::ones({6, 3}));
      add_parameter("vector", NdArray<double>::ones({3}));
      add_parameter("tokens", NdArray<double>::ones({4, 3}), {eg::ParameterKind::kToken});
      add_parameter("filters", Tensor<double>::ones({2, 1, 3, 3}, true));
    }
  };
  struct Outer : nn::Module<double> {
    Outer() : Module("Outer") {
      add("a", Raw());
      add("b", Raw(), {.place = eg::ParameterPlace::kInput, .row_blocks = 2});
    }
  };
  struct Outermost : nn::Module<double> {
    Outermost() : Module("Outermost") {
      add("x", Outer());
      add("y", Outer(), {.place = eg::ParameterPlace::kHidden});
    }
  };
  const auto list = Outermost().parameters_with_roles();
  REQUIRE(list.size() == 16);
  const auto find = [&](const std::string& name) {
    return std::find_if(list.begin(), list.end(), [&](const auto& p) { return p.name == name; })
        ->role;
  };
  CHECK(find("x.a.matrix").kind == eg::ParameterKind::kWeight);
  CHECK(find("x.a.vector").kind == eg::ParameterKind::kBias);
  CHECK(find("x.a.tokens").kind == eg::ParameterKind::kToken);
  CHECK(find("x.a.filters").kind == eg::ParameterKind::kConvolution);
  CHECK_FALSE(find("x.a.matrix").place.has_value());
  CHECK(find("x.a.matrix").row_blocks == 1);
  CHECK(find("x.b.matrix").place == eg::ParameterPlace::kInput);
  CHECK(find("x.b.matrix").row_blocks == 2);
  CHECK(find("x.b.tokens").row_blocks == 1);  // it is no matrix
  CHECK(find("y.a.matrix").place == eg::ParameterPlace::kHidden);
  CHECK(find("y.b.matrix").place == eg::ParameterPlace::kHidden);  // the outermost is right
  CHECK(find("y.b.matrix").row_blocks == 2);
}

TEST_CASE("module: generators differ, and the parent's moves on") {
  eg::Generator rng(1);
  const Tree tree(rng);
  CHECK(tree.a.generator->next() != tree.b.generator->next());
  CHECK(!(rng.state() == eg::Generator(1).state()));
}

TEST_CASE("module: mode") {
  eg::Generator rng(1);
  const Tree tree(rng);
  CHECK(tree.training());
  tree.eval();
  CHECK(!tree.training());
  CHECK(!tree.b.training());
  tree.a.train();
  CHECK(tree.a.training());
  CHECK(!tree.training());
}

TEST_CASE("module: a copy is another handle, wherever it goes") {
  eg::Generator rng(1);
  std::vector<nn::Module<double>> kept;
  {
    Tree tree(rng);
    Tree moved = std::move(tree);
    kept.push_back(moved);
    moved.a.weight.mutable_value()(0, 0) = 42;
    *moved.a.mean = NdArray<double>({2}, {5, 6});
    moved.eval();
  }
  const auto dict = kept[0].state_dict();
  CHECK(dict.at("a.weight")(0, 0) == 42);
  CHECK(dict.at("a.mean")(1) == 6);
  CHECK(!kept[0].training());
  CHECK(!kept[0].named_children()[1].second.training());
}

TEST_CASE("module: a part of a temporary outlives it") {
  eg::Generator rng(1);
  const auto linear = [&] {
    return nn::Linear<double>({.in_features = 2, .out_features = 3, .init = {nn::Init::kZeros}},
                              rng);
  };
  STATIC_REQUIRE(std::is_same_v<decltype(linear().weight()), Tensor<double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(linear().bias()), Tensor<double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(linear().kind()), std::string>);
  const Tensor<double>& weight = linear().weight();
  CHECK_SAME(weight.value(), NdArray<double>::zeros({3, 2}));
  const Tensor<double>& bias = linear().bias();
  CHECK_SAME(bias.value(), NdArray<double>::zeros({3}));
  const std::string& kind = linear().kind();
  CHECK(kind == "Linear");
  const Tensor<double>& filters = nn::Conv2d<double>({1, 1}, rng).weight();
  CHECK(filters.shape() == eg::Shape{1, 1, 1, 1});
  const Tensor<double>& table = nn::Embedding<double>({.count = 2, .dim = 3}, rng).weight();
  CHECK(table.shape() == eg::Shape{2, 3});
  const nn::Linear<double>& proj = nn::MultiHeadAttention<double>({4, 2}, rng).proj();
  CHECK(proj.weight().shape() == eg::Shape{4, 4});
  const auto list = [&] {
    nn::ModuleList<nn::Linear<double>> out;
    out.append(linear());
    return out;
  };
  const nn::Linear<double>& first = list()[0];
  CHECK(first.weight().shape() == eg::Shape{3, 2});
  for (const nn::Linear<double>& layer : list()) CHECK(layer.bias().shape() == eg::Shape{3});
}

TEST_CASE("module: zero_grad") {
  eg::Generator rng(1);
  const Tree tree(rng);
  Tensor<double> weight = tree.a.weight;
  weight.backward(NdArray<double>::ones({2, 2}));
  CHECK(weight.has_grad());
  tree.zero_grad();
  CHECK(!weight.has_grad());
}

TEST_CASE("module: a shared parameter counts once, under its first name") {
  eg::Generator rng(1);
  Tree tree(rng);
  tree.add_parameter("tied", tree.a.weight);
  CHECK(names(tree.named_parameters()) == Names{"scale", "tied", "b.weight"});
  CHECK(tree.parameter_count() == 11);
  CHECK(tree.state_dict().count("tied") == 1);
  CHECK(tree.state_dict().count("a.weight") == 1);
}

TEST_CASE("module: state_dict is a snapshot") {
  eg::Generator rng(1);
  Tree tree(rng);
  auto dict = tree.state_dict();
  CHECK(dict.size() == 5);
  tree.scale.mutable_value()(0) = 7;
  CHECK(dict.at("scale")(0) == 1);
  dict.at("a.weight")(0, 0) = -1;
  CHECK(tree.a.weight.value()(0, 0) == 2);
}

TEST_CASE("module: load_state_dict") {
  eg::Generator rng(1);
  Tree from(rng), to(rng);
  from.scale.mutable_value() = NdArray<double>({3}, {7, 8, 9});
  *from.b.mean = NdArray<double>({2}, {1, 2});
  auto dict = from.state_dict();
  SECTION("all names fit") {
    const NdArray<double> held = to.scale.value();
    CHECK(to.load_state_dict(dict).ok());
    CHECK_SAME(to.scale.value(), NdArray<double>({3}, {7, 8, 9}));
    CHECK_SAME(*to.b.mean, NdArray<double>({2}, {1, 2}));
    CHECK_SAME(held, NdArray<double>({3}, {7, 8, 9}));  // written in place
    dict.at("scale")(0) = 0;
    CHECK(to.scale.value()(0) == 7);
  }
  SECTION("a name to ignore is not unexpected") {
    dict["a.count"] = NdArray<double>::scalar(3);
    CHECK(to.load_state_dict(dict).ok());
    dict["count"] = NdArray<double>::scalar(3);
    CHECK_THROWS_AS(to.load_state_dict(dict), eg::ValueError);
  }
  SECTION("differences, strict: nothing is written") {
    dict.erase("b.weight");
    dict["a.weight"] = NdArray<double>::zeros({2, 3});
    CHECK_THROWS_AS(to.load_state_dict(dict), eg::ValueError);
    CHECK_SAME(to.scale.value(), NdArray<double>::ones({3}));
  }
  SECTION("differences, not strict: the rest is loaded, the lists come back") {
    dict.erase("b.weight");
    dict["head.bias"] = NdArray<double>::zeros({1});
    dict["a.weight"] = NdArray<double>::zeros({2, 3});
    const nn::LoadReport report = to.load_state_dict(dict, {.strict = false});
    CHECK(!report.ok());
    CHECK(report.missing == Names{"b.weight"});
    CHECK(report.unexpected == Names{"head.bias"});
    CHECK(report.misshapen == Names{"a.weight"});
    CHECK_SAME(to.scale.value(), NdArray<double>({3}, {7, 8, 9}));
    CHECK_SAME(to.a.weight.value(), NdArray<double>::full({2, 2}, 2));
    CHECK_SAME(to.b.weight.value(), NdArray<double>::full({2, 2}, 3));
  }
}

TEST_CASE("module: error") {
  eg::Generator rng(1);
  Tree tree(rng);
  CHECK_ERROR(tree.add("a", Leaf(rng)), eg::ValueError, "[module] Tree has a \"a\" already");
  CHECK_ERROR(tree.add_generator("scale", rng), eg::ValueError,
              "[module] Tree has a \"scale\" already");
  CHECK_ERROR(tree.add_parameter("x.y", NdArray<double>::zeros({1})), eg::ValueError,
              "[module] a name must not be empty or contain a dot: \"x.y\"");
  CHECK_ERROR(tree.add_parameter("", NdArray<double>::zeros({1})), eg::ValueError,
              "[module] a name must not be empty or contain a dot: \"\"");
}
