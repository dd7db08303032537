// SPDX-License-Identifier: MIT
#include <eigengrad/models/seq2seq_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/optim/adam.hpp>
#include <tests/nn/module_reference.hpp>
#include <tests/nn/parameter_gradient.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;

namespace {

/// The reference's sizes.
models::Seq2SeqTransformerOptions tiny(bool pre = true) {
  return {.source_vocabulary = 9,
          .target_vocabulary = 7,
          .dim = 12,
          .encoder_depth = 1,
          .decoder_depth = 2,
          .layer = {.heads = 3,
                    .mlp_ratio = 2,
                    .activation = pre ? eg::Activation::kGelu : eg::Activation::kRelu,
                    .norm_first = pre},
          .max_length = 6,
          .padding = 0,
          .tie_weights = pre};
}

template <class T = double>
models::Seq2SeqTransformer<T> model_of(const models::Seq2SeqTransformerOptions& options) {
  eg::Generator rng(1);
  return models::Seq2SeqTransformer<T>(options, rng);
}

/// Two sources, of which the second is shorter, and targets.
const NdArray<Index> kSource({2, 5}, {3, 8, 1, 4, 4, 5, 2, 0, 0, 0});
const NdArray<Index> kTarget({2, 6}, {1, 5, 6, 2, 3, 3, 1, 2, 4, 6, 5, 3});

NdArray<Index> columns(const NdArray<Index>& tokens, Index begin, Index count) {
  return tokens.matrix().middleCols(begin, count);
}

/// The mean over all labels but 0.
template <class T>
Tensor<T> loss_of(const Tensor<T>& logits, const NdArray<Index>& labels) {
  NdArray<T> weights(eg::Shape{labels.numel()});
  Index count = 0;
  for (const Index label : labels) count += label != 0;
  for (Index i = 0; i < labels.numel(); ++i) {
    weights(i) = labels.data()[i] == 0 ? T(0) : T(1) / static_cast<T>(count);
  }
  const Tensor<T> losses = eg::cross_entropy(eg::flatten(logits, 0, 1), labels.reshape({-1}),
                                             {.reduction = eg::Reduction::kNone});
  return eg::sum(losses * Tensor<T>(weights));
}

}  // namespace

TEST_CASE("seq2seq_transformer: parameters") {
  const auto names = test::names(model_of(tiny()).named_parameters());
  CHECK(test::Names(names.begin(), names.begin() + 3) ==
        test::Names{"source_embedding.weight", "target_embedding.weight",
                    "transformer.encoder.layers.0.norm1.weight"});
  CHECK(names.back() == "transformer.decoder.norm.bias");
  const auto untied = model_of(tiny(false)).state_dict();
  CHECK(untied.at("head.weight").shape() == eg::Shape{7, 12});
  CHECK(untied.count("head.bias") == 0);
  CHECK(untied.at("source_embedding.weight").shape() == eg::Shape{9, 12});
}

TEST_CASE("seq2seq_transformer: tokens begin with a variance of 1") {
  auto options = tiny();
  options.source_vocabulary = 500;
  options.dim = 48;
  const auto weight = model_of(options).source_embedding().weight().value().array().eval();
  CHECK(std::sqrt(weight.square().mean() * 48) == Approx(1).epsilon(0.03));
}

TEMPLATE_TEST_CASE("seq2seq_transformer: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("seq2seq");
  const auto source = reference.get<Index>("source");
  const auto target = reference.get<Index>("target");
  for (const std::string name : {"pre", "post"}) {
    INFO(name);
    const auto model = model_of<T>(tiny(name == "pre"));
    test::load_reference(reference, name, model);
    const Tensor<T> logits = model(source, target);
    CHECK_CLOSE(logits.value(), reference.get<T>(name + "/output"), test::model_tolerance<T>());
    const Tensor<T> loss = loss_of(logits, reference.get<Index>("labels"));
    CHECK_CLOSE(loss.value(), reference.get<T>(name + "/loss"), test::model_tolerance<T>());
    loss.backward();
    CHECK(test::gradient_difference(reference, name, model) == "");
  }
}

TEST_CASE("seq2seq_transformer: padding changes nothing") {
  const auto model = model_of(tiny());
  const NdArray<double> padded = model(kSource, kTarget).value();
  const NdArray<double> alone =
      model(NdArray<Index>({1, 2}, {5, 2}), NdArray<Index>({1, 6}, {1, 2, 4, 6, 5, 3})).value();
  CHECK_CLOSE(NdArray<double>(padded.matrix().bottomRows(6)), NdArray<double>(alone.matrix()),
              1e-13);
  // Without a padding token, 0 is a token as any other.
  auto options = tiny();
  options.padding = std::nullopt;
  const auto other = model_of(options);
  other.load_state_dict(model.state_dict());
  CHECK_FALSE(other.encode(kSource).attend.defined());
  const NdArray<double> seen = other(kSource, kTarget).value();
  CHECK_CLOSE(NdArray<double>(seen.matrix().topRows(6)),
              NdArray<double>(padded.matrix().topRows(6)), 1e-13);
  CHECK((seen.matrix() - padded.matrix()).bottomRows(6).cwiseAbs().maxCoeff() > 1e-3);
}

TEST_CASE("seq2seq_transformer: no token sees a later one, and all see the source") {
  const auto model = model_of(tiny());
  const NdArray<double> before = model(kSource, kTarget).value();
  NdArray<Index> target = kTarget.clone();
  target(0, 3) = 4;
  const NdArray<double> after = model(kSource, target).value();
  CHECK((before.matrix() - after.matrix()).topRows(3).cwiseAbs().maxCoeff() == 0);
  for (Index t = 3; t < 6; ++t) {
    CHECK((before.matrix().row(t) - after.matrix().row(t)).cwiseAbs().maxCoeff() > 1e-3);
  }
  NdArray<Index> source = kSource.clone();
  source(0, 4) = 7;
  const NdArray<double> another = model(source, kTarget).value();
  for (Index t = 0; t < 6; ++t) {
    CHECK((before.matrix().row(t) - another.matrix().row(t)).cwiseAbs().maxCoeff() > 1e-4);
  }
}

TEMPLATE_TEST_CASE("seq2seq_transformer: a cache gives the logits of the full pass", "", float,
                   double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const bool pre : {true, false}) {
    const auto model = model_of<T>(tiny(pre));
    const eg::NoGrad no_grad;
    const NdArray<T> full = model(kSource, kTarget).value();
    const auto source = model.encode(kSource);
    CHECK_SAME(model.decode(kTarget, source).value(), full);
    for (const std::vector<Index>& parts :
         {std::vector<Index>{1, 3, 1, 1}, std::vector<Index>{6}, std::vector<Index>{2, 4}}) {
      auto cache = model.cache(source);
      CHECK(cache.capacity() == 6);
      Index begin = 0;
      for (const Index count : parts) {
        const NdArray<T> logits = model.decode(columns(kTarget, begin, count), cache).value();
        REQUIRE(logits.shape() == eg::Shape{2, count, 7});
        for (Index b = 0; b < 2; ++b) {
          CHECK_CLOSE(NdArray<T>(logits.matrix().middleRows(b * count, count)),
                      NdArray<T>(full.matrix().middleRows(b * 6 + begin, count)), tolerance);
        }
        begin += count;
        CHECK(cache.size() == begin);
      }
      cache.clear();
      CHECK(cache.size() == 0);
      const NdArray<T> next = model.next_logits(columns(kTarget, 0, 5), cache).value();
      REQUIRE(next.shape() == eg::Shape{2, 7});
      CHECK_CLOSE(NdArray<T>(next.matrix().row(1)), NdArray<T>(full.matrix().row(10)), tolerance);
    }
  }
}

TEST_CASE("seq2seq_transformer: a cache's sequences change places with their sources") {
  const auto model = model_of(tiny());
  const eg::NoGrad no_grad;
  const NdArray<double> full = model(kSource, kTarget).value();
  auto cache = model.cache(model.encode(kSource));
  (void)model.decode(columns(kTarget, 0, 2), cache);
  cache.reorder(NdArray<Index>({3}, {1, 0, 1}));
  CHECK_SAME(cache.attend(), NdArray<bool>({3, 5}, {1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0}));
  // The third token of each.
  const NdArray<double> next = model.next_logits(NdArray<Index>({3, 1}, {4, 6, 4}), cache).value();
  CHECK_CLOSE(NdArray<double>(next.matrix().row(0)), NdArray<double>(full.matrix().row(8)), 1e-12);
  CHECK_CLOSE(NdArray<double>(next.matrix().row(1)), NdArray<double>(full.matrix().row(2)), 1e-12);
  CHECK_SAME(NdArray<double>(next.matrix().row(2)), NdArray<double>(next.matrix().row(0)));
}

TEST_CASE("seq2seq_transformer: dropout in training alone") {
  auto options = tiny();
  options.dropout = 0.3;
  const auto model = model_of(options);
  CHECK(test::difference(model(kSource, kTarget).value(), model(kSource, kTarget).value(), 0) !=
        "");
  model.eval();
  const auto plain = model_of(tiny());
  plain.load_state_dict(model.state_dict());
  CHECK_SAME(plain(kSource, kTarget).value(), model(kSource, kTarget).value());
}

TEST_CASE("seq2seq_transformer: learns pairs by heart") {
  const auto model = model_of<float>(tiny());
  const NdArray<Index> inputs({2, 3}, {1, 5, 6, 1, 4, 3}), labels({2, 3}, {5, 6, 2, 4, 3, 2});
  eg::optim::AdamW<float> adam(model.parameters(), {.lr = 0.02, .weight_decay = 0});
  double loss = 0;
  for (int step = 0; step < 100; ++step) {
    adam.zero_grad();
    const auto now = loss_of(model(kSource, inputs), labels);
    now.backward();
    adam.step();
    loss = double(now.item());
  }
  CHECK(loss < 0.02);
}

TEST_CASE("seq2seq_transformer: error") {
  const auto model = model_of(tiny());
  CHECK_ERROR(model(NdArray<Index>::zeros({1, 7}), columns(kTarget, 0, 1)), eg::ShapeError,
              "[seq2seq_transformer] source must be (B, T) with T from 1 to max_length: source (1, "
              "7), max_length 6");
  CHECK_ERROR(model(kSource, NdArray<Index>({2, 0})), eg::ShapeError,
              "[seq2seq_transformer] target must be (B, T) with T from 1 to max_length: target (2, "
              "0), max_length 6");
  CHECK_ERROR(
      model(kSource, NdArray<Index>::zeros({3, 2})), eg::ShapeError,
      "[cross_attention] must be q (B, Tq, H D), kv (B, Tk, 2 H D): q (3, 2, 12), kv (2, 5, "
      "24)");
  CHECK_THROWS_AS(model(kSource, NdArray<Index>({2, 1}, {1, 7})), eg::ValueError);

  const eg::NoGrad no_grad;
  auto cache = model.cache(model.encode(kSource));
  (void)model.decode(columns(kTarget, 0, 4), cache);
  CHECK_ERROR(model.decode(columns(kTarget, 0, 3), cache), eg::ValueError,
              "[seq2seq_transformer] the target would be longer than max_length: max_length 6, "
              "tokens in the cache 4, new tokens 3");
  CHECK(cache.size() == 4);

  const auto construct = [](auto change) {
    auto options = tiny();
    change(options);
    return model_of(options);
  };
  CHECK_ERROR(construct([](auto& o) { o.source_vocabulary = 0; }), eg::ValueError,
              "[seq2seq_transformer] source_vocabulary must be positive: 0");
  CHECK_ERROR(construct([](auto& o) { o.max_length = 0; }), eg::ValueError,
              "[seq2seq_transformer] max_length must be positive: 0");
  CHECK_ERROR(construct([](auto& o) { o.layer.dim = 8; }), eg::ValueError,
              "[seq2seq_transformer] layer.dim must be dim, or 0 to take it: layer.dim 8, dim 12");
  CHECK_ERROR(construct([](auto& o) { o.padding = 9; }), eg::ValueError,
              "[seq2seq_transformer] padding must be a token of the source: padding 9, "
              "source_vocabulary 9");
  CHECK_ERROR(construct([](auto& o) { o.dim = 9; }), eg::ValueError,
              "[sincos_1d] dim must be even and positive: dim 9");
  CHECK_ERROR(construct([](auto& o) { o.decoder_depth = -1; }), eg::ValueError,
              "[transformer_decoder] depth must not be negative: -1");
}
