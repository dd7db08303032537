// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/op.hpp>
#include <eigengrad/ops.hpp>
#include <tests/support/test.hpp>

using test::Tensor;

namespace {

/// Multiply-adds of all that is computed while it lives.
struct Count : eg::Observer {
  double forward = 0, backward = 0;
  void observe(const Event& event) override {
    if (event.phase == Phase::kForward) forward += event.macs;
    if (event.phase == Phase::kBackward) backward += event.macs;
  }
};

Tensor<float> leaf(const eg::Shape& shape, bool wanted = true) {
  return Tensor<float>(test::random<float>(shape), wanted);
}

/// Forward and backward of f().
template <class F>
void check(double forward, double backward, const F& f) {
  Count count;
  const Tensor<float> y = f();
  y.backward(test::NdArray<float>::ones(y.shape()));
  CHECK(count.forward == forward);
  CHECK(count.backward == backward);
}

}  // namespace

TEST_CASE("op: products by hand") {
  const bool data = false;
  check(2 * 3 * 5 * 4, 2 * 3 * 5 * 4, [] {
    return eg::linear(leaf({2, 3, 4}, data), leaf({5, 4}), leaf({5}));
  });
  check(2 * 3 * 5 * 4, 2 * (2 * 3 * 5 * 4), [] {
    return eg::linear(leaf({2, 3, 4}), leaf({5, 4}));
  });
  check(2 * 3 * 4 * 5, 2 * (2 * 3 * 4 * 5), [] {
    return eg::matmul(leaf({2, 3, 4}), leaf({2, 4, 5}));
  });
  // 2 images, 6 x 6 windows of 3 channels and 9 taps, 5 filters.
  check(2 * 36 * 27 * 5, 2 * 36 * 27 * 5, [] {
    return eg::conv2d(leaf({2, 3, 8, 8}, data), leaf({5, 3, 3, 3}));
  });
  // An mlp 4 -> 7 -> 3 on 6 rows, with biases and without.
  for (const bool bias : {true, false}) {
    const auto mlp = [&](bool wanted) {
      return eg::mlp(leaf({6, 4}, wanted), leaf({7, 4}), bias ? leaf({7}) : Tensor<float>(),
                     leaf({3, 7}), bias ? leaf({3}) : Tensor<float>());
    };
    check(6 * 7 * (4 + 3), 6 * 7 * (4 + 3 + 3), [&] { return mlp(false); });
    check(6 * 7 * (4 + 3), 2 * 6 * 7 * (4 + 3), [&] { return mlp(true); });
  }
  // 2 samples, 5 tokens, 3 heads of 4; scores and their use.
  check(2 * 3 * 5 * 5 * (4 + 4), 2 * 2 * 3 * 5 * 5 * (4 + 4), [] {
    return eg::self_attention(leaf({2, 5, 36}), 3);
  });
  check(2 * 3 * 5 * 7 * (4 + 4), 2 * 2 * 3 * 5 * 7 * (4 + 4), [] {
    return eg::cross_attention(leaf({2, 5, 12}), leaf({2, 7, 24}), 3);
  });
  check(2 * 3 * 5 * 7 * (4 + 6), 2 * 2 * 3 * 5 * 7 * (4 + 6), [] {
    return eg::scaled_dot_product_attention(leaf({2, 3, 5, 4}), leaf({2, 3, 7, 4}),
                                            leaf({2, 3, 7, 6}));
  });
  check(0, 0, [] { return eg::softmax(leaf({3, 4}) + leaf({4})); });
}

TEST_CASE("op: work does not depend on the name, and an op that states none has none") {
  const auto product = [](const eg::Op& op, const Tensor<float>& x) {
    return eg::make_result(
        op, x.value().clone(),
        [](eg::BackwardContext<float>& context) {
          context.count_macs(40);
          context.count_macs(2);
          context.accumulate(0, context.dout());
        },
        x);
  };
  check(21, 42, [&] { return product({"product", 21}, leaf({3})); });
  check(21, 42, [&] { return product({"another name", 21}, leaf({3})); });
  check(0, 42, [&] { return product("linear", leaf({3})); });
}

TEST_CASE("op: what forward reads is reported both ways") {
  struct Reads : eg::Observer {
    std::vector<eg::Op::Reads> seen;
    void observe(const Event& event) override { seen.push_back(event.reads); }
  };
  using R = eg::Op::Reads;
  const auto reads = [](const auto& f) {
    Reads observer;
    const Tensor<float> y = f(leaf({4, 3}));
    y.backward(test::NdArray<float>::ones(y.shape()));
    REQUIRE(observer.seen.size() == 2);
    CHECK(observer.seen[0] == observer.seen[1]);
    return observer.seen[0];
  };
  const test::NdArray<eg::Index> rows({2}, {3, 1});
  CHECK(reads([](const auto& x) { return eg::exp(x); }) == R::kAll);
  CHECK(reads([](const auto& x) { return eg::slice(x, 0, 1, 3); }) == R::kPart);
  CHECK(reads([&](const auto& x) { return eg::embedding(rows, x); }) == R::kIndexed);
  CHECK(reads([&](const auto& x) { return eg::index_select(x, 0, rows); }) == R::kIndexed);
  CHECK(reads([](const auto& x) { return eg::reshape(x, {12}); }) == R::kNothing);
}
