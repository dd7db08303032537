// SPDX-License-Identifier: MIT
#include <string>

#include <eigengrad/inspect/summary.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/activation.hpp>
#include <eigengrad/nn/embedding.hpp>
#include <eigengrad/nn/sequential.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;
namespace nn = eg::nn;

namespace {

/// The layer of that dotted name.
const eg::inspect::LayerSummary& find(const eg::inspect::LayerSummary& layer,
                                      const std::string& name) {
  if (layer.name == name) return layer;
  for (const eg::inspect::LayerSummary& child : layer.children) {
    if (name.find(child.name) == 0 &&
        (name.size() == child.name.size() || name[child.name.size()] == '.')) {
      return find(child, name);
    }
  }
  FAIL("no layer " + name);
  return layer;
}

/// Bytes that a forward pass leaves, its result included.
template <class Model, class Input>
std::int64_t measured_memory(const Model& model, const Input& x) {
  const auto before = static_cast<std::int64_t>(eg::memory_in_use());
  const auto y = model(x);
  return static_cast<std::int64_t>(eg::memory_in_use()) - before;
}

/// A module as a user writes one, which marks no call: a product by itself, one by a child, one by
/// two children in one.
struct Mixed : nn::Module<float> {
  Mixed(bool marked, eg::Generator& rng)
      : Module("Mixed"),
        marked_(marked),
        weight_(add_parameter("weight", test::random<float>({4, 6}))),
        first_(add("first", nn::Linear<float>({.in_features = 6, .out_features = 5}, rng))),
        unused_(add("unused", nn::Linear<float>({.in_features = 2, .out_features = 3}, rng))) {}

  Tensor<float> operator()(const Tensor<float>& x) const {
    if (!marked_) return eg::sum(work(x), {-1});
    const auto call = this->call();
    return eg::sum(work(x), {-1});
  }

 private:
  Tensor<float> work(const Tensor<float>& x) const {
    const Tensor<float> y = first_(eg::matmul(x, weight_));
    return eg::matmul(eg::transpose(y, -1, -2), y);
  }
  bool marked_;
  Tensor<float> weight_;
  nn::Linear<float> first_, unused_;
};

struct Leaf : nn::Module<float> {
  explicit Leaf(eg::Index n) : Module("Leaf") {
    if (n == 0) return;
    add_parameter("weight", eg::NdArray<float>::zeros({n, n}));
    add_parameter("bias", eg::NdArray<float>::zeros({n}));
  }
};

struct Tree : nn::Module<float> {
  Tree() : Module("Tree") {
    add("large", Leaf(1000));
    add("empty", Leaf(0));
    add("small", Leaf(2));
  }
};

}  // namespace

TEST_CASE("summary: a perceptron by hand") {
  eg::Generator rng(1);
  const nn::Sequential<float> net(nn::Linear<float>({784, 64}, rng), nn::ReLU<float>(),
                                  nn::Linear<float>({64, 10}, rng));
  const eg::inspect::ModelSummary s = eg::inspect::summarize(net, Tensor<float>::zeros({8, 784}));
  CHECK(s.batch == 8);
  CHECK(s.model.trained == 784 * 64 + 64 + 64 * 10 + 10);
  CHECK(s.model.not_trained == 0);
  CHECK(s.model.flops == 2. * 8 * (784 * 64 + 64 * 10));
  // Backward: both weights' gradients, and that of the hidden layer.
  CHECK(s.step_flops == s.model.flops + 2. * 8 * (784 * 64 + 2 * 64 * 10));
  CHECK(find(s.model, "0").output == eg::Shape{8, 64});
  CHECK(find(s.model, "0").flops == 2. * 8 * 784 * 64);
  CHECK(find(s.model, "1").trained == 0);
  CHECK(find(s.model, "2").output == eg::Shape{8, 10});
  CHECK(s.model.output == eg::Shape{8, 10});
  // The hidden layer before and after ReLU are one array too many: only the latter is kept.
  CHECK(s.model.kept >= 8 * (64 + 10) * 4);
  CHECK(s.model.kept < 8 * (64 + 64 + 10) * 4 + 2048);
  CHECK(s.peak > 4 * static_cast<std::size_t>(s.model.trained));
  CHECK(s.table().find("       Sequential  (8, 10)      50,890             0.10       0.0\n"
                       "  0    Linear      (8, 64)      50,240             0.10       0.0\n"
                       "  1    ReLU        (8, 64)                                    0.0\n"
                       "  2    Linear      (8, 10)         650             0.00       0.0\n"
                       "50,890 parameters are trained\n"
                       "0.1 MFLOP per image forward, 0.2 in a training step\n"
                       "a batch of 8: 0.0 MiB kept for backward, ") != std::string::npos);
}

TEST_CASE("summary: a vision transformer by hand") {
  const Index batch = 4, dim = 24, tokens = 17, hidden = 48;
  eg::Generator rng(1);
  const models::VisionTransformer<float> vit({.image_size = 16,
                                              .classes = 5,
                                              .dim = dim,
                                              .depth = 3,
                                              .layer = {.heads = 3, .mlp_ratio = 2}},
                                             rng);
  const Tensor<float> images(test::random<float>({batch, 3, 16, 16}));
  const eg::inspect::ModelSummary s = eg::inspect::summarize(vit, images);
  const double patches = 16. * (3 * 4 * 4) * dim;
  const double attention = 2. * tokens * tokens * dim;
  const double block = tokens * (4. * dim * dim + 2. * dim * hidden) + attention;
  const double head = dim * 5;
  const double image = 2 * (patches + 3 * block + head);
  CHECK(s.model.flops == batch * image);
  CHECK(s.step_flops == batch * (3 * image - 2 * patches));  // no gradient of the images
  CHECK(s.model.trained == vit.parameter_count());
  CHECK(find(s.model, "patch_embed").output == eg::Shape{batch, 16, dim});
  CHECK(find(s.model, "patch_embed.proj").flops == 2 * batch * patches);
  CHECK(find(s.model, "blocks").children.size() == 3);
  for (const std::string name : {"blocks.0", "blocks.2"}) {
    CHECK(find(s.model, name).flops == 2 * batch * block);
    CHECK(find(s.model, name).output == eg::Shape{batch, tokens, dim});
    CHECK(find(s.model, name + ".attn").flops == 2 * batch * (tokens * 4. * dim * dim + attention));
    CHECK(find(s.model, name + ".attn.qkv").output == eg::Shape{batch, tokens, 3 * dim});
  }
  CHECK(find(s.model, "norm").output == eg::Shape{batch, dim});
  CHECK(s.model.kept == measured_memory(vit, images));
  std::int64_t children = 0;
  for (const eg::inspect::LayerSummary& child : s.model.children) children += child.kept;
  CHECK(children <= s.model.kept);
  CHECK(s.table().find("\n  blocks.0-2  ") != std::string::npos);
  CHECK(s.table().find(" TransformerEncoderLayer x3 ") != std::string::npos);
  CHECK(s.table().find("blocks.1") == std::string::npos);

  // Layers that are computed twice.
  auto options = vit.options();
  options.checkpoint = true;
  const eg::inspect::ModelSummary twice =
      eg::inspect::summarize(models::VisionTransformer<float>(options, rng), images);
  CHECK(twice.model.flops == s.model.flops);
  CHECK(twice.step_flops == s.step_flops + 2 * batch * 3 * block);
  CHECK(twice.model.kept < s.model.kept / 2);
}

TEST_CASE("summary: the multiply-adds of the published CCTs") {
  // As the authors state them, in thousandths of a G, without the products of attention.
  const auto macs = [](Index depth, std::vector<Index> channels, Index tokens) {
    const bool large = depth > 4;
    const Index dim = large ? 256 : 128;
    channels.push_back(dim);
    const models::VisionTransformerOptions options{
        .tokenizer = models::ConvTokenizerOptions{.channels = channels},
        .dim = dim,
        .depth = depth,
        .layer = {.heads = large ? 4 : 2, .mlp_ratio = large ? 2. : 1., .qkv_bias = false},
        .pooling = models::Pooling::kSequence};
    eg::Generator rng(1);
    const auto s = eg::inspect::summarize(models::VisionTransformer<float>(options, rng),
                                          Tensor<float>::zeros({1, 3, 32, 32}));
    const double attention = 2. * double(depth * tokens * tokens * options.dim);
    return (s.model.flops / 2 - attention) / 1e6;
  };
  CHECK(macs(2, {64}, 64) == Approx(33).margin(1));
  CHECK(macs(4, {64}, 64) == Approx(46).margin(1));
  CHECK(macs(7, {64}, 64) == Approx(275).margin(1));
  CHECK(macs(7, {}, 256) == Approx(947).margin(1));
}

TEST_CASE("summary: every tokenizer, dropout and running statistics") {
  eg::Generator rng(1);
  models::VisionTransformerOptions options{
      .image_size = 16,
      .classes = 3,
      .tokenizer =
          models::ConvTokenizerOptions{
              .stages = {{.channels = 8, .convs = 2, .batch_norm = true, .residual = true}},
              .whitening = {.kernel = 2}},
      .dim = 8,
      .depth = 2,
      .layer = {.heads = 2, .locality = true, .dropout = 0.1},
      .pooling = models::Pooling::kSequence,
      .position_dropout = 0.1,
      .stochastic_depth = 0.1};
  const models::VisionTransformer<double> model(options, rng), same(options, rng);
  same.load_state_dict(model.state_dict());
  const Tensor<double> images(test::random({2, 3, 16, 16}));
  std::vector<eg::Generator::State> states;
  for (const auto* g : model.generators()) states.push_back(g->state());
  const eg::inspect::ModelSummary s = eg::inspect::summarize(model, images);
  // 15 x 15 from the whitening, 8 x 8 tokens.
  const double whiten = 15. * 15 * 24 * 12, convs = 15. * 15 * 8 * 24 * 9 + 8. * 8 * 8 * 8 * 9;
  CHECK(find(s.model, "tokenizer.whiten").flops == 2 * 2 * whiten);
  CHECK(find(s.model, "tokenizer").flops == 2 * 2 * (whiten + convs));
  CHECK(find(s.model, "tokenizer").output == eg::Shape{2, 64, 8});
  CHECK(find(s.model, "tokenizer.norm_layers.1").output == eg::Shape{2, 8, 8, 8});
  CHECK(find(s.model, "blocks.0.attn.qkv").output == eg::Shape{2, 64, 24});  // scaled first
  CHECK(find(s.model, "attention_pool").flops == 2 * 2 * (64. * 8 + 64 * 8));
  CHECK(s.model.not_trained == 24 * 12 + 4 * 8);
  CHECK(s.model.kept == measured_memory(model, images));
  // Nothing of the model has changed.
  for (const auto& [name, x] : model.named_parameters()) {
    CAPTURE(name);
    CHECK(!x.has_grad());
  }
  same.load_state_dict(model.state_dict());
  const auto after = model.generators();
  (void)eg::inspect::summarize(model, images);
  const NdArray<double> mean = model.state_dict().at("tokenizer.norm_layers.0.running_mean");
  CHECK(mean(3) == same.state_dict().at("tokenizer.norm_layers.0.running_mean")(3));
  // measured_memory above has drawn and moved them; a summary does neither.
  const auto drawn = after[0]->state();
  (void)eg::inspect::summarize(model, images);
  CHECK(after[0]->state().counter == drawn.counter);
}

TEST_CASE("summary: modules that mark no calls") {
  for (const bool marked : {false, true}) {
    eg::Generator rng(1);
    const Mixed inner(marked, rng);
    const nn::Sequential<float> net(nn::ReLU<float>(), inner);
    const eg::inspect::ModelSummary s = eg::inspect::summarize(net, Tensor<float>::ones({2, 3, 4}));
    CHECK(find(s.model, "1.first").flops == 2. * 2 * 3 * 6 * 5);
    CHECK(find(s.model, "1.first").output == eg::Shape{2, 3, 5});
    // Its own parameter's product is its own in any case, the one of activations if it says so.
    const double own = 2. * 2 * (3 * 4 * 6), products = 2. * 2 * (5 * 3 * 5);
    CHECK(find(s.model, "1").flops ==
          find(s.model, "1.first").flops + own + (marked ? products : 0));
    CHECK(s.model.flops == find(s.model, "1.first").flops + own + products);
    CHECK(s.model.output == eg::Shape{2, 5});
    CHECK(!find(s.model, "1.unused").ran);
    CHECK(find(s.model, "1.unused").trained == 9);
  }
}

TEST_CASE("summary: an input of indices, and parameters that are frozen") {
  eg::Generator rng(1);
  nn::Embedding<float> table({.count = 10, .dim = 4}, rng);
  for (auto& [name, x] : table.named_parameters()) {
    Tensor<float> parameter = x;
    parameter.set_requires_grad(false);
  }
  struct Model : nn::Module<float> {
    Model(nn::Embedding<float> table, eg::Generator& rng)
        : Module("Model"),
          table_(add("table", std::move(table))),
          head_(add("head", nn::Linear<float>({.in_features = 4, .out_features = 2}, rng))) {}
    Tensor<float> operator()(const NdArray<Index>& x) const { return head_(table_(x)); }
    nn::Embedding<float> table_;
    nn::Linear<float> head_;
  };
  const eg::inspect::ModelSummary s =
      eg::inspect::summarize(Model(table, rng), NdArray<Index>({3}, {1, 2, 9}));
  CHECK(s.batch == 3);
  CHECK(s.model.trained == 10);
  CHECK(s.model.not_trained == 40);
  CHECK(find(s.model, "table").output == eg::Shape{3, 4});
  CHECK(find(s.model, "head").output == eg::Shape{3, 2});
  CHECK(s.step_flops == 2. * 2 * 3 * 4 * 2);  // forward, and the gradient of the head's weight
  CHECK(s.table().find("10 parameters are trained, 40 numbers are not\n") != std::string::npos);
}

TEST_CASE("summary: a forgotten layer is named") {
  struct Forgetful : nn::Module<float> {
    explicit Forgetful(eg::Generator& rng)
        : Module("Forgetful"), a(add("a", nn::Linear<float>({4, 4}, rng))), b({4, 2, false}, rng) {}
    Tensor<float> operator()(const Tensor<float>& x) const { return b(a(x)); }
    nn::Linear<float> a, b;
  };
  eg::Generator rng(1);
  CHECK_ERROR(
      eg::inspect::summarize(Forgetful(rng), Tensor<float>::ones({2, 4}, true)), eg::StateError,
      "[check_registered] what the loss trains must be a parameter of Forgetful: (2, 4), input 1 "
      "of linear, after a.weight; add its layer with add(), or the tensor with add_parameter(), "
      "else no optimiser sees it");
}

TEST_CASE("summary: without a run, the parameters") {
  const eg::inspect::ModelSummary s = eg::inspect::summarize(Tree());
  CHECK(s.batch == 0);
  CHECK(s.model.trained == 1001006);
  CHECK(s.table() ==
        "layer    type  parameters                            count\n"
        "         Tree                                    1,001,006\n"
        "  large  Leaf  weight (1000, 1000), bias (1000)  1,001,000\n"
        "  small  Leaf  weight (2, 2), bias (2)                   6\n"
        "1,001,006 parameters are trained\n");
  CHECK(eg::inspect::summarize(Leaf(0)).table() ==
        "layer  type  parameters  count\n"
        "       Leaf                  0\n"
        "0 parameters are trained\n");
  const auto rows = s.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[1] == std::vector<std::string>{"  large", "Leaf", "weight (1000, 1000), bias (1000)",
                                            "1,001,000"});
}

TEST_CASE("summary: an empty batch") {
  eg::Generator rng(1);
  const nn::Linear<float> layer({.in_features = 3, .out_features = 2}, rng);
  CHECK_ERROR(eg::inspect::summarize(layer, Tensor<float>::zeros({0, 3})), eg::ShapeError,
              "[summarize] needs a batch: input (0, 3)");
}
