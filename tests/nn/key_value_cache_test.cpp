// SPDX-License-Identifier: MIT
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/transformer.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/slice.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;
namespace nn = eg::nn;

namespace {

template <class T>
Tensor<T> tokens(const Tensor<T>& x, Index first, Index count) {
  return eg::narrow(x, 1, first, count);
}

/// Rotary positions of `count` tokens, for heads `width` wide.
NdArray<double> rotary(Index count, Index width) {
  NdArray<double> out({count, width});
  for (Index t = 0; t < count; ++t) {
    for (Index i = 0; i < width / 2; ++i) {
      out(t, i) = std::cos(0.3 * static_cast<double>(t * (i + 1)));
      out(t, i + width / 2) = std::sin(0.3 * static_cast<double>(t * (i + 1)));
    }
  }
  return out;
}

const nn::TransformerLayerOptions kLayer = {.dim = 8, .heads = 2, .mlp_ratio = 2};

}  // namespace

TEST_CASE("key_value_cache: rows, truncation and order") {
  nn::KeyValueCache<double> cache(3);
  CHECK(cache.size() == 0);
  CHECK(cache.capacity() == 3);
  CHECK_FALSE(cache.rows().defined());
  cache.append(NdArray<double>({2, 2, 1}, {1, 2, 3, 4}));
  cache.append(NdArray<double>({2, 1, 1}, {5, 6}));
  CHECK(cache.size() == 3);
  CHECK_SAME(cache.rows(), NdArray<double>({2, 3, 1}, {1, 2, 5, 3, 4, 6}));
  cache.truncate(1);
  cache.append(NdArray<double>({2, 2, 1}, {7, 8, 9, 10}));
  CHECK_SAME(cache.rows(), NdArray<double>({2, 3, 1}, {1, 7, 8, 3, 9, 10}));
  cache.reorder(NdArray<Index>({3}, {1, 1, 0}));
  CHECK_SAME(cache.rows(), NdArray<double>({3, 3, 1}, {3, 9, 10, 3, 9, 10, 1, 7, 8}));
}

TEMPLATE_TEST_CASE("key_value_cache: token by token is the causal pass", "", float, double) {
  using T = TestType;
  eg::Generator rng(1);
  const eg::NoGrad no_grad;
  for (const bool pre : {true, false}) {
    for (const Index batch : {1, 3}) {
      nn::TransformerLayerOptions layer = kLayer;
      layer.norm_first = pre;
      const nn::TransformerEncoder<T> encoder({.layer = layer, .depth = 2}, rng);
      const Tensor<T> x(test::random<T>({batch, 9, 8}, 1));
      const NdArray<T> all = encoder(x, {.causal = true}).value();
      // One by one, in parts, and again after a part is forgotten.
      for (const std::vector<Index>& parts :
           {std::vector<Index>(9, 1), std::vector<Index>{4, 1, 3, 1}, std::vector<Index>{9}}) {
        nn::TransformerCache<T> cache(9);
        Index seen = 0;
        for (const Index count : parts) {
          const Tensor<T> y = encoder(tokens(x, seen, count), cache);
          CHECK_CLOSE(y.value(), tokens(Tensor<T>(all), seen, count).value(),
                      sizeof(T) == 4 ? 1e-5 : 1e-13);
          seen += count;
          CHECK(cache.size() == seen);
        }
        cache.truncate(2);
        CHECK_CLOSE(encoder(tokens(x, 2, 3), cache).value(), tokens(Tensor<T>(all), 2, 3).value(),
                    sizeof(T) == 4 ? 1e-5 : 1e-13);
        cache.clear();
        CHECK_CLOSE(encoder(tokens(x, 0, 2), cache).value(), tokens(Tensor<T>(all), 0, 2).value(),
                    sizeof(T) == 4 ? 1e-5 : 1e-13);
      }
    }
  }
}

TEST_CASE("key_value_cache: masks, rotary positions and learned scales") {
  eg::Generator rng(1);
  const eg::NoGrad no_grad;
  const Tensor<double> x(test::random({2, 5, 8}, 1));
  const NdArray<double> table = rotary(5, 4);
  NdArray<bool> attend({2, 5}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1});  // padding in front
  for (const bool locality : {false, true}) {
    nn::TransformerLayerOptions options = kLayer;
    options.locality = locality;
    const nn::TransformerEncoderLayer<double> layer(options, rng);
    const NdArray<double> all =
        layer(x, {.causal = true, .key_padding_mask = attend, .rotary = table}).value();
    nn::KeyValueCache<double> cache(8);
    for (Index t = 0; t < 5; ++t) {
      const NdArray<double> so_far =
          tokens(Tensor<double>(table.reshape({1, 5, 4})), 0, t + 1).value().reshape({t + 1, 4});
      NdArray<bool> mask({2, t + 1});
      for (Index b = 0; b < 2; ++b) {
        for (Index j = 0; j <= t; ++j) mask(b, j) = attend(b, j);
      }
      CHECK_CLOSE(
          layer(tokens(x, t, 1), cache, {.key_padding_mask = mask, .rotary = so_far}).value(),
          tokens(Tensor<double>(all), t, 1).value(), 1e-13);
    }
  }
}

TEST_CASE("key_value_cache: a decoder remembers its memory") {
  eg::Generator rng(1);
  const eg::NoGrad no_grad;
  const nn::TransformerDecoder<double> decoder({.layer = kLayer, .depth = 2}, rng);
  const Tensor<double> x(test::random({2, 6, 8}, 1)), memory(test::random({2, 3, 8}, 2));
  const NdArray<bool> attend({2, 3}, {1, 1, 0, 1, 1, 1});
  const nn::DecoderArguments<double> arguments{.cross = {.key_padding_mask = attend}};
  const NdArray<double> all = decoder(x, memory, arguments).value();
  nn::TransformerCache<double> cache = decoder.cache(memory, 6);
  for (Index t = 0; t < 3; ++t) {
    CHECK_CLOSE(decoder(tokens(x, t, 1), cache, arguments).value(),
                tokens(Tensor<double>(all), t, 1).value(), 1e-13);
  }
  // The sequences change places, and one of them goes on twice.
  const NdArray<Index> order({3}, {1, 0, 1});
  cache.reorder(order);
  const auto pick = [&](const Tensor<double>& t) { return eg::index_select(t, 0, order); };
  const NdArray<bool> mask({3, 3}, {1, 1, 1, 1, 1, 0, 1, 1, 1});
  CHECK_CLOSE(decoder(pick(tokens(x, 3, 3)), cache, {.cross = {.key_padding_mask = mask}}).value(),
              pick(tokens(Tensor<double>(all), 3, 3)).value(), 1e-13);
}

TEST_CASE("key_value_cache: the same bits on any number of threads") {
  eg::Generator rng(1);
  const eg::NoGrad no_grad;
  const nn::TransformerEncoder<float> encoder({.layer = {.dim = 64, .heads = 4}, .depth = 2}, rng);
  const Tensor<float> x(test::random<float>({3, 70, 64}, 1));
  test::check_threads([&] {
    nn::TransformerCache<float> cache(70);
    const NdArray<float> first = encoder(tokens(x, 0, 69), cache).value();
    return std::vector{first, encoder(tokens(x, 69, 1), cache).value()};
  });
}

TEST_CASE("key_value_cache: error") {
  CHECK_ERROR(nn::KeyValueCache<float>(0), eg::ValueError,
              "[key_value_cache] capacity must be positive: 0");
  CHECK_ERROR(nn::TransformerCache<float>(-1), eg::ValueError,
              "[key_value_cache] capacity must be positive: -1");
  nn::KeyValueCache<float> rows(4);
  rows.append(NdArray<float>::zeros({2, 3, 6}));
  CHECK_ERROR(rows.append(NdArray<float>::zeros({2, 2, 6})), eg::ValueError,
              "[key_value_cache] is full: capacity 4, size 3, new tokens 2");
  CHECK_ERROR(rows.append(NdArray<float>::zeros({1, 1, 6})), eg::ShapeError,
              "[key_value_cache] new rows must be (2, T, 6): (1, 1, 6)");
  CHECK_ERROR(rows.truncate(4), eg::ValueError, "[key_value_cache] size must be in [0, 3]: 4");
  CHECK_ERROR(rows.reorder(NdArray<Index>({1}, {2})), eg::ValueError,
              "[key_value_cache] sequence 2 must be in [0, 2)");

  eg::Generator rng(1);
  const nn::TransformerEncoder<double> encoder({.layer = kLayer, .depth = 2}, rng);
  const Tensor<double> x(test::random({1, 3, 8}, 1));
  nn::TransformerCache<double> cache(4);
  CHECK_ERROR(encoder(x, cache), eg::ValueError,
              "[attention] a cache is for inference: call it in the scope of a NoGrad");
  const eg::NoGrad no_grad;
  CHECK(encoder(x, cache).shape() == x.shape());
  // What fails leaves the cache as it was.
  const NdArray<double> next = encoder(tokens(x, 0, 1), cache).value();
  cache.truncate(3);
  CHECK_ERROR(encoder(x, cache), eg::ValueError,
              "[key_value_cache] is full: capacity 4, size 3, new tokens 3");
  CHECK_ERROR(encoder(tokens(x, 0, 1), cache, {.key_padding_mask = NdArray<bool>({1, 1}, {1})}),
              eg::ShapeError,
              "[cached_attention] key_padding_mask must be (B, Tk): key_padding_mask (1, 1), (B, "
              "Tk) (1, 4)");
  CHECK(cache.size() == 3);
  CHECK_SAME(encoder(tokens(x, 0, 1), cache).value(), next);

  const nn::TransformerDecoder<double> decoder({.layer = kLayer, .depth = 1}, rng);
  nn::TransformerCache<double> empty(4);
  CHECK_ERROR(decoder(x, empty), eg::ValueError,
              "[transformer_decoder] the cache has no memory: make it with decoder.cache(memory, "
              "capacity)");
}

TEST_CASE("cached_attention: error") {
  const Tensor<float> q = Tensor<float>::zeros({1, 1, 4});
  const NdArray<float> kv = NdArray<float>::zeros({1, 3, 8});
  CHECK_ERROR(eg::cached_attention(q, kv, 4, 2), eg::ValueError,
              "[cached_attention] keys must be in [0, 3]: 4");
  CHECK_ERROR(eg::cached_attention(q, NdArray<float>::zeros({2, 3, 8}), 3, 2), eg::ShapeError,
              "[cached_attention] must be q (B, Tq, H D), kv (B, capacity, 2 H D): q (1, 1, 4), kv "
              "(2, 3, 8)");
  CHECK_ERROR(eg::cached_attention(Tensor<float>(NdArray<float>::zeros({1, 1, 4}), true), kv, 3, 2),
              eg::ValueError,
              "[cached_attention] has no gradient; call it in the scope of a NoGrad");
}
