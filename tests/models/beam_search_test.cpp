// SPDX-License-Identifier: MIT
#include <eigengrad/models/beam_search.hpp>
#include <eigengrad/models/language_model.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;

namespace {

using Tokens = std::vector<Index>;
const double kNone = -std::numeric_limits<double>::infinity();

/// A language of words whose next token depends on the last one alone: table[last][next] is its
/// probability. Token 0 is the start, 3 the end.
auto chain(std::vector<std::vector<double>> table) {
  return [table](const NdArray<Index>& tokens, const NdArray<Index>&) {
    const auto width = static_cast<Index>(table[0].size());
    NdArray<double> logits({tokens.numel(), width});
    for (Index i = 0; i < tokens.numel(); ++i) {
      for (Index k = 0; k < width; ++k) {
        logits(i, k) =
            std::log(table[static_cast<std::size_t>(tokens(i))][static_cast<std::size_t>(k)]);
      }
    }
    return Tensor<double>(logits);
  };
}

/// After the start 1 is likelier than 2, but 2 is certain to end, and after 1 all is open.
const std::vector<std::vector<double>> kTrap = {
    {0, 0.6, 0.4, 0}, {0, 0.25, 0.4, 0.35}, {0, 0, 0, 1}, {0, 0, 0, 1}};

constexpr Index kStart = 1, kEnd = 2;

/// Weights large enough that its choices differ from place to place.
models::Seq2SeqTransformer<double> small_model(double dropout = 0) {
  eg::Generator rng(4);
  models::Seq2SeqTransformer<double> model({.source_vocabulary = 6,
                                            .target_vocabulary = 5,
                                            .dim = 8,
                                            .encoder_depth = 1,
                                            .decoder_depth = 2,
                                            .layer = {.heads = 2},
                                            .dropout = dropout,
                                            .max_length = 4,
                                            .padding = 0},
                                           rng);
  for (Tensor<double> p : model.parameters()) {
    if (p.value().rank() == 2) p.mutable_value().array() *= 2;
  }
  return model;
}

const NdArray<Index> kSource({3, 4}, {3, 1, 4, 0, 2, 5, 5, 1, 4, 0, 0, 0});

/// The probability of a target by a full pass, its end too if it has ended.
double log_probability(const models::Seq2SeqTransformer<double>& model,
                       const NdArray<Index>& source, const Tokens& tokens, bool ended) {
  const eg::NoGrad no_grad;
  Tokens input = tokens;
  input.insert(input.begin(), kStart);
  Tokens labels = tokens;
  if (ended) labels.push_back(kEnd);
  input.resize(labels.size());
  const auto n = static_cast<Index>(input.size());
  const NdArray<double> logs =
      eg::log_softmax(model(source, NdArray<Index>({1, n}, input))).value();
  double sum = 0;
  for (Index t = 0; t < n; ++t) sum += logs(0, t, labels[static_cast<std::size_t>(t)]);
  return sum;
}

/// All targets of up to four tokens, the end included.
std::vector<models::Hypothesis> all_targets(const models::Seq2SeqTransformer<double>& model,
                                            const NdArray<Index>& source, double penalty) {
  std::vector<models::Hypothesis> out;
  const auto add = [&](const Tokens& tokens, bool ended) {
    const double p = log_probability(model, source, tokens, ended);
    const auto length = double(tokens.size()) + (ended ? 1 : 0);
    out.push_back({tokens, p, p / std::pow((5 + length) / 6, penalty), ended});
  };
  std::vector<Tokens> open = {{}};
  while (!open.empty()) {
    const Tokens tokens = open.back();
    open.pop_back();
    if (tokens.size() == 4) {
      add(tokens, false);
      continue;
    }
    add(tokens, true);
    for (const Index token : {0, 1, 3, 4}) {
      open.push_back(tokens);
      open.back().push_back(token);
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return out;
}

NdArray<Index> source_of(Index i) { return kSource.matrix().row(i).eval().reshaped(1, 4); }

}  // namespace

TEST_CASE("beam_search: what is less likely at first can be more likely as a whole") {
  const auto greedy =
      models::greedy_search(chain(kTrap), 1, {.max_length = 9, .start = 0, .end = 3});
  REQUIRE(greedy.size() == 1);
  CHECK(greedy[0].tokens == Tokens{1, 2});
  CHECK(greedy[0].ended);
  CHECK(std::exp(greedy[0].log_probability) == Approx(0.24));

  const auto found =
      models::beam_search(chain(kTrap), 1, {.beams = 3, .max_length = 9, .start = 0, .end = 3});
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == 3);
  CHECK(found[0][0].tokens == Tokens{2});
  CHECK(std::exp(found[0][0].log_probability) == Approx(0.4));
  CHECK(found[0][0].score == found[0][0].log_probability);
  CHECK(found[0][1].tokens == Tokens{1, 2});
  CHECK(found[0][2].tokens == Tokens{1});
  CHECK(std::exp(found[0][2].log_probability) == Approx(0.21));
}

TEST_CASE("beam_search: the length penalty prefers longer ones") {
  // With exponent 4 the scores are ln 0.4 / (7 / 6)^4 = -0.495 for {2}, of two tokens with the end,
  // and ln 0.24 / (8 / 6)^4 = -0.452 for {1, 2}, of three.
  const auto found = models::beam_search(
      chain(kTrap), 1, {.beams = 2, .max_length = 3, .length_penalty = 4, .start = 0, .end = 3});
  CHECK(found[0][0].tokens == Tokens{1, 2});
  CHECK(found[0][0].score == Approx(std::log(0.24) * std::pow(6. / 8, 4)));
  CHECK(found[0][1].tokens == Tokens{2});
  CHECK(found[0][1].score == Approx(std::log(0.4) * std::pow(6. / 7, 4)));
}

TEST_CASE("beam_search: impossible tokens are no candidates") {
  // Only 1 1 1 ... is possible.
  const auto found = models::beam_search(chain({{0, 1}, {0, 1}}), 2,
                                         {.beams = 3, .max_length = 3, .start = 0, .end = 0});
  REQUIRE(found.size() == 2);
  for (const auto& each : found) {
    REQUIRE(each.size() == 1);
    CHECK(each[0].tokens == Tokens{1, 1, 1});
    CHECK_FALSE(each[0].ended);
    CHECK(each[0].log_probability == 0);
  }
}

TEST_CASE("beam_search: a wide beam finds the most probable targets") {
  const auto model = small_model();
  for (const double penalty : {0., 1.5}) {
    // 1 + 4 + 16 + 64 targets that end, 256 that are cut off.
    const auto found = models::beam_search(
        model, kSource, {.beams = 341, .length_penalty = penalty, .start = kStart, .end = kEnd});
    REQUIRE(found.size() == 3);
    for (Index i = 0; i < 3; ++i) {
      const auto expected = all_targets(model, source_of(i), penalty);
      const auto& of_source = found[static_cast<std::size_t>(i)];
      REQUIRE(expected.size() == 341);
      REQUIRE(of_source.size() == 341);
      for (std::size_t k = 0; k < 341; ++k) {
        CHECK(of_source[k].tokens == expected[k].tokens);
        CHECK(of_source[k].ended == expected[k].ended);
        CHECK(of_source[k].log_probability == Approx(expected[k].log_probability));
        CHECK(of_source[k].score == Approx(expected[k].score));
      }
    }
  }
}

TEST_CASE("beam_search: one beam is the greedy search") {
  const auto model = small_model();
  for (const double penalty : {0., 0.6}) {
    const auto found = models::beam_search(
        model, kSource, {.beams = 1, .length_penalty = penalty, .start = kStart, .end = kEnd});
    const auto greedy = models::greedy_search(model, kSource, {.start = kStart, .end = kEnd});
    REQUIRE(found.size() == 3);
    REQUIRE(greedy.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      REQUIRE(found[i].size() == 1);
      CHECK(found[i][0].tokens == greedy[i].tokens);
      CHECK(found[i][0].ended == greedy[i].ended);
      CHECK(found[i][0].log_probability == Approx(greedy[i].log_probability));
    }
  }
}

TEST_CASE("greedy_search: takes the likeliest token of a full pass") {
  const auto model = small_model();
  const auto found = models::greedy_search(model, kSource, {.start = kStart, .end = kEnd});
  const eg::NoGrad no_grad;
  for (Index i = 0; i < 3; ++i) {
    Tokens tokens = {kStart};
    while (tokens.size() < 5) {
      const auto n = static_cast<Index>(tokens.size());
      const NdArray<double> logits = model(source_of(i), NdArray<Index>({1, n}, tokens)).value();
      Index best = 0;
      (void)logits.matrix().row(n - 1).maxCoeff(&best);
      if (best == kEnd) break;
      tokens.push_back(best);
    }
    const auto& target = found[static_cast<std::size_t>(i)];
    CHECK(target.tokens == Tokens(tokens.begin() + 1, tokens.end()));
    CHECK(target.log_probability ==
          Approx(log_probability(model, source_of(i), target.tokens, target.ended)));
  }
}

TEST_CASE("beam_search: sources of a batch do not know of each other") {
  const auto model = small_model();
  const models::BeamSearchArguments arguments{.beams = 3, .start = kStart, .end = kEnd};
  const auto all = models::beam_search(model, kSource, arguments);
  for (Index i = 0; i < 3; ++i) {
    const auto alone = models::beam_search(model, source_of(i), arguments)[0];
    const auto& together = all[static_cast<std::size_t>(i)];
    REQUIRE(alone.size() == together.size());
    for (std::size_t k = 0; k < alone.size(); ++k) {
      CHECK(alone[k].tokens == together[k].tokens);
      CHECK(alone[k].log_probability == Approx(together[k].log_probability));
    }
  }
  CHECK(models::beam_search(chain(kTrap), 0, {.max_length = 1}).empty());
}

TEST_CASE("beam_search: any decoder will do, a language model too") {
  eg::Generator rng(1);
  const models::LanguageModel<double> model({.vocabulary = 5,
                                             .context = 4,
                                             .dim = 8,
                                             .depth = 1,
                                             .layer = {.heads = 2},
                                             .init_stddev = 1},
                                            rng);
  const eg::NoGrad no_grad;
  auto cache = model.cache();
  const auto next_logits = [&](const NdArray<Index>& tokens, const NdArray<Index>& parents) {
    cache.reorder(parents);
    return model.next_logits(tokens.reshape({-1, 1}), cache);
  };
  const auto found = models::beam_search(
      next_logits, 1, {.beams = 200, .max_length = 2, .start = kStart, .end = kEnd});
  // One target that ends at once, and 4 * 5 of two tokens, the end among them.
  REQUIRE(found[0].size() == 21);
  double total = 0;
  for (const auto& each : found[0]) total += std::exp(each.log_probability);
  CHECK(total == Approx(1));
  const auto& best = found[0][0];
  REQUIRE(best.tokens.size() == 2);
  const NdArray<double> logs =
      eg::log_softmax(model(NdArray<Index>({1, 2}, {kStart, best.tokens[0]}))).value();
  CHECK(best.log_probability == Approx(logs(0, 0, best.tokens[0]) + logs(0, 1, best.tokens[1])));
}

TEST_CASE("beam_search: the model is in evaluation mode meanwhile") {
  const auto model = small_model(0.5);
  const models::BeamSearchArguments arguments{.beams = 2, .start = kStart, .end = kEnd};
  const auto one = models::beam_search(model, kSource, arguments);
  const auto two = models::beam_search(small_model(), kSource, arguments);
  CHECK(one[0][0].log_probability == two[0][0].log_probability);
  CHECK(model.training());
  const auto greedy = models::greedy_search(model, kSource, {.start = kStart, .end = kEnd});
  CHECK(greedy[0].log_probability ==
        models::greedy_search(small_model(), kSource, {.start = kStart, .end = kEnd})[0]
            .log_probability);
}

TEST_CASE("beam_search: the same bits on any number of threads") {
  const auto model = small_model();
  test::check_threads([&] {
    const auto found =
        models::beam_search(model, kSource, {.beams = 5, .start = kStart, .end = kEnd});
    NdArray<double> scores({3, 5});
    for (Index i = 0; i < 15; ++i) {
      scores(i / 5, i % 5) =
          found[static_cast<std::size_t>(i / 5)][static_cast<std::size_t>(i % 5)].score;
    }
    return std::vector{scores};
  });
}

TEST_CASE("beam_search: error") {
  const auto logits = [](double value, const eg::Shape& shape) {
    return [=](const NdArray<Index>&, const NdArray<Index>&) {
      return Tensor<double>(NdArray<double>::full(shape, value));
    };
  };
  const models::BeamSearchArguments beams{.max_length = 3, .start = 0, .end = 1};
  const models::GreedySearchArguments greedy{.max_length = 3, .start = 0, .end = 1};
  CHECK_ERROR(models::beam_search(logits(0, {1, 2}), 1, {.beams = 0, .max_length = 3}),
              eg::ValueError, "[beam_search] beams must be positive: 0");
  CHECK_ERROR(models::beam_search(logits(0, {1, 2}), 1, {}), eg::ValueError,
              "[beam_search] max_length must be positive: 0");
  CHECK_ERROR(models::greedy_search(logits(0, {1, 2}), -1, greedy), eg::ValueError,
              "[greedy_search] sequences must not be negative: -1");
  CHECK_ERROR(models::greedy_search(logits(0, {1, 2}), 2, greedy), eg::ShapeError,
              "[greedy_search] next_logits must give (R, V) for R tokens: logits (1, 2), R 2");
  CHECK_ERROR(models::beam_search(logits(0, {1, 1}), 1, beams), eg::ValueError,
              "[beam_search] end must be a token: end 1, tokens 1");
  CHECK_ERROR(models::beam_search(logits(kNone, {1, 2}), 1, beams), eg::ValueError,
              "[beam_search] the logits are not numbers");
  CHECK_ERROR(models::greedy_search(logits(std::nan(""), {1, 2}), 1, greedy), eg::ValueError,
              "[greedy_search] the logits are not numbers");
  CHECK_ERROR(
      models::greedy_search(small_model(), kSource, {.max_length = 5, .start = 4, .end = 2}),
      eg::ValueError,
      "[seq2seq_transformer] the target would be longer than max_length: max_length 4, "
      "tokens in the cache 4, new tokens 1");
}
