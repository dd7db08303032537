// SPDX-License-Identifier: MIT
#include <eigengrad/models/generate.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace models = eg::models;

namespace {

constexpr Index kContext = 6;

/// Weights large enough that its choices differ from place to place.
models::LanguageModel<double> make_model(double dropout = 0) {
  eg::Generator rng(1);
  return models::LanguageModel<double>({.vocabulary = 11,
                                        .context = kContext,
                                        .dim = 12,
                                        .depth = 2,
                                        .layer = {.heads = 3},
                                        .dropout = dropout,
                                        .init_stddev = 1},
                                       rng);
}

NdArray<Index> generate(const models::LanguageModel<double>& model, const NdArray<Index>& prompt,
                        const models::GenerateArguments& arguments, std::uint64_t seed = 1) {
  eg::Generator rng(seed);
  return models::generate(model, prompt, arguments, rng);
}

/// What a program without a cache does: a full pass over the tokens in view for each new one.
NdArray<Index> greedy_by_full_passes(const models::LanguageModel<double>& model,
                                     const NdArray<Index>& prompt, Index count, Index keep) {
  std::vector<Index> tokens(prompt.begin(), prompt.end());
  std::size_t begin = tokens.size() > kContext ? tokens.size() - kContext : 0;
  for (Index i = 0; i < count; ++i) {
    if (tokens.size() - begin > kContext) begin = tokens.size() - static_cast<std::size_t>(keep);
    const auto seen = static_cast<Index>(tokens.size() - begin);
    const NdArray<Index> view(
        {1, seen}, std::span<const Index>(tokens.data() + begin, static_cast<std::size_t>(seen)));
    const NdArray<double> logits = model(view).value();
    Index best = 0;
    (void)logits.matrix().row(seen - 1).maxCoeff(&best);
    tokens.push_back(best);
  }
  return NdArray<Index>({1, static_cast<Index>(tokens.size())}, tokens);
}

}  // namespace

TEST_CASE("sample_next: the greatest, of equal ones the first") {
  eg::Generator rng(1);
  const Tensor<float> logits({2, 4}, {1, 3, 3, 2, 0, -1, 5, -2});
  CHECK_SAME(models::sample_next(logits, {.greedy = true}, rng), NdArray<Index>({2}, {1, 2}));
  CHECK(rng.state() == eg::Generator(1).state());
  for (int i = 0; i < 20; ++i) {
    CHECK_SAME(models::sample_next(logits, {.top_k = 1}, rng), NdArray<Index>({2}, {1, 2}));
  }
}

TEST_CASE("sample_next: shares follow softmax, temperature and top_k") {
  eg::Generator rng(5);
  const Tensor<double> logits({1, 4}, {std::log(1.), std::log(4.), std::log(2.), std::log(9.)});
  const int draws = 20000;
  const auto shares = [&](const models::SampleArguments& arguments) {
    NdArray<double> out = NdArray<double>::zeros({4});
    for (int i = 0; i < draws; ++i) {
      out(models::sample_next(logits, arguments, rng)(0)) += 1. / draws;
    }
    return out;
  };
  // The standard error of a share is at most 0.0035.
  CHECK_CLOSE(shares({}), NdArray<double>({4}, {1 / 16., 4 / 16., 2 / 16., 9 / 16.}), 0.012);
  CHECK_CLOSE(shares({.temperature = 0.5}),
              NdArray<double>({4}, {1 / 102., 16 / 102., 4 / 102., 81 / 102.}), 0.012);
  CHECK_CLOSE(shares({.top_k = 2}), NdArray<double>({4}, {0, 4 / 13., 0, 9 / 13.}), 0.012);
  CHECK_CLOSE(shares({.top_k = 9}), NdArray<double>({4}, {1 / 16., 4 / 16., 2 / 16., 9 / 16.}),
              0.012);
}

TEST_CASE("sample_next: edge") {
  eg::Generator rng(1);
  CHECK(models::sample_next(Tensor<float>({3, 1}, {5, 6, 7}), {}, rng).numel() == 3);
  // Neither large logits nor a tiny temperature leave the numbers.
  const Tensor<float> large({1, 3}, {-3e38f, 3e38f, 0});
  CHECK(models::sample_next(large, {}, rng)(0) == 1);
  CHECK(models::sample_next(Tensor<float>({1, 2}, {1, 2}), {.temperature = 1e-30}, rng)(0) == 1);
  const float none = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < 50; ++i) {
    CHECK(models::sample_next(Tensor<float>({1, 3}, {none, 0, none}), {}, rng)(0) == 1);
  }
}

TEST_CASE("generate: equal to full passes, beyond the context too") {
  const auto model = make_model();
  const NdArray<Index> prompt({1, 2}, {4, 7});
  const NdArray<Index> text = generate(model, prompt, {.count = 30, .sample = {.greedy = true}});
  CHECK_SAME(text, greedy_by_full_passes(model, prompt, 30, 3));
  CHECK(text(0, 0) == 4);
  CHECK(text(0, 1) == 7);
  // As nanoGPT, and the other extreme.
  for (const Index keep : {kContext, Index{1}}) {
    CHECK_SAME(generate(model, prompt, {.count = 30, .sample = {.greedy = true}, .keep = keep}),
               greedy_by_full_passes(model, prompt, 30, keep));
  }
  // A prompt longer than the context.
  const NdArray<Index> long_prompt({1, 9}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_SAME(generate(model, long_prompt, {.count = 10, .sample = {.greedy = true}}),
             greedy_by_full_passes(model, long_prompt, 10, 3));
}

TEST_CASE("generate: several sequences, each as if alone") {
  const auto model = make_model();
  const NdArray<Index> both = generate(model, NdArray<Index>({2, 2}, {4, 7, 1, 0}),
                                       {.count = 12, .sample = {.greedy = true}});
  for (Index b = 0; b < 2; ++b) {
    const NdArray<Index> prompt({1, 2}, {both(b, 0), both(b, 1)});
    const NdArray<Index> row = both.matrix().middleRows(b, 1);
    CHECK_SAME(generate(model, prompt, {.count = 12, .sample = {.greedy = true}}), row);
  }
}

TEST_CASE("generate: the seed decides, in evaluation mode") {
  const auto model = make_model(0.5);
  CHECK(model.training());
  const NdArray<Index> prompt({1, 1}, {3});
  const models::GenerateArguments arguments{.count = 40, .sample = {.temperature = 2}};
  CHECK_SAME(generate(model, prompt, arguments), generate(model, prompt, arguments));
  CHECK(test::difference(generate(model, prompt, arguments), generate(model, prompt, arguments, 2),
                         0) != "");
  CHECK(model.training());
  // top_k = 1 is greedy.
  CHECK_SAME(generate(model, prompt, {.count = 20, .sample = {.top_k = 1}}),
             generate(model, prompt, {.count = 20, .sample = {.greedy = true}}));
}

TEST_CASE("generate: each token is shown as it comes") {
  std::vector<Index> shown;
  const NdArray<Index> text = generate(make_model(), NdArray<Index>({1, 1}, {3}),
                                       {.count = 9, .on_token = [&](const NdArray<Index>& token) {
                                          REQUIRE(token.shape() == eg::Shape{1});
                                          shown.push_back(token(0));
                                        }});
  CHECK(shown == std::vector<Index>(text.begin() + 1, text.end()));
  CHECK_SAME(generate(make_model(), NdArray<Index>({1, 1}, {3}), {.count = 0}),
             NdArray<Index>({1, 1}, {3}));
}

TEST_CASE("generate: error") {
  const auto model = make_model();
  const NdArray<Index> prompt({1, 1}, {3});
  CHECK_ERROR(generate(model, prompt, {.count = 1, .sample = {.temperature = 0}}), eg::ValueError,
              "[sample_next] temperature must be above 0: 0; greedy takes the likeliest token");
  CHECK_ERROR(generate(model, prompt, {.count = 1, .sample = {.top_k = -1}}), eg::ValueError,
              "[sample_next] top_k must not be negative: -1");
  CHECK_ERROR(generate(model, NdArray<Index>({1, 0}), {.count = 1}), eg::ShapeError,
              "[generate] the prompt must be (B, T), T at least 1: (1, 0)");
  CHECK_ERROR(generate(model, NdArray<Index>({2}, {1, 2}), {.count = 1}), eg::ShapeError,
              "[generate] the prompt must be (B, T), T at least 1: (2)");
  CHECK_ERROR(generate(model, prompt, {.count = -1}), eg::ValueError,
              "[generate] count must not be negative: -1");
  CHECK_ERROR(generate(model, prompt, {.count = 1, .keep = 7}), eg::ValueError,
              "[generate] keep must be from 0 to the context: keep 7, context 6");
  eg::Generator rng(1);
  CHECK_THROWS_AS(models::sample_next(Tensor<double>({1, 2}, {1, std::nan("")}), {}, rng),
                  eg::ValueError);
  CHECK_ERROR(models::sample_next(Tensor<float>({2}, {1, 2}), {}, rng), eg::ShapeError,
              "[sample_next] logits must be (B, V): logits (2)");
}
