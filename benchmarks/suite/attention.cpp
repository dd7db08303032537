// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/attention.hpp>

namespace bench {
namespace {

struct Case {
  Index batch, tokens, heads, width;

  std::string name(const char* phase) const {
    return std::string("self_attention ") + phase + shape().str() + " " + std::to_string(heads) +
           " heads";
  }
  Shape shape() const { return {batch, tokens, 3 * heads * width}; }
  double flop() const {
    return 4.0 * double(batch) * double(tokens) * double(tokens) * double(heads * width);
  }
};

/// Result (B, T, H D) and gradient of qkv (B, T, 3 H D) for `dout`; no gradient without one.
std::pair<Exact, Exact> naive_attention(const Case& c, const Array& qkv, const Array& dout) {
  const Index t = c.tokens;
  const double scale = 1 / std::sqrt(double(c.width));
  Exact out = Exact::zeros(Shape{c.batch, t, c.heads * c.width});
  Exact dqkv = Exact::zeros(c.shape());
  eg::parallel_for(c.batch * c.heads, 1, [&](Index begin, Index end) {
    for (Index index = begin; index < end; ++index) {
      const Index sample = index / c.heads;
      const Index head = index % c.heads;
      // Row `i` of the queries (part 0), keys (1) or values (2) of this head.
      auto at = [&](auto* data, Index i, Index part) {
        return data + ((sample * t + i) * 3 + part) * c.heads * c.width + head * c.width;
      };
      auto result = [&](auto* data, Index i) {
        return data + ((sample * t + i) * c.heads + head) * c.width;
      };
      auto dot = [&](const float* a, const float* b) {
        double sum = 0;
        for (Index d = 0; d < c.width; ++d) sum += double(a[d]) * double(b[d]);
        return sum;
      };
      std::vector<double> p(static_cast<std::size_t>(t)), dp(p);
      for (Index i = 0; i < t; ++i) {
        double total = 0;
        for (Index j = 0; j < t; ++j) {
          p[std::size_t(j)] = std::exp(scale * dot(at(qkv.data(), i, 0), at(qkv.data(), j, 1)));
          total += p[std::size_t(j)];
        }
        double mean = 0;
        for (Index j = 0; j < t; ++j) {
          double& probability = p[std::size_t(j)];
          probability /= total;
          const float* v = at(qkv.data(), j, 2);
          for (Index d = 0; d < c.width; ++d) result(out.data(), i)[d] += probability * v[d];
          if (!dout.defined()) continue;
          dp[std::size_t(j)] = dot(result(dout.data(), i), v);
          mean += probability * dp[std::size_t(j)];
        }
        if (!dout.defined()) continue;
        for (Index j = 0; j < t; ++j) {
          const double probability = p[std::size_t(j)];
          const double ds = probability * (dp[std::size_t(j)] - mean) * scale;
          for (Index d = 0; d < c.width; ++d) {
            at(dqkv.data(), i, 0)[d] += ds * at(qkv.data(), j, 1)[d];
            at(dqkv.data(), j, 1)[d] += ds * at(qkv.data(), i, 0)[d];
            at(dqkv.data(), j, 2)[d] += probability * result(dout.data(), i)[d];
          }
        }
      }
    }
  });
  return {out, dqkv};
}

void add(Suite& suite, const Case& c) {
  suite.add(c.name(""), flop(c.flop()), 1e-5, [c] {
    const Tensor qkv(random(c.shape()));
    auto run = [=] { return eg::self_attention(qkv, c.heads); };
    return Kernel{
        .run = [=] { run(); },
        .error =
            [=] { return difference(run().value(), naive_attention(c, qkv.value(), {}).first); }};
  });
  suite.add(c.name("backward "), flop(2 * c.flop()), 1e-5, [c] {
    const Tensor qkv(random(c.shape()), true);
    const Array dout = random({c.batch, c.tokens, c.heads * c.width}, 2);
    return backward_kernel({qkv}, eg::self_attention(qkv, c.heads), dout, [=] {
      return std::vector<Exact>{naive_attention(c, qkv.value(), dout).second};
    });
  });
}

}  // namespace

void attention_benchmarks(Suite& suite) {
  add(suite, {128, 16, 3, 64});  // a convolutional tokenizer's
  add(suite, {64, 17, 3, 64});   // 8 x 8 patches
  add(suite, {64, 65, 3, 64});   // 4 x 4 patches
  add(suite, {8, 197, 12, 64});  // ViT-B/16
  add(suite, {1, 1024, 3, 64});
}

}  // namespace bench
