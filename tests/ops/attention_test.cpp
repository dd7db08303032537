// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/attention.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/softmax.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Attention written out with loops in double: what every form is compared with.
struct Plain {
  NdArray<double> out;  // (B, H, Tq, Dv)
  NdArray<double> p;    // (B, H, Tq, Tk)
};

template <class T, class Score>
Plain plain_attention(const NdArray<T>& q, const NdArray<T>& k, const NdArray<T>& v, double scale,
                      Score mask) {
  const Index batch = q.dim(0), heads = q.dim(1), queries = q.dim(2), keys = k.dim(2);
  Plain plain{NdArray<double>::zeros({batch, heads, queries, v.dim(3)}),
              NdArray<double>::zeros({batch, heads, queries, keys})};
  for (Index b = 0; b < batch; ++b) {
    for (Index h = 0; h < heads; ++h) {
      for (Index i = 0; i < queries; ++i) {
        double sum = 0;
        for (Index j = 0; j < keys; ++j) {
          double dot = 0;
          for (Index c = 0; c < q.dim(3); ++c) dot += double(q(b, h, i, c)) * double(k(b, h, j, c));
          plain.p(b, h, i, j) = std::exp(scale * dot + mask(b, h, i, j));
          sum += plain.p(b, h, i, j);
        }
        for (Index j = 0; j < keys; ++j) {
          if (sum > 0) plain.p(b, h, i, j) /= sum;
          for (Index c = 0; c < v.dim(3); ++c) {
            plain.out(b, h, i, c) += plain.p(b, h, i, j) * double(v(b, h, j, c));
          }
        }
      }
    }
  }
  return plain;
}

/// (B, H, T, D) parts side by side in rows: (B, T, parts H D).
template <class T>
NdArray<T> packed(const std::vector<NdArray<T>>& parts) {
  const Shape& s = parts[0].shape();
  const Index row = s[1] * s[3];
  NdArray<T> out(Shape{s[0], s[2], static_cast<Index>(parts.size()) * row});
  for (std::size_t n = 0; n < parts.size(); ++n) {
    for (Index b = 0; b < s[0]; ++b)
      for (Index h = 0; h < s[1]; ++h)
        for (Index t = 0; t < s[2]; ++t)
          for (Index c = 0; c < s[3]; ++c)
            out(b, t, static_cast<Index>(n) * row + h * s[3] + c) = parts[n](b, h, t, c);
  }
  return out;
}

NdArray<bool> random_padding(const Shape& shape, std::uint64_t seed) {
  NdArray<bool> attend(shape);
  const NdArray<double> u = test::random(shape, seed, 0, 1);
  for (Index i = 0; i < u.numel(); ++i) attend.data()[i] = u.data()[i] > 0.4;
  return attend;
}

}  // namespace

TEMPLATE_TEST_CASE("attention: value", "", float, double) {
  using T = TestType;
  // Two keys with scores 0 and log 3: weights 1/4 and 3/4.
  const Tensor<T> q({1, 1, 1, 1}, {1});
  const Tensor<T> k({1, 1, 2, 1}, {0, std::log(T(3))});
  const Tensor<T> v({1, 1, 2, 2}, {4, 8, 0, 4});
  CHECK_CLOSE(eg::scaled_dot_product_attention(q, k, v).value(), NdArray<T>({1, 1, 1, 2}, {1, 5}),
              1e-6);
  CHECK_CLOSE(eg::scaled_dot_product_attention(q, k, v, {.scale = 1e-30}).value(),
              NdArray<T>({1, 1, 1, 2}, {2, 6}), 1e-6);
  CHECK_CLOSE(eg::scaled_dot_product_attention(q, k, v, {.causal = true}).value(),
              NdArray<T>({1, 1, 1, 2}, {4, 8}), 1e-6);
  CHECK_CLOSE(eg::scaled_dot_product_attention(
                  q, k, v, {.key_padding_mask = NdArray<bool>({1, 2}, {false, true})})
                  .value(),
              NdArray<T>({1, 1, 1, 2}, {0, 4}), 1e-6);
  CHECK_CLOSE(eg::scaled_dot_product_attention(
                  q, k, v, {.additive_mask = NdArray<T>({2}, {std::log(T(3)), 0})})
                  .value(),
              NdArray<T>({1, 1, 1, 2}, {2, 6}), 1e-6);
  // The default scale is 1 / sqrt(D) = 1/2.
  CHECK_CLOSE(eg::scaled_dot_product_attention(
                  Tensor<T>({1, 1, 1, 4}, {1, 1, 1, 1}),
                  Tensor<T>({1, 1, 2, 4}, {0, 0, 0, 0, 0, 0, 0, 2 * std::log(T(3))}), v)
                  .value(),
              NdArray<T>({1, 1, 1, 2}, {1, 5}), 1e-6);
}

TEST_CASE("attention: gradient") {
  const NdArray<bool> padding({2, 7}, {true, true, false, true, true, false, true, false, true,
                                       true, true, true, true, false});
  for (const Index queries : {1, 5, 9}) {
    const auto q = test::random({2, 2, queries, 3}, 1, -2, 2);
    const auto k = test::random({2, 2, 7, 3}, 2, -2, 2);
    const auto v = test::random({2, 2, 7, 4}, 3);
    const auto additive = test::random({1, 2, 1, 7}, 4);
    CHECK_GRADIENT(eg::scaled_dot_product_attention(x[0], x[1], x[2]), {q, k, v});
    CHECK_GRADIENT(eg::scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true, .scale = 2}),
                   {q, k, v});
    CHECK_GRADIENT(eg::scaled_dot_product_attention(
                       x[0], x[1], x[2],
                       {.causal = true, .key_padding_mask = padding, .additive_mask = additive}),
                   {q, k, v});
    // The same draw each time: a function, as the check needs.
    CHECK_GRADIENT(([&] {
                     eg::Generator generator(5);
                     return eg::scaled_dot_product_attention(
                         x[0], x[1], x[2], {.dropout = 0.3, .generator = &generator});
                   })(),
                   {q, k, v});
  }
  SECTION("packed") {
    CHECK_GRADIENT(eg::self_attention(x[0], 2, {.causal = true}), {test::random({2, 5, 18}, 1)});
    CHECK_GRADIENT(eg::cross_attention(x[0], x[1], 2, {.key_padding_mask = padding}),
                   {test::random({2, 3, 6}, 1), test::random({2, 7, 12}, 2)});
  }
  SECTION("one tensor in three places") {
    CHECK_GRADIENT(eg::scaled_dot_product_attention(x[0], x[0], x[0]),
                   {test::random({1, 2, 4, 3}, 1, -2, 2)});
  }
}

TEST_CASE("attention: the packed forms equal the separate one") {
  const auto q = test::random<float>({2, 3, 5, 8}, 1);
  const auto k = test::random<float>({2, 3, 9, 8}, 2);
  const auto v = test::random<float>({2, 3, 9, 8}, 3);
  for (const bool dropout : {false, true}) {
    eg::Generator a(1), b(1);
    const auto options = [&](eg::Generator& generator) {
      return eg::AttentionArguments<float>{.causal = true,
                                           .key_padding_mask = random_padding({2, 9}, 4),
                                           .dropout = dropout ? 0.25 : 0,
                                           .generator = &generator};
    };
    SECTION(dropout ? "cross, dropout" : "cross") {
      const Tensor<float> q0(q, true), k0(k, true), v0(v, true);
      const Tensor<float> q1(packed<float>({q}), true), kv1(packed<float>({k, v}), true);
      const auto y0 = eg::scaled_dot_product_attention(q0, k0, v0, options(a));
      const auto y1 = eg::cross_attention(q1, kv1, 3, options(b));
      CHECK_SAME(y1.value(), packed<float>({y0.value()}));
      const auto dout = test::random<float>({2, 3, 5, 8}, 5);
      y0.backward(dout);
      y1.backward(packed<float>({dout}));
      CHECK_SAME(q1.grad(), packed<float>({q0.grad()}));
      CHECK_SAME(kv1.grad(), packed<float>({k0.grad(), v0.grad()}));
    }
    SECTION(dropout ? "self, dropout" : "self") {
      const auto q9 = test::random<float>({2, 3, 9, 8}, 6);
      const Tensor<float> q0(q9, true), k0(k, true), v0(v, true);
      const Tensor<float> qkv(packed<float>({q9, k, v}), true);
      const auto y0 = eg::scaled_dot_product_attention(q0, k0, v0, options(a));
      const auto y1 = eg::self_attention(qkv, 3, options(b));
      CHECK_SAME(y1.value(), packed<float>({y0.value()}));
      const auto dout = test::random<float>({2, 3, 9, 8}, 5);
      y0.backward(dout);
      y1.backward(packed<float>({dout}));
      CHECK_SAME(qkv.grad(), packed<float>({q0.grad(), k0.grad(), v0.grad()}));
    }
  }
}

TEMPLATE_TEST_CASE("attention: every length equals the loops", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13;
  for (const auto& [queries, keys] : std::vector<std::pair<Index, Index>>{{1, 1},
                                                                          {1, 17},
                                                                          {7, 8},
                                                                          {8, 7},
                                                                          {15, 16},
                                                                          {16, 15},
                                                                          {17, 33},
                                                                          {5, 18},
                                                                          {33, 31},
                                                                          {65, 65},
                                                                          {130, 70},
                                                                          {70, 150},
                                                                          {200, 300},
                                                                          {4, 512}}) {
    INFO(queries << " queries, " << keys << " keys");
    const auto q = test::random<T>({2, 2, queries, 5}, 1, -2, 2);
    const auto k = test::random<T>({2, 2, keys, 5}, 2, -2, 2);
    const auto v = test::random<T>({2, 2, keys, 3}, 3);
    const auto padding = random_padding({2, keys}, 4);
    const auto additive = test::random<T>({1, 2, 1, keys}, 5);
    const auto row_additive = test::random<T>({queries, 1}, 6);
    const double scale = 1 / std::sqrt(5.0);
    CHECK_CLOSE(eg::scaled_dot_product_attention(Tensor<T>(q), Tensor<T>(k), Tensor<T>(v)).value(),
                plain_attention(q, k, v, scale, [](Index, Index, Index, Index) { return 0.; }).out,
                tolerance);
    CHECK_CLOSE(eg::scaled_dot_product_attention(Tensor<T>(q), Tensor<T>(k), Tensor<T>(v),
                                                 {.causal = true, .key_padding_mask = padding})
                    .value(),
                plain_attention(q, k, v, scale,
                                [&](Index b, Index, Index i, Index j) {
                                  return j > i || !padding(b, j) ? -kInf : 0;
                                })
                    .out,
                tolerance);
    CHECK_CLOSE(eg::scaled_dot_product_attention(Tensor<T>(q), Tensor<T>(k), Tensor<T>(v),
                                                 {.additive_mask = additive, .scale = 0.5})
                    .value(),
                plain_attention(
                    q, k, v, 0.5,
                    [&](Index, Index h, Index, Index j) { return double(additive(0, h, 0, j)); })
                    .out,
                tolerance);
    // A whole row moved by a constant changes nothing.
    CHECK_CLOSE(eg::scaled_dot_product_attention(Tensor<T>(q), Tensor<T>(k), Tensor<T>(v),
                                                 {.additive_mask = row_additive})
                    .value(),
                eg::scaled_dot_product_attention(Tensor<T>(q), Tensor<T>(k), Tensor<T>(v)).value(),
                tolerance);
  }
}

TEMPLATE_TEST_CASE("attention: equals matmul, *, +, softmax and matmul", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-13;
  const auto input = [](const Shape& shape, std::uint64_t seed) {
    return Tensor<T>(test::random<T>(shape, seed), true);
  };
  for (const auto& [queries, keys] : std::vector<std::pair<Index, Index>>{
           {65, 65}, {197, 197}, {150, 40}, {40, 300}, {600, 520}}) {
    for (const bool causal : {false, true}) {
      INFO(queries << " queries, " << keys << " keys, causal " << causal);
      const NdArray<T> mask = test::random<T>({1, 2, 1, keys}, 7);
      NdArray<T> hidden = NdArray<T>::zeros({queries, keys});
      for (Index i = 0; i < queries; ++i) {
        for (Index j = i + 1; j < keys && causal; ++j) hidden(i, j) = T(-kInf);
      }
      std::vector<std::vector<Tensor<T>>> x;
      std::vector<Tensor<T>> y;
      for (const bool coarse : {true, false}) {
        x.push_back({input({1, 2, queries, 16}, 1), input({1, 2, keys, 16}, 2),
                     input({1, 2, keys, 20}, 3)});
        const auto& in = x.back();
        y.push_back(coarse ? eg::scaled_dot_product_attention(
                                 in[0], in[1], in[2], {.causal = causal, .additive_mask = mask})
                           : eg::matmul(eg::softmax(eg::matmul(in[0], eg::transpose(in[1], 2, 3)) *
                                                        T(0.25) +
                                                    Tensor<T>(mask) + Tensor<T>(hidden)),
                                        in[2]));
        y.back().backward(test::random<T>({1, 2, queries, 20}, 5));
      }
      CHECK_CLOSE(y[0].value(), y[1].value(), tolerance);
      for (std::size_t i = 0; i < 3; ++i) CHECK_CLOSE(x[0][i].grad(), x[1][i].grad(), tolerance);
    }
  }
}

TEST_CASE("attention: a query that is kept from itself") {
  for (const auto& [queries, keys] :
       std::vector<std::pair<Index, Index>>{{1, 1}, {3, 7}, {9, 7}, {7, 7}, {70, 65}, {600, 520}}) {
    for (const bool causal : {false, true}) {
      for (const double scale : {0.5, -0.5}) {
        INFO(queries << " queries, " << keys << " keys, causal " << causal << ", scale " << scale);
        const auto q = test::random({1, 2, queries, 4}, 1);
        const auto k = test::random({1, 2, keys, 4}, 2);
        const auto v = test::random({1, 2, keys, 3}, 3);
        const Plain plain = plain_attention(q, k, v, scale, [&](Index, Index, Index i, Index j) {
          return i == j || (causal && j > i) ? -kInf : 0.;
        });
        const eg::AttentionArguments<double> options{
            .causal = causal, .exclude_self = true, .scale = scale};
        CHECK_CLOSE(eg::scaled_dot_product_attention(Tensor<double>(q), Tensor<double>(k),
                                                     Tensor<double>(v), options)
                        .value(),
                    plain.out, 1e-12);
        if (queries > 9) continue;
        CHECK_GRADIENT(eg::scaled_dot_product_attention(x[0], x[1], x[2], options), {q, k, v});
      }
    }
  }
  // Long sequences compute the probabilities again in backward.
  NdArray<double> diagonal = NdArray<double>::zeros({600, 600});
  for (Index i = 0; i < 600; ++i) diagonal(i, i) = -kInf;
  const Tensor<double> a(test::random({1, 600, 6}, 4), true), b(a.value().clone(), true);
  eg::self_attention(a, 1, {.exclude_self = true}).backward(test::random({1, 600, 2}, 5));
  eg::self_attention(b, 1, {.additive_mask = diagonal}).backward(test::random({1, 600, 2}, 5));
  CHECK_CLOSE(a.grad(), b.grad(), 1e-13);
}

TEST_CASE("attention: rotary positions") {
  // Queries and keys of three tokens, rotated by 0, 90 and 180 degrees.
  SECTION("a score depends on the distance alone") {
    const NdArray<double> quarters({3, 2}, {1, 0, 0, 1, -1, 0});
    const Tensor<double> q({1, 1, 3, 2}, {1, 2, 1, 2, 1, 2});
    const Tensor<double> k({1, 1, 3, 2}, {3, 5, 3, 5, 3, 5});
    NdArray<double> identity = NdArray<double>::zeros({1, 1, 3, 3});
    for (Index i = 0; i < 3; ++i) identity(0, 0, i, i) = 1;
    const auto p = eg::scaled_dot_product_attention(q, k, Tensor<double>(identity),
                                                    {.rotary = quarters, .scale = 0.1})
                       .value();
    // (1, 2) . (3, 5) = 13; the key a quarter ahead is (-5, 3): 1; a half ahead -13; a quarter back
    // -1.
    const double row[] = {std::exp(1.3), std::exp(0.1), std::exp(-1.3)};
    CHECK(p(0, 0, 0, 1) == Approx(row[1] / (row[0] + row[1] + row[2])));
    CHECK(p(0, 0, 0, 2) == Approx(row[2] / (row[0] + row[1] + row[2])));
    CHECK(p(0, 0, 1, 0) == Approx(std::exp(-0.1) / (row[0] + row[1] + std::exp(-0.1))));
    CHECK(p(0, 0, 1, 2) == Approx(row[1] / (row[0] + row[1] + std::exp(-0.1))));
  }
  SECTION("the same as rotating queries and keys before") {
    for (const auto& [length, width] : std::vector<std::pair<Index, Index>>{
             {1, 2}, {5, 4}, {17, 6}, {65, 32}, {150, 40}, {600, 18}}) {
      for (const bool each : {false, true}) {
        INFO(length << " tokens of " << width << ", for each sample " << each);
        const Index tokens = length, d = width, batch = 2, heads = 3;
        const NdArray<double> angles = test::random({each ? batch : 1, tokens, d / 2}, 4, -4, 4);
        NdArray<double> table(each ? Shape{batch, tokens, d} : Shape{tokens, d});
        for (Index i = 0; i < angles.numel(); ++i) {
          double* row = table.data() + i / (d / 2) * d + i % (d / 2);
          row[0] = std::cos(angles.data()[i]);
          row[d / 2] = std::sin(angles.data()[i]);
        }
        /// x (B, H, T, D) times a matrix for each token.
        const auto rotated = [&](const Tensor<double>& x) {
          NdArray<double> matrix = NdArray<double>::zeros({each ? batch : 1, 1, tokens, d, d});
          for (Index i = 0; i < angles.numel(); ++i) {
            const Index j = i % (d / 2);
            double* m = matrix.data() + i / (d / 2) * d * d;
            m[j * d + j] = m[(j + d / 2) * (d + 1)] = std::cos(angles.data()[i]);
            m[j * d + j + d / 2] = std::sin(angles.data()[i]);
            m[(j + d / 2) * d + j] = -std::sin(angles.data()[i]);
          }
          return eg::reshape(eg::matmul(eg::unsqueeze(x, 3), Tensor<double>(matrix)), x.shape());
        };
        std::vector<std::vector<Tensor<double>>> in;
        std::vector<Tensor<double>> out;
        for (const bool fused : {true, false}) {
          in.emplace_back();
          for (std::uint64_t seed : {1, 2, 3}) {
            in.back().emplace_back(test::random({batch, heads, tokens, d}, seed), true);
          }
          const auto& x = in.back();
          out.push_back(fused ? eg::scaled_dot_product_attention(x[0], x[1], x[2],
                                                                 {.causal = d > 6, .rotary = table})
                              : eg::scaled_dot_product_attention(rotated(x[0]), rotated(x[1]), x[2],
                                                                 {.causal = d > 6}));
          out.back().backward(test::random({batch, heads, tokens, d}, 5));
        }
        CHECK_CLOSE(out[0].value(), out[1].value(), 1e-13);
        for (std::size_t i = 0; i < 3; ++i) {
          CHECK_CLOSE(in[0][i].grad(), in[1][i].grad(), 1e-12);
        }
      }
    }
  }
  SECTION("gradient, also added to what is there") {
    const NdArray<double> table = test::random({2, 5, 6}, 4);
    CHECK_GRADIENT(eg::self_attention(x[0], 2, {.rotary = table}), {test::random({2, 5, 36}, 1)});
    CHECK_GRADIENT(eg::self_attention(x[0], 2, {.causal = true, .rotary = table}) +
                       eg::self_attention(x[0], 2),
                   {test::random({2, 5, 36}, 1)});
    CHECK_GRADIENT(eg::cross_attention(x[0], x[1], 2, {.rotary = table}),
                   {test::random({2, 5, 12}, 1), test::random({2, 5, 24}, 2)});
  }
}

TEST_CASE("attention: dropout drops weights by the hash of (batch, head, query, key)") {
  const Index batch = 2, heads = 2, queries = 9, keys = 21;
  const auto q = test::random({batch, heads, queries, 4}, 1);
  const auto k = test::random({batch, heads, keys, 4}, 2);
  const auto v = test::random({batch, heads, keys, 3}, 3);
  eg::Generator generator(11);
  const eg::kernels::DropoutMask mask(eg::Generator(11).next(), 0.4);
  Plain plain = plain_attention(q, k, v, 0.5, [](Index, Index, Index, Index) { return 0.; });
  NdArray<double> expected = NdArray<double>::zeros({batch, heads, queries, 3});
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index i = 0; i < queries; ++i)
        for (Index j = 0; j < keys; ++j)
          for (Index c = 0; c < 3; ++c)
            if (mask.keeps(((b * heads + h) * queries + i) * 32 + j))
              expected(b, h, i, c) += plain.p(b, h, i, j) * v(b, h, j, c) / 0.6;
  const auto y =
      eg::scaled_dot_product_attention(Tensor<double>(q), Tensor<double>(k), Tensor<double>(v),
                                       {.dropout = 0.4, .generator = &generator});
  CHECK_CLOSE(y.value(), expected, 1e-13);
  CHECK(generator.state().counter == 1);
  SECTION("all dropped") {
    CHECK_SAME(
        eg::scaled_dot_product_attention(Tensor<double>(q), Tensor<double>(k), Tensor<double>(v),
                                         {.dropout = 1, .generator = &generator})
            .value(),
        NdArray<double>::zeros({batch, heads, queries, 3}));
  }
}

TEMPLATE_TEST_CASE("attention: edge", "", float, double) {
  using T = TestType;
  SECTION("a query that may attend to nothing gets zeros and gives none") {
    const Tensor<T> qkv(test::random<T>({2, 3, 6}, 1), true);
    const NdArray<bool> padding({2, 3}, {false, false, false, false, true, true});
    const auto y = eg::self_attention(qkv, 1, {.causal = true, .key_padding_mask = padding});
    for (const Index c : {0, 1}) {
      for (const Index t : {0, 1, 2}) CHECK(y.value()(0, t, c) == 0);
      CHECK(y.value()(1, 0, c) == 0);  // causal: it sees only key 0, which is padding
      CHECK(y.value()(1, 1, c) == qkv.value()(1, 1, 4 + c));
    }
    y.backward(NdArray<T>::ones({2, 3, 2}));
    for (Index i = 0; i < 18; ++i) CHECK(qkv.grad().data()[i] == 0);
    CHECK(std::isfinite(NdArray<T>(qkv.grad().array()).array().sum()));
  }
  SECTION("the same by an additive mask") {
    const Tensor<T> q(test::random<T>({1, 1, 2, 3}, 1), true);
    const NdArray<T> mask({2, 2}, {T(-kInf), T(-kInf), 0, T(-kInf)});
    const auto y = eg::scaled_dot_product_attention(q, q, q, {.additive_mask = mask});
    CHECK_SAME(y.value(), NdArray<T>({1, 1, 2, 3}, {0, 0, 0, q.value()(0, 0, 0, 0),
                                                    q.value()(0, 0, 0, 1), q.value()(0, 0, 0, 2)}));
    y.backward(NdArray<T>::ones({1, 1, 2, 3}));
    CHECK_SAME(q.grad(), NdArray<T>({1, 1, 2, 3}, {1, 1, 1, 0, 0, 0}));
  }
  SECTION("no samples, no queries, no keys, no width") {
    CHECK(eg::self_attention(Tensor<T>::zeros({0, 4, 6}), 2).shape() == Shape{0, 4, 2});
    CHECK(eg::self_attention(Tensor<T>::zeros({2, 0, 6}), 2).shape() == Shape{2, 0, 2});
    const Tensor<T> q(NdArray<T>::ones({1, 2, 2}), true);
    const Tensor<T> none(NdArray<T>::ones({1, 0, 4}), true);
    const auto y = eg::cross_attention(q, none, 2);
    CHECK_SAME(y.value(), NdArray<T>::zeros({1, 2, 2}));
    y.backward(NdArray<T>::ones({1, 2, 2}));
    CHECK_SAME(q.grad(), NdArray<T>::zeros({1, 2, 2}));
    const Tensor<T> kv(NdArray<T>::ones({1, 3, 4}), true);
    eg::cross_attention(Tensor<T>::zeros({1, 0, 2}), kv, 2).backward(NdArray<T>({1, 0, 2}));
    CHECK_SAME(kv.grad(), NdArray<T>::zeros({1, 3, 4}));
    // Without width all scores are equal.
    CHECK_SAME(eg::scaled_dot_product_attention(Tensor<T>::zeros({1, 1, 1, 0}),
                                                Tensor<T>::zeros({1, 1, 2, 0}),
                                                Tensor<T>({1, 1, 2, 1}, {1, 3}))
                   .value(),
               NdArray<T>({1, 1, 1, 1}, {2}));
  }
  SECTION("large magnitudes do not overflow, NaN stays") {
    const Tensor<T> q({1, 1, 1, 1}, {1});
    const Tensor<T> v({1, 1, 2, 1}, {5, 7});
    CHECK_SAME(eg::scaled_dot_product_attention(q, Tensor<T>({1, 1, 2, 1}, {T(1e30), T(-1e30)}), v)
                   .value(),
               NdArray<T>({1, 1, 1, 1}, {5}));
    CHECK(std::isnan(eg::scaled_dot_product_attention(q, Tensor<T>({1, 1, 2, 1}, {T(NAN), 1}), v)
                         .value()
                         .item()));
  }
  SECTION("what recycled memory holds after the last key does not matter") {
    const auto run = [] {
      const Tensor<T> qkv(test::random<T>({2, 19, 12}, 1), true);
      eg::self_attention(qkv, 2, {.causal = true}).backward(test::random<T>({2, 19, 4}, 2));
      return qkv.grad();
    };
    eg::release_memory();
    const NdArray<T> expected = run();
    std::vector<NdArray<T>> poison;
    for (Index n = 8; n < 100000; n += n / 8) {
      for (int copy = 0; copy < 8; ++copy) poison.push_back(NdArray<T>::full({n}, T(NAN)));
    }
    poison.clear();
    CHECK_SAME(run(), expected);
  }
  SECTION("a NaN in a late value does not reach the gradients of early queries") {
    const Index tokens = 65;  // two blocks of queries; the first sees keys 0 to 39
    const Tensor<T> q(test::random<T>({1, 1, tokens, 2}, 1), true);
    const Tensor<T> k(test::random<T>({1, 1, tokens, 2}, 2));
    NdArray<T> v = test::random<T>({1, 1, tokens, 1}, 3);
    v(0, 0, 41, 0) = T(NAN);
    eg::scaled_dot_product_attention(q, k, Tensor<T>(v), {.causal = true})
        .backward(NdArray<T>::ones({1, 1, tokens, 1}));
    for (Index i = 0; i < 40; ++i) CHECK(std::isfinite(q.grad()(0, 0, i, 0)));
  }
  SECTION("only what is wanted gets a gradient") {
    for (const std::size_t wanted : {0, 1, 2}) {
      std::vector<Tensor<T>> all, x;
      for (std::size_t i = 0; i < 3; ++i) {
        const auto value = test::random<T>({1, 2, 5, 4}, i + 1);
        all.emplace_back(value, true);
        x.emplace_back(value, i == wanted);
      }
      const auto dout = test::random<T>({1, 2, 5, 4}, 9);
      eg::scaled_dot_product_attention(all[0], all[1], all[2]).backward(dout);
      eg::scaled_dot_product_attention(x[0], x[1], x[2]).backward(dout);
      for (std::size_t i = 0; i < 3; ++i) CHECK(x[i].has_grad() == (i == wanted));
      CHECK_SAME(x[wanted].grad(), all[wanted].grad());
    }
  }
  SECTION("a second use adds to the gradient") {
    const auto value = test::random<T>({1, 150, 6}, 1);
    const auto dout = test::random<T>({1, 150, 2}, 2);
    const Tensor<T> once(value, true), twice(value, true);
    eg::self_attention(once, 1, {.causal = true}).backward(dout);
    for (int i = 0; i < 2; ++i) eg::self_attention(twice, 1, {.causal = true}).backward(dout);
    CHECK_CLOSE(NdArray<T>(twice.grad().matrix() / 2), NdArray<T>(once.grad().matrix()), 1e-5);
  }
}

TEST_CASE("attention: long sequences recompute their probabilities") {
  // 600 keys are beyond what is kept; a prefix mask makes them equal to the first 200, which are.
  const Index kept = 200, all = 600;
  const auto value = test::random({1, all, 9}, 1);
  NdArray<double> prefix({1, kept, 9});
  std::copy(value.begin(), value.begin() + prefix.numel(), prefix.begin());
  NdArray<bool> padding({1, all});
  for (Index t = 0; t < all; ++t) padding(0, t) = t < kept;
  const Tensor<double> small(prefix, true), large(value, true);
  const auto y0 = eg::self_attention(small, 3);
  const auto y1 = eg::self_attention(large, 3, {.key_padding_mask = padding});
  NdArray<double> dout = NdArray<double>::zeros({1, all, 3});
  const auto dout_prefix = test::random({1, kept, 3}, 2);
  std::copy(dout_prefix.begin(), dout_prefix.end(), dout.begin());
  y0.backward(dout_prefix);
  y1.backward(dout);
  double worst = 0;
  for (Index i = 0; i < y0.numel(); ++i) {
    worst = std::max(worst, std::abs(y0.value().data()[i] - y1.value().data()[i]));
  }
  for (Index i = 0; i < large.numel(); ++i) {
    const double expected = i < small.numel() ? small.grad().data()[i] : 0;
    worst = std::max(worst, std::abs(expected - large.grad().data()[i]));
  }
  CHECK(worst < 1e-13);
}

TEST_CASE("attention: the same bits on any number of threads, and without a graph") {
  const bool rotated = GENERATE(false, true);
  for (const Index tokens : {65, 140}) {
    for (const Index samples : {1, 5}) {
      const NdArray<float> rotary =
          rotated ? test::random<float>({tokens, 16}, 4) : NdArray<float>();
      test::check_threads([&] {
        eg::Generator generator(3);
        const Tensor<float> qkv(test::random<float>({samples, tokens, 3 * 48}, 1), true);
        const eg::AttentionArguments<float> options{
            .causal = tokens > 65, .rotary = rotary, .dropout = 0.1, .generator = &generator};
        const auto y = eg::self_attention(qkv, 3, options);
        y.backward(test::random<float>({samples, tokens, 48}, 2));
        {
          eg::NoGrad guard;
          generator = eg::Generator(3);
          CHECK_SAME(eg::self_attention(qkv, 3, options).value(), y.value());
        }
        return std::vector{y.value(), qkv.grad()};
      });
    }
  }
}

TEST_CASE("attention: the caller may refill the masks before backward") {
  const Index heads = 2, width = 2;
  for (const Index tokens : {5, 520}) {  // with the probabilities saved, and computed again
    INFO(tokens << " tokens");
    NdArray<bool> padding = random_padding({1, tokens}, 3);
    padding.data()[0] = true;
    NdArray<double> additive = test::random({tokens, tokens}, 4);
    NdArray<double> rotary = test::random({tokens, width}, 5);
    const NdArray<double> qkv = test::random({1, tokens, 3 * heads * width}, 6);
    const NdArray<double> q = test::random({1, tokens, heads * width}, 7);
    const NdArray<double> separate = test::random({1, heads, tokens, width}, 8);
    // Each form of attention, given the options that one mask is in.
    const auto check = [&](auto& mask, auto refill, auto options) {
      CHECK_REFILL(qkv, mask, refill, [&](const auto& x, const auto& m) {
        return eg::self_attention(x, heads, options(m));
      });
      CHECK_REFILL(q, mask, refill, [&](const auto& x, const auto& m) {
        const Tensor<double> kv(test::random({1, tokens, 2 * heads * width}, 9));
        return eg::cross_attention(x, kv, heads, options(m));
      });
      CHECK_REFILL(separate, mask, refill, [&](const auto& x, const auto& m) {
        return eg::scaled_dot_product_attention(x, x, x, options(m));
      });
    };
    using Options = eg::AttentionArguments<double>;
    const auto with_padding = [](const auto& m) { return Options{.key_padding_mask = m}; };
    const auto with_additive = [](const auto& m) { return Options{.additive_mask = m}; };
    const auto with_rotary = [](const auto& m) { return Options{.rotary = m}; };
    check(padding, false, with_padding);
    check(additive, 0.5, with_additive);
    check(rotary, 0.25, with_rotary);
  }
}

TEST_CASE("attention: every shape of an additive mask") {
  const Index batch = 3, heads = 3, queries = 4, keys = 5;  // as many samples as heads
  const Tensor<double> q(test::random({batch, heads, queries, 2}, 1));
  const Tensor<double> k(test::random({batch, heads, keys, 2}, 2));
  const Tensor<double> v(test::random({batch, heads, keys, 2}, 3));
  const auto masked = [&](const NdArray<double>& mask) {
    return eg::scaled_dot_product_attention(q, k, v, {.additive_mask = mask}).value();
  };
  for (const Shape& shape :
       {Shape{}, Shape{keys}, Shape{queries, 1}, Shape{queries, keys}, Shape{1, queries, keys},
        Shape{1, 1, queries, keys}, Shape{1, heads, queries, keys}, Shape{batch, 1, queries, keys},
        Shape{batch, 1, 1, keys}, Shape{batch, heads, queries, keys}}) {
    INFO(shape.str());
    const NdArray<double> mask = test::random(shape, 4);
    Shape full = Shape::filled(4 - shape.rank(), 1);
    for (const Index size : shape) full.push_back(size);
    const auto plain = plain_attention(
        q.value(), k.value(), v.value(), 1 / std::sqrt(2.),
        [&](Index b, Index h, Index i, Index j) {
          const auto at = [&](Index axis, Index n) { return full[axis] == 1 ? 0 : n; };
          return mask.reshape(full)(at(0, b), at(1, h), at(2, i), at(3, j));
        });
    CHECK_CLOSE(masked(mask), plain.out, 1e-12);
  }
  CHECK_ERROR(masked(NdArray<double>({batch, queries, keys})), eg::ShapeError,
              "[scaled_dot_product_attention] an additive_mask of three axes could be one per head "
              "or one per sample: additive_mask (3, 4, 5), (B, H, Tq, Tk) (3, 3, 4, 5); reshape it "
              "to (1, H, Tq, Tk) or (B, 1, Tq, Tk)");
  CHECK_ERROR(masked(NdArray<double>({2, 1, queries, keys})), eg::ShapeError,
              "[scaled_dot_product_attention] additive_mask must broadcast to (B, H, Tq, Tk): "
              "additive_mask (2, 1, 4, 5), (B, H, Tq, Tk) (3, 3, 4, 5)");
}

TEST_CASE("attention: error") {
  using D = Tensor<double>;
  CHECK_ERROR(eg::scaled_dot_product_attention(D::zeros({1, 2, 3, 4}), D::zeros({1, 2, 3, 5}),
                                               D::zeros({1, 2, 3, 4})),
              eg::ShapeError,
              "[scaled_dot_product_attention] must be q (B, H, Tq, D), k (B, H, Tk, D), v (B, H, "
              "Tk, Dv): q (1, 2, 3, 4), k (1, 2, 3, 5), v (1, 2, 3, 4)");
  CHECK_ERROR(eg::self_attention(D::zeros({1, 2, 10}), 2), eg::ShapeError,
              "[self_attention] qkv must be (B, T, 3 H D): qkv (1, 2, 10), H 2");
  CHECK_ERROR(eg::self_attention(D::zeros({1, 2, 12}), 0), eg::ValueError,
              "[self_attention] heads must be at least 1: 0");
  CHECK_ERROR(eg::cross_attention(D::zeros({1, 2, 4}), D::zeros({2, 2, 8}), 2), eg::ShapeError,
              "[cross_attention] must be q (B, Tq, H D), kv (B, Tk, 2 H D): q (1, 2, 4), kv (2, 2, "
              "8)");
  const auto x = D::zeros({2, 3, 6});
  CHECK_ERROR(eg::self_attention(x, 1, {.key_padding_mask = NdArray<bool>({3, 2})}), eg::ShapeError,
              "[self_attention] key_padding_mask must be (B, Tk): key_padding_mask (3, 2), (B, Tk) "
              "(2, 3)");
  CHECK_ERROR(eg::self_attention(x, 1, {.additive_mask = NdArray<double>({2, 3})}), eg::ShapeError,
              "[self_attention] additive_mask must broadcast to (B, H, Tq, Tk): additive_mask (2, "
              "3), (B, H, Tq, Tk) (2, 1, 3, 3)");
  const auto rotary_error = [](const Shape& qkv, Index heads, const Shape& table) {
    std::string text = "nothing was thrown";
    try {
      eg::self_attention(Tensor<float>::zeros(qkv), heads, {.rotary = NdArray<float>(table)});
    } catch (const eg::ShapeError& error) {
      text = error.what();
    }
    return text;
  };
  const std::string rule =
      "[self_attention] rotary must be (Tk, D) or (B, Tk, D), Tk = first_query + Tq and D even: ";
  CHECK(rotary_error({2, 5, 12}, 2, {5, 4}) ==
        rule + "rotary (5, 4), (B, Tq, Tk, D) (2, 5, 5, 2), first_query 0");
  CHECK(rotary_error({2, 5, 12}, 2, {3, 5, 2}) ==
        rule + "rotary (3, 5, 2), (B, Tq, Tk, D) (2, 5, 5, 2), first_query 0");
  CHECK(rotary_error({2, 5, 9}, 1, {5, 3}) ==
        rule + "rotary (5, 3), (B, Tq, Tk, D) (2, 5, 5, 3), first_query 0");
  CHECK_ERROR(
      eg::cross_attention(Tensor<float>::zeros({2, 5, 4}), Tensor<float>::zeros({2, 7, 8}), 2,
                          {.rotary = NdArray<float>(Shape{7, 2}), .first_query = 1}),
      eg::ShapeError,
      "[cross_attention] rotary must be (Tk, D) or (B, Tk, D), Tk = first_query + Tq and D even: "
      "rotary (7, 2), (B, Tq, Tk, D) (2, 5, 7, 2), first_query 1");
  CHECK_ERROR(eg::self_attention(x, 1, {.causal = true, .first_query = -1}), eg::ValueError,
              "[self_attention] first_query must not be negative: -1");
  CHECK_ERROR(eg::self_attention(x, 1, {.dropout = 1.5}), eg::ValueError,
              "[self_attention] dropout must be in [0, 1]: 1.5");
  CHECK_ERROR(eg::self_attention(x, 1, {.dropout = 0.5}), eg::ValueError,
              "[self_attention] dropout needs a generator: dropout 0.5");
}

TEST_CASE("attention: the last queries alone are those of all of them") {
  for (const auto& [first, tokens] :
       std::vector<std::pair<Index, Index>>{{3, 5}, {0, 4}, {6, 7}, {40, 150}, {130, 200}}) {
    const NdArray<double> table = test::random({tokens, 6}, 4);
    for (const bool exclude_self : {false, true}) {
      INFO(first << " tokens before " << tokens - first << ", exclude_self " << exclude_self);
      const auto input = [&](Index count, std::uint64_t seed) {
        return Tensor<double>(test::random({2, 3, count, 6}, seed), true);
      };
      const Tensor<double> q = input(tokens, 1);
      const std::vector<Tensor<double>> k{input(tokens, 2), input(tokens, 2)};
      const std::vector<Tensor<double>> v{input(tokens, 3), input(tokens, 3)};
      const Tensor<double> last(eg::narrow(q, 2, first, tokens - first).value().clone(), true);
      const auto all = eg::narrow(
          eg::scaled_dot_product_attention(
              q, k[0], v[0], {.causal = true, .exclude_self = exclude_self, .rotary = table}),
          2, first, tokens - first);
      const auto some = eg::scaled_dot_product_attention(
          last, k[1], v[1],
          {.causal = true, .exclude_self = exclude_self, .rotary = table, .first_query = first});
      CHECK_CLOSE(some.value(), all.value(), 1e-14);
      const NdArray<double> dout = test::random(all.shape(), 5);
      all.backward(dout);
      some.backward(dout);
      const Tensor<double> dq(q.grad());
      CHECK_CLOSE(last.grad(), eg::narrow(dq, 2, first, tokens - first).value(), 1e-13);
      CHECK_CLOSE(k[1].grad(), k[0].grad(), 1e-13);
      CHECK_CLOSE(v[1].grad(), v[0].grad(), 1e-13);
    }
  }
}

TEMPLATE_TEST_CASE("attention: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 5e-6 : 1e-12;
  const test::Reference reference("attention");
  const auto separate = [&](const std::string& name, const eg::AttentionArguments<T>& options) {
    reference.check<T>(name, tolerance, [&](const auto& x) {
      return eg::scaled_dot_product_attention(x[0], x[1], x[2], options);
    });
  };
  const NdArray<T> attend = reference.get<T>("attend");
  NdArray<bool> padding(attend.shape());
  for (Index i = 0; i < attend.numel(); ++i) padding.data()[i] = attend.data()[i] != 0;
  separate("plain", {});
  separate("scaled", {.scale = 0.7});
  separate("causal", {.causal = true});
  separate("padding", {.key_padding_mask = padding});
  // PyTorch reads three axes as (H, Tq, Tk) here.
  separate("additive", {.additive_mask = reference.get<T>("additive").reshape({1, 3, 5, 7})});
  reference.check<T>("self", tolerance, [](const auto& x) { return eg::self_attention(x[0], 3); });
  reference.check<T>("rotary", tolerance, [&](const auto& x) {
    return eg::self_attention(x[0], 3, {.rotary = reference.get<T>("rotary")});
  });
  reference.check<T>("cross", tolerance,
                     [](const auto& x) { return eg::cross_attention(x[0], x[1], 3); });
  CHECK_CLOSE(eg::self_attention(Tensor<T>(reference.get<T>("module_qkv")), 3).value(),
              reference.get<T>("module_out"), tolerance);
}
